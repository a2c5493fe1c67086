"""What all tests share: how they compile, and networks that cost nothing."""

import os

# Tests compile far more than they compute: without LLVM's optimisations a
# program is compiled in a seventh of the time. Set before JAX starts; commands
# that a test starts as processes inherit it.
os.environ["XLA_FLAGS"] = (
  "--xla_backend_optimization_level=0 " + os.environ.get("XLA_FLAGS", "")
)

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags

# No test goes through app.run; what reads a flag finds its default.
flags.FLAGS.mark_as_parsed()


@pytest.fixture(scope="session")
def shapes_of() -> Callable[..., Any]:
  """(network, shapes of its inputs) -> its parameters' shapes, no values."""
  return _shapes_of


@pytest.fixture(scope="session")
def initialize() -> Callable[..., Any]:
  """(network, shapes of its inputs, seed=0) -> parameters.

  Filled by NumPy: `init` would have to be compiled for each network. Norms and
  biases are not at their start values, so that none of them can be left out.
  """
  return _initialize


def _shapes_of(network: nn.Module, *inputs: tuple[int, ...]) -> Any:
  variables = jax.eval_shape(
    lambda: network.init(jax.random.key(0), *map(jnp.zeros, inputs))
  )
  return variables["params"]


def _initialize(
  network: nn.Module, *inputs: tuple[int, ...], seed: int = 0
) -> Any:
  rng = np.random.default_rng(seed)

  def fill(path, leaf):
    noise = rng.normal(size=leaf.shape)
    if leaf.ndim > 1:
      noise *= np.prod(leaf.shape[:-1]) ** -0.5
    else:
      noise = 0.3 * noise + (path[-1].key == "scale")
    return jnp.asarray(noise, leaf.dtype)

  return jax.tree_util.tree_map_with_path(fill, _shapes_of(network, *inputs))
