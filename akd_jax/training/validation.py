"""What can be said of a config before anything is opened or trained."""

import difflib
import math
import os
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common import ranges
from akd_jax.common.config import WHEN_SEEN
from akd_jax.common.errors import UserError
from akd_jax.common.ranges import OF_SYSTEM
from akd_jax.common.two_sets import second_of
from akd_jax.configs import student
from akd_jax.data import DATASETS
from akd_jax.distillation import METHODS
from akd_jax.distillation.akd import check_options, check_reading
from akd_jax.distillation.terms import active_methods, distils
from akd_jax.systems import SYSTEMS, adversary, system_of
from akd_jax.systems.system import MOST_CHANNELS
from akd_jax.training import data_fields
from akd_jax.training.shapes import network_shapes

# Or "".
_FILES = ("classifier.weights", "evaluation.inception")
# What the attribute classifier has in common with the networks.
_COMMON = ("attributes", "label_rule", "image_size")
# What config.classifier.data may not have.
_NOT_ITS_OWN = (*_COMMON, *WHEN_SEEN, "second")
# How much alike a mistyped name and a field's are: weight and wieght, 0.83.
_NEAR = 0.8
# Sections whose names are checked elsewhere, or are anybody's.
_FREE = (
  *OF_SYSTEM, "pseudo.mapping", "data.second", "data.distribution",
  "classifier.data", "classifier.unbiased",
)  # fmt: skip
# What config.data.second may not have.
_OF_BOTH = ("image_size", *WHEN_SEEN)


def check(config: ConfigDict) -> None:
  """Checks each field by itself, then those that have to go together.

  Raises:
    UserError: one is wrong; the message says which values are possible.
  """
  ranges.check(config)
  _check_names(config, student.get_config("debug"))
  _check_fields_of_system(config)
  if config.data.label_rule == "exclusive":
    _check_exclusive(config)
  for field in _FILES:
    path = _value(config, field)
    # Hours before it is read.
    if path and not os.path.isfile(path):
      raise UserError(f"config.{field}={path} is no file")
  check_classifier(config)
  if config.data.second:
    _check_second(config)
  data_fields.check_split(config)
  _check_networks(config)
  if distils(config) and "teacher_recipe" not in config:
    raise UserError(
      "config.teacher is for students: start from configs/student.py,"
      " configs/pseudo.py or, of another system, configs/SYSTEM_student.py"
    )
  _check_start(config)


def _check_names(
  config: ConfigDict, known: ConfigDict, above: str = ""
) -> None:
  """Refuses a field that is called nearly as one of those that there are.

  Others are left alone: somebody's own method may read them.

  Args:
    config: the config, or a section of it.
    known: a student's, which has most fields; or that section of it.
    above: the section's name and a dot.
  """
  for name in config:
    field = f"{above}{name}"
    if name not in known:
      near = difflib.get_close_matches(name, list(known), 1, _NEAR)
      if near and not (above == "distill." and name in METHODS):
        raise UserError(
          f"there is no field config.{field}; did you mean"
          f" config.{above}{near[0]}?"
        )
      continue
    parts = config[name], known[name]
    sections = all(isinstance(part, ConfigDict) for part in parts)
    if sections and field.removeprefix("teacher_recipe.") not in _FREE:
      _check_names(*parts, f"{field}.")


def _check_exclusive(config: ConfigDict) -> None:
  """Refuses what classes that exclude each other do not allow."""
  if config.evaluation.protocol == "flip":
    raise UserError(
      "config.evaluation.protocol='flip' needs"
      " config.data.label_rule='multilabel': an exclusive class cannot be"
      " cleared; use 'lacking' or 'all'"
    )
  if config.data.curriculum:
    raise UserError(
      f"config.data.curriculum={config.data.curriculum:g} needs"
      " config.data.label_rule='multilabel': exclusive classes have no labels"
      " beside their own; set 0"
    )


def _check_fields_of_system(config: ConfigDict) -> None:
  """Checks that the system reads every field, and takes its value."""
  fields, name = system_of(config).fields, config.system
  given = {f"{part}.{field}" for part in OF_SYSTEM for field in config[part]}
  read = {field for field in fields if field.partition(".")[0] in OF_SYSTEM}
  for field in sorted(given ^ read):
    what = "misses" if field in read else "does not read"
    raise UserError(
      f"config.system={name!r} {what} config.{field}: start from the recipe of"
      " that system"
    )
  for field, allowed in fields.items():
    value = _value(config, field)
    if isinstance(allowed, tuple) and len(allowed) == 1:
      if value != allowed[0]:
        raise UserError(
          f"config.{field}={value!r} must be {allowed[0]!r} for"
          f" config.system={name!r}"
        )
    elif isinstance(allowed, tuple):
      ranges.check_choice(field, value, allowed)
    elif isinstance(allowed, float) and not allowed <= value < math.inf:
      raise UserError(
        f"config.{field}={value} must be finite and at least {allowed:g}"
      )
    elif isinstance(allowed, int) and not allowed <= value <= MOST_CHANNELS:
      raise UserError(
        f"config.{field}={value} must be at least {allowed} and at most"
        f" {MOST_CHANNELS}"
      )


