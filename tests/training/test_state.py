"""What is trained, and how fast it learns."""

import jax
import numpy as np
import pytest

from akd_jax.configs import teacher
from akd_jax.systems.model import generator_to_use
from akd_jax.systems.stargan import create_networks
from akd_jax.training import state


def small(**fields):
  """Networks that are compiled in a moment."""
  config = teacher.get_config("debug")
  config.generator.width = config.discriminator.width = 1
  config.generator.blocks = config.discriminator.layers = 1
  config.data.image_size = 8
  config.data.attributes = ("Bald", "Smiling")
  config.optimizer.ema = 0.9
  config.update_from_flattened_dict(fields)
  return config


def create(**fields):
  config = small(**fields)
  return state.create_state(config, create_networks(config))


@pytest.fixture(scope="module")
def created():
  return create()


def leaves(tree):
  return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def kernels(state):
  parameters = leaves((state.generator, state.discriminator))
  return [x for x in parameters if x.ndim > 1]


def test_the_state_is_a_function_of_the_config(created):
  for ours, same in zip(leaves(created), leaves(create()), strict=True):
    np.testing.assert_array_equal(ours, same)


def test_the_state_depends_on_the_seed(created):
  pairs = zip(kernels(created), kernels(create(seed=1)), strict=True)
  assert all(np.all(ours != other) for ours, other in pairs)


def test_layers_of_one_shape_start_apart(created):
  block = created.generator["residual_0"]
  first, second = (block[name]["kernel"] for name in ("conv_0", "conv_1"))
  assert np.all(np.asarray(first) != np.asarray(second))


def test_training_starts_at_step_0_with_empty_moments(created):
  assert created.step == 0
  moments = created.generator_moments, created.discriminator_moments
  assert not any(leaf.any() for leaf in leaves(moments))


def test_the_average_starts_as_a_copy_of_the_generator(created):
  pairs = zip(
    jax.tree.leaves(created.ema),
    jax.tree.leaves(created.generator),
    strict=True,
  )
  for average, parameter in pairs:
    np.testing.assert_array_equal(average, parameter)
    # One buffer can not be donated twice.
    assert average.unsafe_buffer_pointer() != parameter.unsafe_buffer_pointer()


def test_without_an_average_the_last_parameters_are_used():
  without = jax.eval_shape(lambda: create(**{"optimizer.ema": 0.0}))
  assert without.ema is None
  assert without.model_to_use(None).generator == without.generator


def test_an_average_is_used_but_where_there_are_running_statistics():
  assert generator_to_use("trained", None, None) == "trained"
  assert generator_to_use("trained", "average", None) == "average"
  assert generator_to_use("trained", "average", {}) == "average"
  assert generator_to_use("trained", "average", {"norm": 1}) == "trained"
