"""How fast the networks learn: Adam, its step size, the running average."""

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from akd_jax.common.ranges import check_choice
from akd_jax.systems.model import Params


def _linear(config: ConfigDict) -> optax.Schedule:
  """Constant for the first half, then linear to 0 (the paper)."""
  rate, half = config.optimizer.learning_rate, config.steps / 2
  return optax.schedules.join_schedules(
    [
      optax.schedules.constant_schedule(rate),
      optax.schedules.linear_schedule(rate, 0.0, half),
    ],
    [half],
  )


def _released(config: ConfigDict) -> optax.Schedule:
  """StarGAN's code, which ends at 0.999 of the rate by a lost factor.

  Of N discriminator updates in the second half, every 1,000th takes off 1/N of
  the rate.
  """
  rate, half = config.optimizer.learning_rate, config.steps / 2

  def schedule(step: jax.Array) -> jax.Array:
    late = jnp.maximum(step - half, 0)
    thousands = jnp.floor(late * config.n_critic / 1000)
    return rate * (1 - thousands / (half * config.n_critic))

  return schedule


def _tenth(config: ConfigDict) -> optax.Schedule:
  """A tenth of the rate for the second half (STGAN's code, train.py:333)."""
  rate, half = config.optimizer.learning_rate, config.steps / 2
  return lambda step: jnp.where(step < half, rate, rate / 10)


def _constant(config: ConfigDict) -> optax.Schedule:
  return optax.schedules.constant_schedule(config.optimizer.learning_rate)


# By config.optimizer.schedule.
SCHEDULES: dict[str, Callable[[ConfigDict], optax.Schedule]] = {
  "linear": _linear,
  "released": _released,
  "tenth": _tenth,
  "constant": _constant,
}

# What becomes of the step size, by the same names.
_SHAPES = {
  "linear": "is constant until step {half:,} and falls to 0 at step {steps:,}",
  "released": "falls to 0.999 of it between steps {half:,} and {steps:,}",
  "tenth": "is a tenth of it from step {half:,} to {steps:,}",
  "constant": "stays what it is",
}


def describe_schedules(config: ConfigDict) -> str:
  """Returns in words what depends on how many steps there are."""
  steps = config.steps
  shape = _SHAPES[config.optimizer.schedule].format(
    half=steps // 2, steps=steps
  )
  text = f"the step size, {config.optimizer.learning_rate:g}, {shape}"
  if config.loss.get("cls_radius", 0.0):
    text += f"; loss.cls_radius is reached at step {-(-steps // 4):,}"
  if config.data.curriculum:
    last = math.ceil(config.data.curriculum * steps)
    text += f"; data.curriculum ends at step {last:,}"
  if config.loss.get("lambda_diversity", 0.0):
    text += f"; loss.lambda_diversity falls to 0 at step {steps:,}"
  return text


def learning_rate(step: jax.Array, config: ConfigDict) -> jax.Array:
  """Returns the step size of both networks after `step` training steps.

  Raises:
    UserError: config.optimizer.schedule is none of SCHEDULES.
  """
  name = config.optimizer.schedule
  check_choice("optimizer.schedule", name, SCHEDULES)
  return jnp.asarray(SCHEDULES[name](config)(step), jnp.float32)


def adam(config: ConfigDict) -> optax.GradientTransformation:
  """Returns Adam's direction; the step size is `learning_rate`'s.

  Both networks follow the generator's step. A count of their own, as in
  optax.inject_hyperparams, would run n_critic times as fast in one of them.
  """
  return optax.scale_by_adam(config.optimizer.beta1, config.optimizer.beta2)


def update(
  gradient: Params,
  params: Params,
  moments: optax.OptState,
  rate: jax.Array,
  config: ConfigDict,
  shares: Mapping[str, float] | None = None,
  decays: bool = True,
) -> tuple[Params, optax.OptState]:
  """Returns parameters and moments after one update of step size `rate`.

  The weight decay is part of the gradient, as in PyTorch's Adam.

  Args:
    gradient: of the loss.
    params: by part of the network.
    moments: Adam's.
    rate: the step size.
    config: resolved.
    shares: {part: its step size as a share of `rate`}; of others it is 1.
    decays: whether these parameters decay.
  """
  decay = config.optimizer.weight_decay
  if decay and decays:
    gradient = optax.tree.add_scale(gradient, decay, params)
  direction, moments = adam(config).update(gradient, moments)
  step = optax.tree.scale(-rate, direction)
  for part, share in (shares or {}).items():
    step = step | {part: optax.tree.scale(share, step[part])}
  return optax.apply_updates(params, step), moments


def moving_average(
  ema: Params | None, params: Params, step: jax.Array, decay: float
) -> Params | None:
  """Returns the running average, whose memory grows: no start-up bias.

  Args:
    ema: the average; None, which it stays, without one.
    params: the parameters after this step.
    step: steps before this one. With two label sets both updates of a step
      have the same.
    decay: once the memory is full.
  """
  if ema is None:
    return None
  keep = jnp.minimum(decay, (1 + step) / (10 + step))
  return optax.incremental_update(params, ema, 1 - keep)