def _check_networks(config: ConfigDict) -> None:
  """Checks what the system makes of the fields."""
  check_options(config.attention)
  networks = system_of(config).create_networks(config)
  system_of(config).name_activation(config.attention, networks.generator)
  if "pseudo" in config:
    check_reading(config)


def _check_start(config: ConfigDict) -> None:
  """Checks what is to come from a teacher, and what is trained against."""
  if not adversary.scores(config) and not active_methods(config):
    raise UserError(
      "config.adversary='none' needs a weight in config.distill above 0: there"
      " is nothing else to learn from"
    )
  for field in ("init", "adversary"):
    value = config.get(field, "scratch")
    if value != "scratch" and not distils(config):
      raise UserError(
        f"config.{field}={value!r} needs config.teacher; a student without one"
        " starts from configs/attention.py"
      )
  if not adversary.scores(config) and config.attention.discriminator == "own":
    raise UserError(
      "config.adversary='none' trains no discriminator, and"
      " config.attention.discriminator='own' takes the student's: choose"
      " another adversary"
    )
  for field in ("n_critic", "adversary_every"):
    if config[field] > 1 and not adversary.learns(config):
      raise UserError(
        f"config.{field}={config[field]} must be 1: with"
        f" config.adversary={config.adversary!r} no discriminator is trained"
      )


def check_new(config: ConfigDict) -> None:
  """Checks that a run which begins would do all that it is told to.

  Earlier versions have begun others, which are still read and gone on with.

  Args:
    config: as `check` accepts it.

  Raises:
    UserError: a field would do nothing.
  """
  if config.teacher and "teacher_recipe" not in config:
    raise UserError(
      f"config.teacher={config.teacher} would teach nothing: the recipe is of a"
      " teacher; one of a student is configs/student.py or configs/attention.py"
    )
  if adversary.learns(config) and config.adversary_every > config.steps:
    raise UserError(
      f"config.adversary_every={config.adversary_every} must be at most"
      f" config.steps={config.steps}: the discriminator would never be trained"
    )
  data_fields.check_read(config)
  if config.optimizer.ema and network_shapes(config).get("statistics"):
    raise UserError(
      f"config.optimizer.ema={config.optimizer.ema:g} must be 0 for"
      f" config.system={config.system!r}: averaged parameters would have no"
      " running statistics of their own"
    )


def check_classifier(config: ConfigDict) -> None:
  """Checks what the attribute classifier learns from, as far as fields tell.

  Raises:
    UserError: a field of its data is not of config.data, or has to be the
      networks' own; or there is no such data set; or as
      `data_fields.check_unbiased` and `check_prior`.
  """
  possible = [name for name in config.data if name not in _NOT_ITS_OWN]
  data_fields.check_names(
    "config.classifier.data", config.classifier.data, possible
  )
  name = config.classifier.data.get("name")
  if name is not None:
    ranges.check_choice("classifier.data.name", name, DATASETS)
  data_fields.check_unbiased(config)
  data_fields.check_prior(config)


def _check_second(config: ConfigDict) -> None:
  """Checks that two label sets can be learnt at once."""
  data, second = config.data, second_of(config.data)
  field = "config.data.second"
  if system_of(config).take_classes is None:
    two = [name for name, system in SYSTEMS.items() if system.take_classes]
    raise UserError(
      f"{field} needs a config.system of {', '.join(two)}: {config.system} is"
      " trained on one label set"
    )
  if config.generator.label_sets != 2:
    raise UserError(
      f"{field} needs config.generator.label_sets=2: the generator has to be"
      " told which set is meant"
    )
  if data.label_rule != "multilabel" or second.label_rule != "exclusive":
    raise UserError(
      f"{field} needs config.data.label_rule='multilabel' and"
      f" {field}.label_rule='exclusive', not {data.label_rule!r} and"
      f" {second.label_rule!r}"
    )
  for name in _OF_BOTH:
    if name in data.second:
      raise UserError(f"{field}.{name}: it is that of both; leave it out")
  possible = [name for name in data if name not in (*_OF_BOTH, "second")]
  data_fields.check_names(field, data.second, possible)
  if data.curriculum:
    raise UserError(
      f"config.data.curriculum={data.curriculum:g} holds back pictures of one"
      f" label set alone: it must be 0 with {field}"
    )
  if distils(config):
    raise UserError(
      f"config.teacher={config.teacher!r} teaches one label set at a time, and"
      f" {field} asks for two: train a teacher of both, and then a student of"
      " each file that it leaves"
    )


def _value(config: ConfigDict, field: str) -> Any:
  """Of a field by its dotted name."""
  for name in field.split("."):
    config = config[name]
  return config
