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

from akd_jax import parallel, runs, steps, teaching
from akd_jax.distillation import Distillation
from akd_jax.state import Networks, TrainState, create_networks, create_state
from akd_jax.window import Window


def training_step(
  config: ConfigDict, networks: Networks, distillation: Distillation | None
) -> Callable[..., Any]:
  """The step of akd_jax.main, whose config.steps come with the batch.

  One program then serves before and after it is known how many there are.
  """

  def step(state, teacher, batch, *, axis_name):
    return steps.train_step(
      state,
      teacher,
      batch,
      networks=networks,
      distillation=distillation,
      config=ConfigDict(config.to_dict() | {"steps": batch["steps"]}),
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
    self, config: ConfigDict, pictures: Packed, run: runs.Run | None = None
  ):
    """Starts afresh, or from the parameters of a run.

    Raises:
      UserError: the pictures, the teacher or the recipe do not fit together.
    """
    self.config = config
    networks = create_networks(config)
    teacher, distillation = teaching.load_teacher(config)
    state = _from(run, create_state(config, networks))
    self.step = int(state.step)
    self.window = Window()
    self._batches = Batches(pictures, config)
    self.state, self._teacher = parallel.replicate((state, teacher))
    self._advanced = training_step(config, networks, distillation)
    self._last: dict[str, jax.Array] = {}

  def advance(self) -> None:
    """Makes a step; returns when the one before is done.

    So the device always has work, and the clock is at most a step ahead.
    """
    count = np.full(jax.local_device_count(), self.config.steps, np.int32)
    batch = self._batches(self.step) | {"steps": count}
    self.state, metrics = self._advanced(self.state, self._teacher, batch)
    self.wait()
    self._last = metrics
    self.step += 1
    self.window.add(self.step, metrics)

  def wait(self) -> None:
    """Returns when every step is done."""
    jax.block_until_ready(self._last)

  def run(self) -> runs.Run:
    """A copy of what is trained, with its recipe."""
    state, config = self.state, ConfigDict(self.config.to_dict())
    generator = state.generator if state.ema is None else state.ema
    return runs.Run(
      config,
      tuple(config.data.attributes),
      tuple(map(tuple, config.data.exclusive)),
      *jax.device_get((generator, state.discriminator)),
      self.step,
    )


def _from(run: runs.Run | None, state: TrainState) -> TrainState:
  if run is None:
    return state
  # Copies: one buffer can not be donated twice.
  generator, discriminator, ema = jax.tree.map(
    jnp.array, (run.generator, run.discriminator, run.generator)
  )
  return dataclasses.replace(
    state,
    step=jnp.asarray(run.step, jnp.int32),
    generator=generator,
    discriminator=discriminator,
    ema=None if state.ema is None else ema,
  )
