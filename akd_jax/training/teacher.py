"""The teacher of a run: whether it has one, which, and whether it can teach."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from ml_collections import ConfigDict

from akd_jax.common.array_digest import digest_arrays
from akd_jax.common.errors import UserError
from akd_jax.distillation.akd import check_options, check_reading
from akd_jax.distillation.mapping import (
  Place,
  Teacher,
  mapping_matrix,
  placed,
)
from akd_jax.distillation.sizes import check_sizes
from akd_jax.distillation.terms import active_methods, distils
from akd_jax.systems import system_of
from akd_jax.systems.model import Model, Params
from akd_jax.systems.system import Slicer
from akd_jax.training import checkpoint, run_dir
from akd_jax.training.shapes import network_shapes
from akd_jax.training.state import TrainState

# What weights of other programs end in.
_WEIGHTS = (".ckpt", ".pt", ".pth", ".safetensors", ".onnx")


def teacher_recipe(config: ConfigDict) -> ConfigDict:
  """Returns the config of the teacher that a student's config asks for.

  It sees the student's data and is evaluated alike, by the same attribute
  classifier; its attributes are the student's own, or those that they are
  mapped to.
  """
  recipe = ConfigDict(config.teacher_recipe.to_dict())
  attributes = config.data.attributes
  if config.pseudo.reading != "off":
    attributes = tuple(dict.fromkeys(config.pseudo.mapping.to_dict().values()))
  recipe.data = ConfigDict(config.data.to_dict() | {"attributes": attributes})
  for section in ("classifier", "evaluation"):
    recipe[section] = ConfigDict(config[section].to_dict())
  return recipe


def is_finished(directory: str) -> bool:
  """Returns whether the run there has been trained to its end."""
  if run_dir.is_file(directory):
    return True
  saved = checkpoint.steps_saved(directory)
  if not saved or saved[-1] < run_dir.read_config(directory).steps:
    return False
  return checkpoint.is_sound(directory, saved[-1])


def check_place(directory: str) -> None:
  """Refuses a teacher that is not there, and a place where none can be trained.

  Raises:
    UserError: it names a file that is no run's, or a folder of other things.
  """
  path = pathlib.Path(directory)
  if run_dir.is_file(directory):
    run_dir.load_run(directory)  # Is it there, and whole?
  elif path.is_file() or path.suffix in _WEIGHTS:
    raise UserError(
      f"config.teacher={directory} is neither a run's directory nor its file:"
      " make a teacher of released weights by python -m akd_jax.convert"
      f" --from={directory} --discriminator=D.ckpt --attributes=A,B"
      " --out=teacher.npz"
    )
  elif path.is_dir() and not (path / "config.json").exists():
    # Hidden files are locks, and what nobody has finished.
    other = sorted(x.name for x in path.iterdir() if x.name[0] != ".")
    if other:
      raise UserError(
        f"config.teacher={directory} is a folder that holds {other[0]} and no"
        " run: name a run, or a new folder to train a teacher in; or make a"
        " teacher of released weights by python -m akd_jax.convert"
      )


def has_begun(workdir: str) -> bool:
  """Whether a run has a checkpoint, and so is tied to its teacher."""
  return bool(checkpoint.steps_saved(workdir))


def digest_of(model: Model) -> str:
  """Returns what a teacher is known again by: its networks' every weight."""
  return digest_arrays(
    {
      "generator": model.generator,
      "discriminator": model.discriminator,
      "statistics": model.statistics,
    }
  )


def load_teacher(config: ConfigDict) -> Teacher | None:
  """Loads the teacher that the config names; None without distillation."""
  return open_teacher(config) if distils(config) else None


def open_teacher(config: ConfigDict) -> Teacher:
  """Loads the teacher that the config names.

  Raises:
    UserError: it can not teach this student; see `check_compatible`.
  """
  run = run_dir.load_run(config.teacher)
  mapping = check_compatible(config, run.config)
  return Teacher(
    run.model,
    jnp.asarray(mapping),
    system_of(run.config),
    run.attributes,
    place_of(config, run.config),
  )


def place_of(config: ConfigDict, teacher: ConfigDict) -> Place | None:
  """Returns where a teacher of another system has its attention taken.

  Args:
    config: the student's, which says it for a teacher of its own system.
    teacher: the teacher's.
  """
  if config.system == teacher.system:
    return None
  return teacher.attention.block, teacher.attention.hook


def check_compatible(config: ConfigDict, teacher: ConfigDict) -> np.ndarray:
  """Checks that a student can learn from a teacher, trained or not yet.

  Args:
    config: the student's, resolved.
    teacher: the teacher's.

  Returns:
    `Teacher.mapping`.

  Raises:
    UserError: it differs from the student in its attributes, image size or
      label rule, or in its architecture if the student is to start from its
      weights (the message has both values), or attention is asked for in a
      way that does not exist or that one of the two does not have, or a method
      can not teach across their attributes, or their systems.
  """
  check_options(config.attention)
  check_reading(config)
  for method in active_methods(config).values():
    method.check(config, teacher)
  for field in ("image_size", "label_rule"):
    ours, theirs = config.data[field], teacher.data[field]
    if ours != theirs:
      raise UserError(
        f"config.data.{field} is {ours!r}, that of the teacher in"
        f" {config.teacher} is {theirs!r}: they must be the same"
      )
  mapping = mapping_matrix(
    config.data.attributes,
    teacher.data.attributes,
    None if config.pseudo.reading == "off" else config.pseudo.mapping.to_dict(),
  )
  place = place_of(config, teacher)
  for network, options in (
    (config, config.attention),
    (teacher, placed(config.attention, place)),
  ):
    system = system_of(network)
    generator = system.create_networks(network).generator
    system.name_activation(options, generator)
  check_sizes(config, teacher, place)
  if config.init == "teacher":
    _check_same("init", "generator", config, teacher)
  ours, theirs = (tuple(c.data.attributes) for c in (config, teacher))
  if _takes_discriminator(config, theirs, place):
    _check_same("adversary", "discriminator", config, teacher)
  for field, value in (("init", "sliced"), ("adversary", "frozen")):
    if config[field] == value and ours != theirs:
      raise UserError(
        f"config.{field}={value!r} takes a network of the teacher's attributes,"
        f" {', '.join(theirs)}, for a student of {', '.join(ours)}: they must"
        " be the same"
      )
  if config.init == "sliced":
    # Tried on arrays that are all 0: only their sizes are asked for.
    wide, narrow = (
      jax.tree.map(lambda x: np.zeros(x.shape), network_shapes(c))
      for c in (teacher, config)
    )
    _slice(_slicer(config, teacher), wide, narrow)
  return mapping


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
  if config.adversary == "none":
    return attributes == tuple(config.data.attributes) and place is None
  return config.adversary in ("teacher", "frozen")


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
    teacher: what it learns from; see `check_compatible`.
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
