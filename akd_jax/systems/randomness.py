"""All that is random in a training step."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


class Draws(NamedTuple):
  """All that is random in a step, for n micro-batches of B samples.

  Attributes:
    target: [n, B, C], wanted labels: those of the batch, permuted.
    alpha: [n, B], where the gradient penalty looks.
    active: [B, C], one active class of each last target, one-hot.
  """

  target: jax.Array
  alpha: jax.Array
  active: jax.Array


def draw(
  key: jax.Array,
  label: jax.Array,
  axis_name: str | None = None,
  single: np.ndarray | None = None,
) -> Draws:
  """Draws a function of (key, position in the global batch) alone.

  Results therefore depend neither on the number of devices nor on a restart.

  Args:
    key: of this step.
    label: [n, B, C], this device's share of the labels.
    axis_name: of pmap.
    single: 0/1 [G, C], groups of attributes that change together. A target then
      differs from the own label in one of them, where it would in any. None for
      StarGAN's: all attributes are another person's.
  """
  n, size = label.shape[:2]
  everyone, first = label, jnp.zeros((), jnp.int32)
  if axis_name is not None:
    everyone = lax.all_gather(label, axis_name, axis=1, tiled=True)
    first = lax.axis_index(axis_name) * size
  of_targets, of_alpha, of_active = jax.random.split(key, 3)
  permuted = jax.vmap(jax.random.permutation)(
    jax.random.split(of_targets, n), everyone
  )
  target = lax.dynamic_slice_in_dim(permuted, first, size, axis=1)
  sample = first + jnp.arange(size)
  if single is not None:
    keys = _keys(jax.random.fold_in(key, 1), n, everyone.shape[1], sample)
    change = jax.vmap(jax.vmap(_change_one, (0, 0, 0, None)), (0, 0, 0, None))
    target = change(keys, label, target, jnp.asarray(single, label.dtype))
  micro_batch = jnp.arange(n)[:, None] * everyone.shape[1]
  alpha = _per_sample(of_alpha, micro_batch + sample)
  keys = jax.vmap(jax.random.fold_in, (None, 0))(of_active, sample)
  active = jax.vmap(_sample_active)(keys, target[-1])
  return Draws(target, alpha, active)


def _keys(key: jax.Array, n: int, batch: int, sample: jax.Array) -> jax.Array:
  """One key for each sample of each micro-batch: [n, B]."""
  number = jnp.arange(n)[:, None] * batch + sample
  fold = jax.vmap(jax.vmap(jax.random.fold_in, (None, 0)), (None, 0))
  return fold(key, number)


def _change_one(
  key: jax.Array, label: jax.Array, other: jax.Array, groups: jax.Array
) -> jax.Array:
  """Returns a label with one group of attributes of another one: [C]."""
  differs = jnp.any((label != other) & (groups > 0), axis=-1)
  logits = jnp.where(differs, 0.0, -jnp.inf)
  chosen = jax.random.categorical(key, jnp.where(differs.any(), logits, 0.0))
  return jnp.where(groups[chosen] > 0, other, label)


def _per_sample(key: jax.Array, sample: jax.Array) -> jax.Array:
  keys = jax.vmap(jax.random.fold_in, (None, 0))(key, sample.reshape(-1))
  return jax.vmap(jax.random.uniform)(keys).reshape(sample.shape)


def _sample_active(key: jax.Array, target: jax.Array) -> jax.Array:
  """Draws one active class of one target [C]: one-hot, or zeros if none is."""
  logits = jnp.where(target > 0, 0.0, -jnp.inf)
  drawn = jax.random.categorical(key, jnp.where(target.any(), logits, 0.0))
  return jax.nn.one_hot(drawn, target.shape[0]) * target
