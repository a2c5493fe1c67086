"""Our InstanceNorm beside flax's: how exact, and how fast, in turns.

  python benchmarks/instance_norm.py [--rounds=60]

The gradient is that of parameters and input. Ratios are our time over flax's,
medians of all rounds.
"""

import argparse
import functools
import time

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from akd_jax.models.layers import InstanceNorm

SHAPES = (16, 16, 16, 64), (16, 64, 64, 16)


class FlaxNorm(nn.Module):
  """Flax's, with PyTorch's epsilon and the two-pass variance."""

  @nn.compact
  def __call__(self, x):
    norm = nn.InstanceNorm(
      epsilon=1e-5, use_fast_variance=False, dtype=jnp.float32
    )
    return norm(x).astype(x.dtype)


def reference(x):
  """The same in float64, with scale 1 and bias 0."""
  x = np.asarray(x, np.float64)
  centred = x - x.mean((1, 2), keepdims=True)
  variance = np.square(centred).mean((1, 2), keepdims=True)
  return centred / np.sqrt(variance + 1e-5)


def seconds(function, *arguments):
  start = time.perf_counter()
  jax.block_until_ready(function(*arguments))
  return time.perf_counter() - start


def compare(dtype, shape, rounds):
  x = jnp.asarray(np.random.default_rng(0).normal(3, 2, shape), dtype)
  expected = reference(x)
  works, errors = [], []
  for module in (InstanceNorm(), FlaxNorm()):
    params = module.init(jax.random.key(0), x)
    forward = jax.jit(functools.partial(module.apply, params))
    gradient = jax.jit(
      jax.grad(
        lambda p, x, module=module: jnp.sum(
          module.apply(p, x).astype(jnp.float32) ** 3
        ),
        argnums=(0, 1),
      )
    )
    error = np.abs(np.asarray(forward(x), np.float64) - expected).max()
    errors.append(error / np.abs(expected).max())
    works.append((forward, functools.partial(gradient, params)))
    seconds(works[-1][1], x)
  ratios = [
    [seconds(ours, x) / seconds(theirs, x) for _ in range(rounds)]
    for ours, theirs in zip(*works, strict=True)
  ]
  forward, gradient = map(np.median, ratios)
  print(
    f"{dtype.__name__:9}  {shape!s:18}  error {errors[0]:.1e} (flax"
    f" {errors[1]:.1e})  forward {forward:.2f}  gradient {gradient:.2f}"
  )


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("--rounds", type=int, default=60)
  rounds = parser.parse_args().rounds
  for dtype in (jnp.float32, jnp.bfloat16):
    for shape in SHAPES:
      compare(dtype, shape, rounds)


if __name__ == "__main__":
  main()
