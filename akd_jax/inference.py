"""Pictures through a trained generator, with or without its attention."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from akd_jax import attention
from akd_jax.state import Networks


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


def translate(
  trained: Trained, images: np.ndarray, labels: np.ndarray, batch_size: int = 32
) -> np.ndarray:
  """Translates images uint8 [N, S, S, 3] to labels [N, C]; uint8 again.

  Any N: the last batch is filled up, so that one program serves all.
  """
  outputs = []
  for start in range(0, len(images), batch_size):
    image = images[start : start + batch_size]
    label = labels[start : start + batch_size]
    missing = ((0, batch_size - len(image)),)
    output = _translate(
      trained.networks.generator,
      trained.generator,
      np.pad(image, missing + ((0, 0),) * 3),
      np.pad(label, missing + ((0, 0),)),
    )
    outputs.append(np.asarray(output)[: len(image)])
  return np.concatenate(outputs)


@functools.partial(jax.jit, static_argnames=("networks", "name"))
def _attend(networks, generator, discriminator, image, label, selector, name):
  unit, label = to_unit(image), label.astype(jnp.float32)

  def scores(taps):
    translated, features = networks.generator.apply(
      {"params": generator}, unit, label, taps
    )
    (_, logits), _ = networks.discriminator.apply(
      {"params": discriminator}, translated
    )
    return logits, (features, translated)

  taps = attention.zero_taps(networks.generator, generator, unit, label, [name])
  maps, translated = attention.attention_maps(scores, taps, selector)
  return to_uint8(translated), maps[name]


def translate_with_attention(
  trained: Trained,
  images: np.ndarray,
  labels: np.ndarray,
  selectors: np.ndarray,
  *,
  block: str | int = "last",
  hook: str = "block",
) -> tuple[np.ndarray, np.ndarray]:
  """Translates, and says where the generator looked.

  Args:
    trained: networks and parameters.
    images: uint8 [N, S, S, 3].
    labels: [N, C], the wanted attributes.
    selectors: [N, C'], the logits (of `trained.discriminator`) that each map
      is taken from; see `attention.attention_maps`.
    block: residual block of the generator.
    hook: where in the block.

  Returns:
    Translated images uint8 [N, S, S, 3], and maps [N, S/4, S/4].
  """
  name = attention.activation_name(
    block, hook, trained.networks.generator.blocks
  )
  translated, maps = _attend(
    trained.networks,
    trained.generator,
    trained.discriminator,
    images,
    labels,
    np.asarray(selectors, np.float32),
    name,
  )
  return np.asarray(translated), np.asarray(maps)
