"""What is trained and counted, and how fast it learns."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.models.stargan import Discriminator, Generator

Params = Any


class Networks(NamedTuple):
  """A generator with the discriminator that judges it (no parameters)."""

  generator: Generator
  discriminator: Discriminator


@flax.struct.dataclass
class TrainState:
  """Everything that a training step changes.

  Attributes:
    step: generator updates done.
    generator: parameters.
    discriminator: parameters.
    generator_moments: Adam's.
    discriminator_moments: Adam's.
    ema: running average of the generator's parameters; None without one.
  """

  step: jax.Array
  generator: Params
  discriminator: Params
  generator_moments: optax.OptState
  discriminator_moments: optax.OptState
  ema: Params | None


def create_networks(config: ConfigDict) -> Networks:
  """The networks that a resolved config describes."""
  dtype = jnp.dtype(config.dtype)
  size = config.data.image_size
  layers = config.discriminator.layers
  if size % 2**layers or size < 2**layers:
    raise UserError(
      f"config.data.image_size={size} is not a multiple of"
      f" 2^config.discriminator.layers = {2**layers}"
    )
  return Networks(
    Generator(config.generator.width, config.generator.blocks, dtype),
    Discriminator(
      config.discriminator.width,
      layers,
      len(config.data.attributes),
      dtype,
    ),
  )


def bind(module: nn.Module, params: Params) -> Callable[..., Any]:
  """The network as a function of its inputs alone."""
  return lambda *args: module.apply({"params": params}, *args)


def adam(config: ConfigDict) -> optax.GradientTransformation:
  """Adam's direction; the step size is `learning_rate`'s."""
  return optax.scale_by_adam(config.optimizer.beta1, config.optimizer.beta2)


def adam_update(
  gradient: Params,
  params: Params,
  moments: optax.OptState,
  rate: jax.Array,
  config: ConfigDict,
) -> tuple[Params, optax.OptState]:
  """The parameters and moments after one update of step size `rate`."""
  updates, moments = adam(config).update(gradient, moments)
  params = jax.tree.map(lambda p, u: p - rate * u, params, updates)
  return params, moments


def moving_average(
  ema: Params | None, params: Params, step: jax.Array, decay: float
) -> Params | None:
  """Running average, whose memory grows with the run: no start-up bias.

  Args:
    ema: the average; None, which it stays, without one.
    params: the parameters after this step.
    step: updates before this one.
    decay: once the memory is full.
  """
  if ema is None:
    return None
  keep = jnp.minimum(decay, (1 + step) / (10 + step))
  return jax.tree.map(lambda e, p: keep * e + (1 - keep) * p, ema, params)


def create_state(config: ConfigDict, networks: Networks) -> TrainState:
  """The state before the first step, a function of the config alone."""
  size, classes = config.data.image_size, len(config.data.attributes)
  image = jnp.zeros((1, size, size, 3))
  keys = jax.random.split(jax.random.key(config.seed))
  # Compiled: run eagerly, initialisation costs a second for each network.
  generator = jax.jit(networks.generator.init)(
    keys[0], image, jnp.zeros((1, classes))
  )["params"]
  discriminator = jax.jit(networks.discriminator.init)(keys[1], image)["params"]
  return TrainState(
    step=jnp.zeros((), jnp.int32),
    generator=generator,
    discriminator=discriminator,
    generator_moments=adam(config).init(generator),
    discriminator_moments=adam(config).init(discriminator),
    # A copy: one buffer can not be donated twice.
    ema=(jax.tree.map(jnp.copy, generator) if config.optimizer.ema else None),
  )


def learning_rate(step: jax.Array, config: ConfigDict) -> jax.Array:
  """Step size in the cycle after `step` generator updates.

  "linear": constant for the first half, then linear to 0 (the paper).
  "released": StarGAN's code, which takes off 1/100,000 of itself every 1,000
  discriminator updates of the second half and so ends at 0.999 of it.
  "constant": constant.
  """
  base = config.optimizer.learning_rate
  half = config.steps / 2
  late = jnp.maximum(step - half, 0)
  if config.optimizer.schedule == "linear":
    return base * (1 - late / half)
  if config.optimizer.schedule == "released":
    thousands = jnp.floor(late * config.n_critic / 1000)
    return base * (1 - thousands / (half * config.n_critic))
  if config.optimizer.schedule == "constant":
    return jnp.asarray(base, jnp.float32)
  raise UserError(
    f"config.optimizer.schedule={config.optimizer.schedule!r} is none of"
    " linear, released, constant"
  )


def class_radius(step: jax.Array, config: ConfigDict) -> jax.Array | None:
  """Distance of the adversarial examples after `step` generator updates.

  It grows for the first quarter of them: at its full length from the start, a
  discriminator may not begin to tell classes apart for a thousand updates.

  Returns:
    None where `config.loss.cls_radius` asks for no adversarial examples.
  """
  if not config.loss.cls_radius:
    return None
  grown = jnp.minimum(1.0, 4 * step / config.steps)
  return config.loss.cls_radius * grown
