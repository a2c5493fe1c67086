"""What is trained, and how fast it learns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.configs import teacher
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.training import state
from tests.layouts import error


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
  return state.create_state(config, state.create_networks(config))


@pytest.fixture(scope="module")
def created():
  return create()


def schedule(name, **fields):
  config = teacher.get_config("celeba")
  config.optimizer.schedule = name
  config.update(fields)
  return lambda step: float(state.learning_rate(jnp.asarray(step), config))


@pytest.mark.parametrize(
  "step, rate",
  [(0, 1e-4), (20_000, 1e-4), (30_000, 5e-5), (39_999, 5e-9), (40_000, 0)],
)
def test_linear_schedule_falls_to_0_over_the_second_half(step, rate):
  assert schedule("linear")(step) == pytest.approx(rate, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize(
  "step, parts",
  # Of 100,000, one for every 1,000 discriminator updates: 200 steps of 5.
  [(0, 0), (20_000, 0), (20_199, 0), (20_200, 1), (30_000, 50), (40_000, 100)],
)
def test_released_schedule_ends_at_0_999_of_the_rate(step, parts):
  expected = 1e-4 * (1 - parts / 100_000)
  assert schedule("released")(step) == pytest.approx(expected, rel=3e-7)


def test_released_schedule_ends_at_the_released_number():
  assert schedule("released")(40_000) == pytest.approx(9.99e-5, rel=1e-6)


def test_constant_schedule_is_constant():
  rates = {schedule("constant")(step) for step in (0, 20_000, 40_000)}
  assert rates == {float(np.float32(1e-4))}


def test_an_unknown_schedule_is_refused():
  message = error(lambda: schedule("cosine")(0))
  assert "config.optimizer.schedule='cosine' is none of linear" in message


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


@pytest.mark.parametrize(
  "step, keep", [(0, 0.1), (8, 0.5), (90, 0.91), (10**6, 0.99)]
)
def test_the_average_remembers_more_as_the_run_grows(step, keep):
  ema, params = {"w": jnp.array([1.0, -2])}, {"w": jnp.array([3.0, 2])}
  found = state.moving_average(ema, params, jnp.asarray(step), 0.99)
  expected = keep * np.array([1, -2]) + (1 - keep) * np.array([3, 2])
  np.testing.assert_allclose(found["w"], expected, rtol=1e-5)


def test_without_an_average_none_is_kept():
  without = jax.eval_shape(lambda: create(**{"optimizer.ema": 0.0}))
  assert without.ema is None
  params, step = {"w": jnp.ones(2)}, jnp.asarray(3)
  assert state.moving_average(None, params, step, 0.0) is None


def test_networks_are_those_of_the_config():
  assert state.create_networks(small(dtype="bfloat16")) == state.Networks(
    Generator(width=1, blocks=1, dtype=jnp.dtype("bfloat16")),
    Discriminator(width=1, layers=1, classes=2, dtype=jnp.dtype("bfloat16")),
  )


@pytest.mark.parametrize("size", [48, 16])
def test_an_image_size_that_can_not_be_halved_is_refused(size):
  config = small(**{"data.image_size": size, "discriminator.layers": 5})
  message = error(state.create_networks, config)
  assert f"config.data.image_size={size} is not a multiple of" in message
  assert "2^config.discriminator.layers = 32" in message


@pytest.mark.parametrize(
  "step, radius", [(0, 0.0), (50, 1.0), (100, 2.0), (399, 2.0)]
)
def test_adversarial_examples_move_away_for_a_quarter_of_the_steps(
  step, radius
):
  config = small(**{"steps": 400, "loss.cls_radius": 2.0})
  assert state.class_radius(jnp.asarray(step), config) == radius


def test_without_a_radius_there_are_no_adversarial_examples():
  assert state.class_radius(jnp.asarray(9), small()) is None
