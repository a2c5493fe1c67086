"""What is trained and counted."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from akd_jax.distillation.mapping import Teacher
from akd_jax.distillation.terms import create_learnt
from akd_jax.systems.model import (
  STATISTICS,
  Model,
  Networks,
  Params,
  generator_to_use,
)
from akd_jax.training.optimizers import adam


@flax.struct.dataclass
class TrainState:
  """Everything that a training step changes.

  Attributes:
    step: steps done.
    generator: parameters.
    discriminator: parameters.
    generator_moments: Adam's.
    discriminator_moments: Adam's.
    ema: running average of the generator's parameters; None without one.
    learnt: {distillation method: its own parameters}, trained with the
      generator; None where no method has any.
    learnt_moments: Adam's.
    statistics: running statistics of the generator's norms; None where it has
      none.
  """

  step: jax.Array
  generator: Params
  discriminator: Params
  generator_moments: optax.OptState
  discriminator_moments: optax.OptState
  ema: Params | None
  learnt: dict[str, Params] | None = None
  learnt_moments: optax.OptState | None = None
  statistics: Params = None

  def model(self, networks: Networks) -> Model:
    """Returns the model as it is trained."""
    return Model(self.generator, self.discriminator, networks, self.statistics)

  def model_to_use(self, networks: Networks) -> Model:
    """Returns the model to use: see `generator_to_use`."""
    generator = generator_to_use(self.generator, self.ema, self.statistics)
    return Model(generator, self.discriminator, networks, self.statistics)


# Compiled: run eagerly, it costs a second for each network. And once: several
# seeds start in one process.
@functools.cache
def _init(network: nn.Module) -> Callable[..., Any]:
  return jax.jit(network.init)


def create_state(
  config: ConfigDict, networks: Networks, teacher: Teacher | None = None
) -> TrainState:
  """Creates the state before the first step.

  Args:
    config: resolved.
    networks: that are to be trained.
    teacher: what they learn from; None without distillation.

  Returns:
    A function of the arguments alone.
  """
  size, classes = config.data.image_size, len(config.data.attributes)
  image = jnp.zeros((1, size, size, 3))
  key = jax.random.key(config.seed)
  keys = jax.random.split(key)
  variables = _init(networks.generator)(keys[0], image, jnp.zeros((1, classes)))
  generator = variables["params"]
  discriminator = _init(networks.discriminator)(keys[1], image)["params"]
  learnt: dict[str, Params] = {}
  if teacher is not None:
    learnt = create_learnt(
      jax.random.fold_in(key, 2), networks, teacher, config
    )
  return TrainState(
    step=jnp.zeros((), jnp.int32),
    generator=generator,
    discriminator=discriminator,
    generator_moments=adam(config).init(generator),
    discriminator_moments=adam(config).init(discriminator),
    # A copy: one buffer can not be donated twice.
    ema=(jax.tree.map(jnp.copy, generator) if config.optimizer.ema else None),
    learnt=learnt or None,
    learnt_moments=adam(config).init(learnt) if learnt else None,
    statistics=variables.get(STATISTICS),
  )
