"""A run of two label sets (config.data.second), and each set as a run alone.

Training knows both. Whoever uses what was trained uses one: first.npz or
second.npz in the run's directory, which are runs like any other.
"""

import pathlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.two_sets import first_of, second_of
from akd_jax.data.joined import JoinedSource
from akd_jax.systems import system_of
from akd_jax.systems.model import Model
from akd_jax.training.hooks import Found, Hook, HookMaker, Setting
from akd_jax.training.run import Run
from akd_jax.training.run_file import save_run

NAMES = ("first", "second")


class LabelSet(NamedTuple):
  """One of two label sets, as a run of its own.

  Attributes:
    name: one of NAMES.
    setting: of that run.
    take: the model of both -> its own.
  """

  name: str
  setting: Setting
  take: Callable[[Model], Model]

  @property
  def file(self) -> pathlib.Path:
    """Where its networks are written."""
    return pathlib.Path(f"{self.setting.workdir}.npz")


def split_label_sets(setting: Setting) -> Iterator[LabelSet]:
  """Yields the two label sets of a run that has two."""
  source: JoinedSource = setting.validation
  first = 0
  for name, part, data_of in zip(
    NAMES, source.parts, (first_of, second_of), strict=True
  ):
    config = ConfigDict(setting.config.to_dict())
    config.data = data_of(setting.config.data)
    config.data.attributes = tuple(part.attributes)
    config.data.exclusive = tuple(map(tuple, part.exclusive))
    columns = range(first, first + len(part.attributes))
    first = columns.stop
    take = _taker(config, columns)
    yield LabelSet(
      name,
      setting._replace(
        config=config,
        workdir=str(pathlib.Path(setting.workdir, name)),
        validation=part,
        model=take(setting.model),
      ),
      take,
    )


def _taker(config: ConfigDict, columns: range) -> Callable[[Model], Model]:
  system = system_of(config)
  networks, take = system.create_networks(config), system.take_classes
  assert take is not None  # Else the config has been refused.
  return lambda model: take(model, networks, columns)


def of_each_set(make: HookMaker) -> HookMaker:
  """Turns a maker of hooks for one label set into one for both.

  What is found of a set has its name in front; the mean of a number over both
  has none.
  """

  def make_both(setting: Setting) -> Hook | None:
    hooks = [(x, make(x.setting)) for x in split_label_sets(setting)]
    made = [(x, hook) for x, hook in hooks if hook is not None]
    if not made:
      return None

    def call(step: int, model: Model) -> Found:
      scalars: dict[str, float] = {}
      values: dict[str, list[float]] = {}
      images: dict[str, np.ndarray] = {}
      for one, hook in made:
        seen = hook.call(step, one.take(model))
        for key, value in seen.scalars.items():
          scalars[f"{one.name}/{key}"] = value
          values.setdefault(key, []).append(value)
        for key, image in seen.images.items():
          images[f"{one.name}/{key}"] = image
      # Means of both decide which checkpoint is the best. What one set alone
      # has, such as the accuracy of its attribute, is of that one.
      means = {key: sum(found) / len(found) for key, found in values.items()}
      return Found(scalars | means, images)

    return Hook(made[0][1].every, call)

  return make_both


def make_file_hook(setting: Setting) -> Hook:
  """Makes the hook that writes WORKDIR/first.npz and WORKDIR/second.npz."""
  both = list(split_label_sets(setting))

  def call(step: int, model: Model) -> Found:
    for one in both:
      _write_file(one, step, model)
    return Found()

  return Hook(0, call)


def write_missing(setting: Setting) -> None:
  """Writes those of the two files that a finished run has lost."""
  if jax.process_index() == 0:
    for one in split_label_sets(setting):
      if not one.file.exists():
        _write_file(one, setting.step, setting.model)


def _write_file(one: LabelSet, step: int, model: Model) -> None:
  config = one.setting.config
  names, groups = config.data.attributes, config.data.exclusive
  run = Run(config, names, groups, one.take(model), step)
  save_run(run, str(one.file), half=False)
