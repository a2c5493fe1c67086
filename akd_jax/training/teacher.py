"""The teacher of a run: whether it has one, which, and whether it fits."""

from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation import attention
from akd_jax.distillation.akd import (
  Distillation,
  Teacher,
  check_options,
  mapping_matrix,
)
from akd_jax.training import checkpoint, validation
from akd_jax.training import run_dir as runs
from akd_jax.training.state import create_networks


def teacher_recipe(config: ConfigDict) -> ConfigDict:
  """The config of the teacher that a student's config asks for.

  It sees the student's data, has the same judge and is evaluated alike; its
  attributes are the student's own, or those that they are mapped to.
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
  """Whether the teacher there can be used as it is."""
  if runs.is_file(directory):
    return True
  saved = checkpoint.steps_saved(directory)
  return bool(saved) and saved[-1] >= runs.read_config(directory).steps


class LoadedTeacher(NamedTuple):
  """See `load_teacher`."""

  parameters: Teacher | None
  distillation: Distillation | None


def load_teacher(config: ConfigDict) -> LoadedTeacher:
  """Loads the teacher that the config names, if it names one.

  Raises:
    UserError: it does not fit; see `check_fit`.
  """
  if not validation.distils(config):
    return LoadedTeacher(None, None)
  run = runs.load_run(config.teacher)
  mapping = check_fit(config, run.config)
  return LoadedTeacher(
    Teacher(run.generator, run.discriminator),
    Distillation(create_networks(run.config), mapping),
  )


def check_fit(config: ConfigDict, teacher: ConfigDict) -> np.ndarray:
  """Checks that a student can learn from a teacher, trained or not yet.

  Args:
    config: the student's, resolved.
    teacher: the teacher's.

  Returns:
    `Distillation.mapping`.

  Raises:
    UserError: it differs from the student in its attributes, image size or
      label rule, or in its architecture if the student is to start from its
      weights (the message has both values), or attention is asked for in a
      way that does not exist or that one of the two does not have, or its
      pictures where it draws other attributes.
  """
  check_options(config.attention)
  reading = config.pseudo.reading
  wanted = {"off": None, "paper1": "teacher", "paper2": "own"}
  if reading not in wanted:
    raise UserError(
      f"config.pseudo.reading={reading!r} is none of {', '.join(wanted)}"
    )
  if wanted[reading] not in (None, config.attention.discriminator):
    raise UserError(
      f"config.pseudo.reading={reading!r} takes the student's map from a"
      f" logit of config.attention.discriminator={wanted[reading]!r}, not"
      f" {config.attention.discriminator!r}"
    )
  if config.distill.output.weight > 0 and reading != "off":
    raise UserError(
      f"config.distill.output.weight={config.distill.output.weight} compares"
      " pictures, but a teacher of other attributes"
      f" (config.pseudo.reading={reading!r}) does not draw the student's: it"
      " must be 0"
    )
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
    None if reading == "off" else config.pseudo.mapping.to_dict(),
  )
  for generator in (config.generator, teacher.generator):
    attention.activation_name(
      config.attention.block, config.attention.hook, generator.blocks
    )
  if config.init == "teacher":
    ours, theirs = (_architecture(c) for c in (config, teacher))
    if ours != theirs:
      raise UserError(
        f"config.init='teacher' starts from a generator with {theirs}, but the"
        f" student's has {ours}: they must be the same"
      )
  return mapping


def _architecture(config: ConfigDict) -> str:
  sizes = config.generator.to_dict()
  sizes["attributes"] = len(config.data.attributes)
  return ", ".join(f"{name}={value}" for name, value in sizes.items())
