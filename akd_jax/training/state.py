"""What is trained and counted."""

import flax.struct
import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from akd_jax.systems.model import Model, Networks, Params
from akd_jax.training.optimizers import adam


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

  def model(self, networks: Networks) -> Model:
    """Returns the model as it is trained."""
    return Model(self.generator, self.discriminator, networks)

  def best_model(self, networks: Networks) -> Model:
    """Returns the model to use: with the running average, where one is kept."""
    generator = self.generator if self.ema is None else self.ema
    return Model(generator, self.discriminator, networks)


def create_state(config: ConfigDict, networks: Networks) -> TrainState:
  """Creates the state before the first step, a function of the config alone."""
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
