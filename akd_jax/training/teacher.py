"""The teacher of a run: which it is, and whether it can teach."""

import pathlib

import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation.akd import check_options, check_reading
from akd_jax.distillation.mapping import (
  Place,
  Teacher,
  mapping_matrix,
  placed,
)
from akd_jax.systems import system_of
from akd_jax.training import run_dir
from akd_jax.training.run import Run

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
  elif path.is_dir() and not run_dir.holds_run(directory):
    # Hidden files are locks, and what nobody has finished.
    other = sorted(x.name for x in path.iterdir() if x.name[0] != ".")
    if other:
      raise UserError(
        f"config.teacher={directory} is a folder that holds {other[0]} and no"
        " run: name a run, or a new folder to train a teacher in; or make a"
        " teacher of released weights by python -m akd_jax.convert"
      )


def open_teacher(config: ConfigDict) -> Teacher:
  """Loads the teacher that the config names.

  Raises:
    UserError: it can not teach this student; see `check_compatible`.
  """
  return make_teacher(config, run_dir.load_run(config.teacher))


def make_teacher(config: ConfigDict, run: Run) -> Teacher:
  """Returns a trained run as what a student learns from.

  Raises:
    UserError: it can not teach this student; see `check_compatible`.
  """
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
  """Checks that a student has a teacher's labels and places of attention.

  That is what evaluation needs, too; `starts.check_new` asks more of a student
  that begins to learn. The teacher need not be trained yet.

  Args:
    config: the student's, resolved.
    teacher: the teacher's.

  Returns:
    `Teacher.mapping`.

  Raises:
    UserError: it differs from the student in its attributes, image size or
      label rule (the message has both values), or attention is asked for in a
      way that does not exist or that one of the two does not have.
  """
  check_options(config.attention)
  check_reading(config)
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
  _check_place_of_attention(config, config.attention)
  options = placed(config.attention, place_of(config, teacher))
  try:
    _check_place_of_attention(teacher, options)
  except UserError as error:
    raise UserError(f"of the teacher in {config.teacher}: {error}") from None
  return mapping


def _check_place_of_attention(config: ConfigDict, options: ConfigDict) -> None:
  system = system_of(config)
  system.name_activation(options, system.create_networks(config).generator)
