"""Pictures through a trained generator, with or without its attention."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from akd_jax.distillation import attention
from akd_jax.inference.batches import in_pieces
from akd_jax.models.convolutions import on_cpu
from akd_jax.training.state import Networks


class Trained(NamedTuple):
  """Networks with their parameters.

  Attributes:
    networks: generator and discriminator.
    generator: parameters.
    discriminator: parameters, of the one whose logits attention is taken from.
  """

  networks: Networks
  generator: Any
  discriminator: Any


def to_unit(image: jax.Array) -> jax.Array:
  """uint8 [0, 255] to float32 [-1, 1]."""
  return image.astype(jnp.float32) / 127.5 - 1


def to_uint8(image: jax.Array) -> jax.Array:
  """[-1, 1] to uint8 [0, 255], rounded."""
  scaled = jnp.round((image + 1) * 127.5)
  return jnp.clip(scaled, 0, 255).astype(jnp.uint8)


@functools.partial(jax.jit, static_argnames="generator")
def _translate(generator, params, image, label):
  translated, _ = generator.apply(
    {"params": params}, to_unit(image), label.astype(jnp.float32)
  )
  return to_uint8(translated)


def _piece(count: int) -> int:
  """Pictures at once: few on a CPU, where pieces run side by side."""
  return 1 if count == 1 else 8 if on_cpu() else 64


def translate(
  trained: Trained, images: np.ndarray, labels: np.ndarray
) -> np.ndarray:
  """Translates images uint8 [N, S, S, 3] to labels [N, C]; uint8 again."""
  function = functools.partial(
    _translate, trained.networks.generator, trained.generator
  )
  return in_pieces(function, _piece(len(images)), images, labels)


@functools.partial(jax.jit, static_argnames=("networks", "names", "method"))
def _attend(
  networks, generator, discriminator, image, label, selector, names, method
):
  unit, label = to_unit(image), label.astype(jnp.float32)

  def scores(taps):
    translated, features = networks.generator.apply(
      {"params": generator}, unit, label, taps
    )
    (_, logits), _ = networks.discriminator.apply(
      {"params": discriminator}, translated
    )
    return logits, (features, translated)

  taps = attention.zero_taps(networks.generator, generator, unit, label, names)
  maps, translated = attention.attention_maps(
    scores, taps, selector, method=method
  )
  return to_uint8(translated), maps


def translate_with_attention(
  trained: Trained,
  images: np.ndarray,
  labels: np.ndarray,
  selectors: np.ndarray,
  names: Sequence[str],
  method: str,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
  """Translates, and says where the generator looked.

  Args:
    trained: networks and parameters.
    images: uint8 [N, S, S, 3].
    labels: [N, C], the wanted attributes.
    selectors: [N, C'], the logits (of `trained.discriminator`) that each map
      is taken from; see `attention.attention_maps`.
    names: of the activations; see `attention.activation_name`.
    method: config.attention.method.

  Returns:
    Translated images uint8 [N, S, S, 3], and maps {name: [N, S/4, S/4]}.
  """
  function = functools.partial(
    _attend, *trained, names=tuple(names), method=method
  )
  selectors = np.asarray(selectors, np.float32)
  return in_pieces(function, _piece(len(images)), images, labels, selectors)
