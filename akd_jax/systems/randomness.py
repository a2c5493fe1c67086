"""All that is random in a training step."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax


class Draws(NamedTuple):
  """All that is random in a step, for n micro-batches of B samples.

  Attributes:
    target: 0/1 [n, B, C], wanted labels: those of the batch, permuted. Of
      RelGAN and StarGAN v2 [1, B, C], the labels of the second micro-batch.
    alpha: [n, B], where the gradient penalty looks.
    active: 0/1 [B, C], one class of each last target that is explained, see
      `System.explained`: one-hot; zeros where there is none.
    more: what a single system draws, by name.
  """

  target: jax.Array
  alpha: jax.Array
  active: jax.Array
  more: dict[str, jax.Array] = {}


def draw(
  key: jax.Array, label: jax.Array, axis_name: str | None = None
) -> Draws:
  """Draws a function of (key, position in the global batch) alone.

  Results therefore depend neither on the number of devices nor on a restart.

  Args:
    key: of this step.
    label: [n, B, C], this device's share of the labels.
    axis_name: of pmap.
  """
  n, size = label.shape[:2]
  everyone, first = label, _first_place(size, axis_name)
  if axis_name is not None:
    everyone = lax.all_gather(label, axis_name, axis=1, tiled=True)
  of_targets, of_alpha, of_active = jax.random.split(key, 3)
  permuted = jax.vmap(jax.random.permutation)(
    jax.random.split(of_targets, n), everyone
  )
  target = lax.dynamic_slice_in_dim(permuted, first, size, axis=1)
  sample = first + jnp.arange(size)
  micro_batch = jnp.arange(n)[:, None] * everyone.shape[1]
  alpha = _per_sample(of_alpha, micro_batch + sample)
  active = draw_active(of_active, target[-1], axis_name)
  return Draws(target, alpha, active)


def draw_active(
  key: jax.Array, target: jax.Array, axis_name: str | None
) -> jax.Array:
  """Draws one active class of each target [B, C]: one-hot, or zeros.

  Args:
    key: of this step.
    target: this device's share.
    axis_name: of pmap.
  """
  keys = sample_keys(key, len(target), axis_name)
  return jax.vmap(_sample_active)(keys, target)


def sample_keys(key: jax.Array, size: int, axis_name: str | None) -> jax.Array:
  """Returns a key of its own for each of this device's samples, [size].

  Args:
    key: of this step.
    size: how many samples this device has.
    axis_name: of pmap.
  """
  sample = _first_place(size, axis_name) + jnp.arange(size)
  keys: jax.Array = jax.vmap(jax.random.fold_in, (None, 0))(key, sample)
  return keys


def _first_place(size: int, axis_name: str | None) -> jax.Array:
  """The place of this device's first sample in the global batch."""
  if axis_name is None:
    return jnp.zeros((), jnp.int32)
  return lax.axis_index(axis_name) * size


def _per_sample(key: jax.Array, sample: jax.Array) -> jax.Array:
  keys = jax.vmap(jax.random.fold_in, (None, 0))(key, sample.reshape(-1))
  return jax.vmap(jax.random.uniform)(keys).reshape(sample.shape)


def _sample_active(key: jax.Array, target: jax.Array) -> jax.Array:
  """Draws one active class of one target [C]: one-hot, or zeros if none is."""
  logits = jnp.where(target > 0, 0.0, -jnp.inf)
  drawn = jax.random.categorical(key, jnp.where(target.any(), logits, 0.0))
  return jax.nn.one_hot(drawn, target.shape[0]) * target
