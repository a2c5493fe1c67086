"""A run of paper_size.py on its way: its state, and akd_jax.main's step."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from batches import Batches
from ml_collections import ConfigDict
from packed import Packed

from akd_jax.systems import system_of
from akd_jax.systems.model import Networks
from akd_jax.training import parallel, starts
from akd_jax.training.optimizers import learning_rate
from akd_jax.training.run import Run
from akd_jax.training.state import TrainState, create_state
from akd_jax.training.step import train_step
from akd_jax.training.window import Window


def training_step(config: ConfigDict, networks: Networks) -> Callable[..., Any]:
  """The step of akd_jax.main, whose learning rate comes with the batch.

  One program then serves before and after it is known how many steps there
  are.
  """

  def step(state, teacher, batch, *, axis_name):
    given = config.to_dict()
    given["optimizer"] |= {
      "schedule": "constant",
      "learning_rate": batch["rate"],
    }
    return train_step(
      state,
      teacher,
      batch,
      networks=networks,
      config=ConfigDict(given),
      axis_name=axis_name,
    )

  return parallel.pmap_step(step)


class Trainer:
  """A run on its way.

  Attributes:
    config: its recipe; `steps` may become another.
    state: replicated; the next step makes it unusable.
    step: steps done.
    window: their metrics.
  """

  def __init__(
    self, config: ConfigDict, pictures: Packed, run: Run | None = None
  ):
    """Starts afresh, or from the parameters of a run.

    Raises:
      UserError: the pictures, the teacher or the recipe do not fit together.
    """
    self.config = config
    self._networks = system_of(config).create_networks(config)
    teacher = starts.load_teacher(config)
    state = create_state(config, self._networks, teacher)
    if teacher is not None:
      state = starts.start_from(state, teacher, config)
    state = _from(run, state)
    self.step = int(state.step)
    self.window = Window()
    self._batches = Batches(pictures, config)
    self.state, self._teacher = parallel.replicate((state, teacher))
    self._advanced = training_step(config, self._networks)
    self._last: dict[str, jax.Array] = {}

  def advance(self) -> None:
    """Makes a step; returns when the one before is done.

    So the device always has work, and the clock is at most a step ahead.
    """
    rate = np.float32(learning_rate(jnp.asarray(self.step), self.config))
    rates = np.full(jax.local_device_count(), rate)
    batch = self._batches(self.step) | {"rate": rates}
    self.state, metrics = self._advanced(self.state, self._teacher, batch)
    self.wait()
    self._last = metrics
    self.step += 1
    self.window.add(self.step, metrics)

  def wait(self) -> None:
    """Returns when every step is done."""
    jax.block_until_ready(self._last)

  def run(self) -> Run:
    """A copy of what is trained, with its recipe."""
    config = ConfigDict(self.config.to_dict())
    return Run(
      config,
      tuple(config.data.attributes),
      tuple(map(tuple, config.data.exclusive)),
      jax.device_get(self.state.model_to_use(self._networks)),
      self.step,
    )


def _from(run: Run | None, state: TrainState) -> TrainState:
  if run is None:
    return state
  # Copies: one buffer can not be donated twice.
  generator, discriminator, ema = jax.tree.map(
    jnp.array,
    (run.model.generator, run.model.discriminator, run.model.generator),
  )
  return dataclasses.replace(
    state,
    step=jnp.asarray(run.step, jnp.int32),
    generator=generator,
    discriminator=discriminator,
    ema=None if state.ema is None else ema,
  )
