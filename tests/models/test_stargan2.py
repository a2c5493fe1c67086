"""StarGAN v2's networks: published sizes, start, types."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.models.stargan2 import Discriminator, Generator
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
  image, label = jnp.zeros((1, 16, 16, 3)), jnp.zeros((1, 3))
  start = jax.jit(SMALL.clone(channels=64, width=32).init)(
    jax.random.key(0), image, label
  )["params"]
  for path, x in traverse_util.flatten_dict(start).items():
    if path[-1] in ("bias", "scale"):
      assert np.all(x == (path[-1] == "scale")), path
      continue
    # Of the mapping network each domain has its own, and not that of another.
    own = x if path[:2] == ("mapping", "branch") else x[None]
    expected = np.sqrt(2 / np.prod(own.shape[1:-1]))
    found = [np.std(kernel) for kernel in own]
    assert np.unique(found).size == len(own)
    if own[0].size > 500:
      np.testing.assert_allclose(found, expected, rtol=0.15)


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
  expected = [
    f"{hook}_{i}" for i in range(6) for hook in ("norm", "branch", "block")
  ]
  assert list(activations) == expected
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
