"""Learnt 1x1 convolutions from a student's channels to a teacher's."""

import jax
import jax.numpy as jnp

from akd_jax.distillation.method import Pairs
from akd_jax.systems.model import Params


def create_adapters(key: jax.Array, pairs: Pairs) -> Params:
  """Creates an adapter of each pair: kernel [Ks, Kt] and bias [Kt].

  Uniform in +-1 / sqrt(Ks), as PyTorch's 1x1 convolutions start.
  """
  adapters = {}
  keys = jax.random.split(key, (len(pairs), 2))
  for i, ((ours, theirs), both) in enumerate(zip(pairs, keys, strict=True)):
    narrow, wide = ours.shape[-1], theirs.shape[-1]
    adapters[f"adapter_{i}"] = {
      "kernel": _uniform(both[0], (narrow, wide), narrow**-0.5),
      "bias": _uniform(both[1], (wide,), narrow**-0.5),
    }
  return adapters


def _uniform(key: jax.Array, shape: tuple[int, ...], bound: float) -> jax.Array:
  return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


def adapt(adapters: Params, pairs: Pairs) -> list[jax.Array]:
  """Returns the student's activations with the teacher's channels."""
  return [
    ours.astype(jnp.float32) @ adapters[f"adapter_{i}"]["kernel"]
    + adapters[f"adapter_{i}"]["bias"]
    for i, (ours, _) in enumerate(pairs)
  ]
