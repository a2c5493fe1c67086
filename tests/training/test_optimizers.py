"""How fast networks learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.common.config import RECIPES
from akd_jax.configs import teacher
from akd_jax.training import optimizers
from tests.layouts import error


def schedule(name, **fields):
  config = teacher.get_config("celeba")
  config.optimizer.schedule = name
  config.update(fields)
  return lambda step: float(optimizers.learning_rate(jnp.asarray(step), config))


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


@pytest.mark.parametrize(
  "step, rate", [(0, 1e-4), (19_999, 1e-4), (20_000, 1e-5), (40_000, 1e-5)]
)
def test_tenth_schedule_is_a_tenth_for_the_second_half(step, rate):
  assert schedule("tenth")(step) == pytest.approx(rate, rel=1e-6)


def test_constant_schedule_is_constant():
  rates = {schedule("constant")(step) for step in (0, 20_000, 40_000)}
  assert rates == {float(np.float32(1e-4))}


def test_an_unknown_schedule_is_refused():
  message = error(lambda: schedule("cosine")(0))
  assert "config.optimizer.schedule='cosine'" in message
  assert all(name in message for name in optimizers.SCHEDULES)


@pytest.mark.parametrize("name", optimizers.SCHEDULES)
def test_a_schedule_in_words_has_its_numbers(name):
  config = teacher.get_config("celeba")
  config.optimizer.schedule, config.loss.cls_radius = name, 2.0
  text = optimizers.describe_schedules(config)
  assert text.startswith("the step size, 0.0001, ")
  assert text.endswith("; loss.cls_radius is reached at step 10,000")
  for step in (20_000, 40_000):
    assert (f"{step:,}" in text) == (name != "constant")


@pytest.mark.parametrize("name", RECIPES)
def test_every_system_says_what_becomes_of_its_step_size(name):
  config = RECIPES[name].get_config("debug")
  text = optimizers.describe_schedules(config)
  assert "the step size" in text
  assert ("lambda_diversity falls to 0 at step 4" in text) == (
    "lambda_diversity" in config.loss
  )


@pytest.mark.parametrize(
  "step, keep", [(0, 0.1), (8, 0.5), (90, 0.91), (10**6, 0.99)]
)
def test_the_average_remembers_more_as_the_run_grows(step, keep):
  ema, params = {"w": jnp.array([1.0, -2])}, {"w": jnp.array([3.0, 2])}
  found = optimizers.moving_average(ema, params, jnp.asarray(step), 0.99)
  expected = keep * np.array([1, -2]) + (1 - keep) * np.array([3, 2])
  np.testing.assert_allclose(found["w"], expected, rtol=1e-5)


def test_adam_forgets_as_the_recipe_says():
  config = teacher.get_config("celeba")
  config.optimizer.beta1, config.optimizer.beta2 = 0.25, 0.75
  gradient = {"w": jnp.array([2.0, -4.0])}
  first = optimizers.adam(config).init(gradient)
  _, moments = optimizers.update(gradient, gradient, first, 0.1, config)
  np.testing.assert_allclose(moments.mu["w"], [1.5, -3], rtol=1e-6)
  np.testing.assert_allclose(moments.nu["w"], [1, 4], rtol=1e-6)


def test_a_weight_decay_is_part_of_the_gradient():
  """As in PyTorch's Adam: the moments see it."""
  config = teacher.get_config("celeba")
  params = {"w": jnp.array([1.0, -2.0])}
  gradient = {"w": jnp.array([0.3, 0.0])}
  plain = {"w": jnp.array([0.3 + 0.1, -0.1 * 2])}
  moments = optimizers.adam(config).init(params)
  expected = optimizers.update(plain, params, moments, 0.1, config)
  config.optimizer.weight_decay = 0.1
  found = optimizers.update(gradient, params, moments, 0.1, config)
  jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_what_does_not_decay_stays_without_a_gradient():
  config = teacher.get_config("celeba")
  config.optimizer.weight_decay = 0.1
  params, gradient = {"w": jnp.array([1.0])}, {"w": jnp.array([0.0])}
  moments = optimizers.adam(config).init(params)
  found, _ = optimizers.update(
    gradient, params, moments, 0.1, config, decays=False
  )
  np.testing.assert_array_equal(found["w"], params["w"])


def test_a_part_has_its_share_of_the_step_size():
  config = teacher.get_config("celeba")
  params = {name: {"w": jnp.zeros(2)} for name in ("slow", "fast")}
  gradient = {name: {"w": jnp.ones(2)} for name in params}
  moments = optimizers.adam(config).init(params)
  moved, _ = optimizers.update(
    gradient, params, moments, 0.5, config, {"slow": 0.25}
  )
  np.testing.assert_allclose(moved["fast"]["w"], -0.5, rtol=1e-5)
  np.testing.assert_allclose(moved["slow"]["w"], -0.125, rtol=1e-5)


def test_without_an_average_none_is_kept():
  params, step = {"w": jnp.ones(2)}, jnp.asarray(3)
  assert optimizers.moving_average(None, params, step, 0.0) is None
