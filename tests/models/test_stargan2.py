"""StarGAN v2's networks: published sizes, start, types."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.models.stargan2 import Discriminator, Generator, MappingNetwork
from akd_jax.models.stargan2_blocks import ResidualBlock
from tests.golden_arrays import load

SMALL = Generator(4, 8, 1, 4, 4, 32, 3)


def count(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_networks_have_the_released_number_of_parameters(shapes_of):
  image, label = (1, 256, 256, 3), (1, 2)
  released = json.loads(str(load("stargan2")["metadata"]))["parameters"]
  generator = shapes_of(Generator(), image, label)
  mapping = generator.pop("mapping")
  encoder = {name: generator.pop(name) for name in ("trunk", "seen")}
  discriminator = shapes_of(Discriminator(), image)
  assert released == {
    "G": count(generator),
    "M": count(mapping),
    "E": count(encoder),
    "D": count(discriminator),
  }


def test_parameters_start_as_released():
  key, style = jax.random.key(0), jnp.zeros((1, 16))
  block = ResidualBlock(16, 32, "resize")
  start = {
    "mapping": jax.jit(MappingNetwork(32, 16, 3).init)(key, style),
    "block": jax.jit(block.init)(key, jnp.zeros((1, 2, 2, 24)), style),
  }
  for path, x in traverse_util.flatten_dict(start).items():
    if path[-1] == "bias":
      assert not np.any(x), path
      continue
    # Of the mapping network each domain has its own, and not that of another.
    own = x if "branch" in path else x[None]
    found = [np.std(kernel) for kernel in own]
    assert np.unique(found).size == len(own)
    expected = np.sqrt(2 / np.prod(own.shape[1:-1]))
    np.testing.assert_allclose(found, expected, rtol=0.12)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_activations_are_narrow_and_pictures_are_not(dtype, shapes_of):
  network = SMALL.clone(dtype=jnp.dtype(dtype))
  params = shapes_of(network, (1, 16, 16, 3), (1, 3))
  assert {x.dtype.name for x in jax.tree.leaves(params)} == {"float32"}
  image, activations = jax.eval_shape(
    network.apply,
    {"params": params},
    jnp.zeros((2, 16, 16, 3)),
    jnp.zeros((2, 3)),
  )
  assert image.dtype == jnp.float32 and image.shape == (2, 16, 16, 3)
  assert {x.dtype.name for x in activations.values()} == {dtype}
  hooks = ("norm", "branch", "block")
  assert {*activations} == {f"{x}_{i}" for x in hooks for i in range(6)}
  judge = Discriminator(4, 8, 3, jnp.dtype(dtype))
  params = shapes_of(judge, (1, 16, 16, 3))
  branches, features = jax.eval_shape(
    lambda p, x: judge.apply({"params": p}, x, method="judge"),
    params,
    jnp.zeros((2, 16, 16, 3)),
  )
  assert branches.dtype == jnp.float32 and branches.shape == (2, 3)
  assert {x.dtype.name for x in features.values()} == {dtype}


@pytest.mark.parametrize("size", [6, 24])
def test_pictures_that_are_no_doubled_four_are_refused(size, shapes_of):
  with pytest.raises(ValueError, match=f"image size {size} is not 4"):
    shapes_of(Discriminator(4, 8), (1, size, size, 3))
