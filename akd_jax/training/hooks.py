"""What a command has done beside training: sample grids, held-out scores.

Training stands below what draws and measures, so the command hands it in.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax.distillation.mapping import Teacher
from akd_jax.systems.model import Model


class Setting(NamedTuple):
  """A run before its next step.

  Attributes:
    config: resolved.
    workdir: the run's directory.
    validation: the source of its validation split.
    teacher: what it learns from; None without distillation.
    model: as it is now.
    step: steps done.
  """

  config: ConfigDict
  workdir: str
  validation: Any
  teacher: Teacher | None
  model: Model
  step: int


class Found(NamedTuple):
  """What a hook has found.

  Attributes:
    scalars: for metrics.jsonl, TensorBoard and the choice of the best
      checkpoint.
    images: uint8 [H, W, 3], for TensorBoard.
  """

  scalars: Mapping[str, float] = {}
  images: Mapping[str, np.ndarray] = {}


class Hook(NamedTuple):
  """Something to be done every so many steps, and after the last.

  Attributes:
    every: the number of steps; 0 for whenever a checkpoint is saved.
    call: (step, the model on the host) -> what it has found.
  """

  every: int
  call: Callable[[int, Model], Found]


# Makes a run's hook; None where its config asks for none.
HookMaker = Callable[[Setting], Hook | None]
