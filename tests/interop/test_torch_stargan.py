"""State dicts of the released StarGAN, in and out."""

import numpy as np
import pytest
from flax import traverse_util

from akd_jax.common.errors import UserError
from akd_jax.interop import torch_stargan
from tests.stargan_weights import (
  GOLDEN_NAMES,
  golden,
  random_generator,
  state_dict,
)


@pytest.mark.parametrize("name", GOLDEN_NAMES)
def test_released_state_dicts_round_trip_exactly(name):
  arrays = golden(name)
  generator = state_dict(arrays, "G")
  back = torch_stargan.generator_to_torch(
    torch_stargan.generator_from_torch(generator)
  )
  # The released weights were saved without running statistics.
  back = {k: v for k, v in back.items() if ".running_" not in k}
  assert_same(back, generator)
  discriminator = state_dict(arrays, "D")
  back = torch_stargan.discriminator_to_torch(
    torch_stargan.discriminator_from_torch(discriminator)
  )
  assert_same(back, discriminator)


def assert_same(found, expected):
  """The same names in the same order, and the same arrays."""
  assert list(found) == list(expected)
  for key, value in expected.items():
    np.testing.assert_array_equal(found[key], value)


def test_a_strict_load_finds_all_that_the_released_generator_declares():
  state = torch_stargan.generator_to_torch(
    traverse_util.unflatten_dict(random_generator(4, 1, classes=3), sep="/")
  )
  # Generator(conv_dim=4, c_dim=3, repeat_num=1).state_dict() in PyTorch,
  # where InstanceNorm2d tracks running statistics.
  kernels = {
    "main.0": (4, 6, 7, 7),
    "main.3": (8, 4, 4, 4),
    "main.6": (16, 8, 4, 4),
    "main.9.main.0": (16, 16, 3, 3),
    "main.9.main.3": (16, 16, 3, 3),
    "main.10": (16, 8, 4, 4),
    "main.13": (8, 4, 4, 4),
    "main.16": (3, 4, 7, 7),
  }
  norms = {
    "main.0": ("main.1", 4),
    "main.3": ("main.4", 8),
    "main.6": ("main.7", 16),
    "main.9.main.0": ("main.9.main.1", 16),
    "main.9.main.3": ("main.9.main.4", 16),
    "main.10": ("main.11", 8),
    "main.13": ("main.14", 4),
  }
  expected = []
  for kernel, shape in kernels.items():
    expected.append((f"{kernel}.weight", shape))
    if kernel in norms:
      norm, features = norms[kernel]
      for name in ("weight", "bias", "running_mean", "running_var"):
        expected.append((f"{norm}.{name}", (features,)))
  assert [(name, x.shape) for name, x in state.items()] == expected
  assert {x.dtype for x in state.values()} == {np.dtype(np.float32)}
  # As PyTorch initialises them.
  assert not state["main.14.running_mean"].any()
  assert (state["main.14.running_var"] == 1).all()


def test_a_student_of_three_blocks_has_22_running_statistics():
  state = torch_stargan.generator_to_torch(
    traverse_util.unflatten_dict(random_generator(4, 3, classes=3), sep="/")
  )
  assert sum(".running_" in name for name in state) == 22


@pytest.mark.parametrize("width, blocks, classes", [(4, 1, 2), (6, 3, 9)])
def test_generators_of_any_size_round_trip(width, blocks, classes):
  params = random_generator(width, blocks, classes)
  state = torch_stargan.generator_to_torch(
    traverse_util.unflatten_dict(params, sep="/")
  )
  back = traverse_util.flatten_dict(
    torch_stargan.generator_from_torch(state), sep="/"
  )
  assert back.keys() == params.keys()
  for path, value in params.items():
    np.testing.assert_array_equal(back[path], value)


def test_the_papers_parameter_counts():
  for width, blocks, classes, count in (
    (64, 6, 5, 8_430_528),
    (32, 3, 7, 1_234_976),
    (16, 1, 8, 167_200),
  ):
    weights = torch_stargan.list_generator_weights(width, blocks, classes)
    assert sum(np.prod(w.shape) for w in weights) == count
  weights = torch_stargan.list_discriminator_weights(64, 6, 7, 2)
  assert sum(np.prod(w.shape) for w in weights) == 44_778_432


def test_running_statistics_are_ignored():
  state = state_dict(golden("softmax"), "G")
  tracked = dict(state)
  for name in ("running_mean", "running_var"):
    tracked[f"main.1.{name}"] = np.full(8, 7, np.float32)
  tracked["main.1.num_batches_tracked"] = np.array(7)
  flat = [
    traverse_util.flatten_dict(torch_stargan.generator_from_torch(x), sep="/")
    for x in (tracked, state)
  ]
  assert_same(*flat)


def test_an_incompatible_state_dict_names_the_first_difference():
  state = state_dict(golden("multilabel"), "G")

  def message(edited):
    with pytest.raises(UserError) as error:
      torch_stargan.generator_from_torch(edited)
    assert "\n" not in str(error.value)
    return str(error.value)

  assert "'main.0.weight' is missing" in message({})
  assert "four axes" in message({"main.0.weight": np.zeros(8)})
  without = {k: v for k, v in state.items() if k != "main.12.bias"}
  assert "'main.12.bias' (16,) is missing" in message(without)
  wrong = state | {"main.3.weight": np.zeros((16, 8, 3, 3))}
  assert "(16, 8, 3, 3) and should be (16, 8, 4, 4)" in message(wrong)
  extra = state | {"main.17.bais": np.zeros(3)}
  assert "'main.17.bais' is unknown; did you mean" in message(extra)
  with pytest.raises(UserError, match="'conv2.weight' is missing"):
    torch_stargan.discriminator_from_torch(state)
  with pytest.raises(UserError, match="'encoder_0/conv/kernel' is missing"):
    torch_stargan.generator_to_torch({"layer_0": {"kernel": np.zeros(3)}})
