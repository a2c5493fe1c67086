"""What a student takes from its teacher as it begins: weights, an adversary."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import traverse_util
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation.mapping import Place, Teacher
from akd_jax.distillation.sizes import check_sizes
from akd_jax.distillation.terms import active_methods, distils
from akd_jax.systems import adversary, system_of
from akd_jax.systems.model import Params
from akd_jax.systems.system import Slicer
from akd_jax.training import run_dir
from akd_jax.training.shapes import network_shapes
from akd_jax.training.state import TrainState
from akd_jax.training.teacher import make_teacher, place_of


def load_teacher(config: ConfigDict, begins: bool = True) -> Teacher | None:
  """Loads the teacher that a student's config names; None without distillation.

  Args:
    config: the student's, resolved.
    begins: whether the student begins to learn, or goes on.

  Raises:
    UserError: it can not teach this student; see `teacher.check_compatible`
      and, where it begins, `check_new`.
  """
  if not distils(config):
    return None
  run = run_dir.load_run(config.teacher)
  teacher = make_teacher(config, run)
  if begins:
    check_new(config, run.config)
  return teacher


def check_new(config: ConfigDict, teacher: ConfigDict) -> None:
  """Checks that a student which begins can learn from its teacher.

  Those that earlier versions have begun are still read and gone on with.

  Args:
    config: the student's, resolved; `teacher.check_compatible` accepts it.
    teacher: the teacher's, trained or not yet.

  Raises:
    UserError: a method can not teach across their attributes, sizes or systems;
      or the student is to start with a network of the teacher which does not
      fit (the message has both values).
  """
  for method in active_methods(config).values():
    method.check(config, teacher)
  place = place_of(config, teacher)
  check_sizes(config, teacher, place)
  ours, theirs = (tuple(c.data.attributes) for c in (config, teacher))
  for field, takes in (
    ("init", config.init in ("teacher", "sliced")),
    ("adversary", adversary.is_teachers(config)),
  ):
    if takes and ours != theirs:
      raise UserError(
        f"config.{field}={config[field]!r} takes a network of the teacher's"
        f" attributes, {', '.join(theirs)}, for a student of"
        f" {', '.join(ours)}: they must be the same"
      )
  if config.init == "teacher":
    _check_same("init", "generator", config, teacher)
  if _takes_discriminator(config, theirs, place):
    _check_same("adversary", "discriminator", config, teacher)
  if config.init == "sliced":
    # Tried on arrays that are all 0: only their sizes are asked for.
    wide, narrow = (
      jax.tree.map(lambda x: np.zeros(x.shape), network_shapes(c))
      for c in (teacher, config)
    )
    _slice(_slicer(config, teacher), wide, narrow)


def _takes_discriminator(
  config: ConfigDict, attributes: tuple[str, ...], place: Place | None
) -> bool:
  """Whether a student starts with its teacher's discriminator.

  One that is not trained is kept for whoever asks it for classes; of other
  attributes, or of another system, it could not answer.

  Args:
    config: the student's.
    attributes: the teacher's.
    place: `Teacher.place`.
  """
  if not adversary.scores(config):
    return attributes == tuple(config.data.attributes) and place is None
  return adversary.is_teachers(config)


def _slicer(config: ConfigDict, teacher: ConfigDict) -> Slicer:
  """Returns what cuts a student's generator out of a teacher's."""
  ours, theirs = system_of(config), system_of(teacher)
  if theirs.slice_generator is None or ours.network != theirs.network:
    raise UserError(
      f"config.init='sliced' cuts no generator of {config.system} out of one of"
      f" {teacher.system}: it must be 'scratch'"
    )
  return theirs.slice_generator


def _slice(
  cut: Slicer, wide: Mapping[str, Any], narrow: Mapping[str, Any]
) -> tuple[Params, Params]:
  """Cuts a "generator" with its "statistics", if any, out of a wider one."""

  def together(network: Mapping[str, Any]) -> Params:
    parts = (network["generator"], network.get("statistics") or {})
    flat = [traverse_util.flatten_dict(x) for x in parts]
    return traverse_util.unflatten_dict(flat[0] | flat[1])

  sliced = traverse_util.flatten_dict(cut(together(wide), together(narrow)))

  def part(fresh: Params) -> Params:
    names = traverse_util.flatten_dict(fresh)
    return traverse_util.unflatten_dict({name: sliced[name] for name in names})

  statistics = narrow.get("statistics")
  return part(narrow["generator"]), statistics and part(statistics)


def _check_same(
  field: str, network: str, config: ConfigDict, teacher: ConfigDict
) -> None:
  """Refuses a field that takes a network of the teacher which does not fit."""
  ours, theirs = (_architecture(c, network) for c in (config, teacher))
  if ours != theirs:
    raise UserError(
      f"config.{field}={config[field]!r} takes the teacher's {network} with"
      f" {theirs}, but the student's has {ours}: they must be the same"
    )


def _architecture(config: ConfigDict, network: str) -> str:
  sizes = {"system": config.system} | config[network].to_dict()
  sizes["attributes"] = len(config.data.attributes)
  return ", ".join(f"{name}={value}" for name, value in sizes.items())


def start_from(
  state: TrainState, teacher: Teacher, config: ConfigDict
) -> TrainState:
  """Returns a fresh state with what is to come from the teacher: copies.

  Args:
    state: before its first step.
    teacher: what it learns from; see `check_new`.
    config: the student's: `init` says where its generator starts, `adversary`
      what it is trained against.
  """
  copy = functools.partial(jax.tree.map, lambda x: np.array(x))
  generator, discriminator = state.generator, state.discriminator
  statistics, cut = state.statistics, teacher.system.slice_generator
  if config.init == "teacher":
    generator = teacher.model.generator
    statistics = teacher.model.statistics
  elif config.init == "sliced" and cut is not None:
    generator, statistics = _slice(cut, vars(teacher.model), vars(state))
  if _takes_discriminator(config, teacher.attributes, teacher.place):
    discriminator = teacher.model.discriminator
  return dataclasses.replace(
    state,
    generator=copy(generator),
    discriminator=copy(discriminator),
    ema=None if state.ema is None else copy(generator),
    statistics=copy(statistics),
  )
