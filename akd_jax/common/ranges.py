"""Holds configs to the ranges that stand beside each field in configs/."""

from collections.abc import Collection, Mapping
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common import paths
from akd_jax.common.errors import UserError, suggest
from akd_jax.configs import student
from akd_jax.configs.ranges import Range

RANGES = student.every_range()
# Sections whose fields are those that the system reads. The ranges here are of
# this system's; another says its own.
OF_SYSTEM, _SYSTEM = ("generator", "discriminator", "loss"), "stargan"


def check(config: ConfigDict) -> None:
  """Checks that every field of a config lies in its range.

  What depends on several fields, on files or on the data is not asked here.
  Fields that are in none of the recipes are left alone: somebody has added
  them, and what they are for.

  Args:
    config: of any recipe, resolved or not.

  Raises:
    UserError: one does not, or its section lacks it; the message says what it
      may be.
  """
  for name in RANGES:
    section, *inside = name.split(".")
    if inside and section in config and not _is_another_s(config, name):
      _check_there(config[section], section, inside)
  _check_section(config, "")


def check_choice(field: str, value: Any, choices: Collection[Any]) -> None:
  """Checks a field that must have one of some values.

  Args:
    field: its dotted name.
    value: of the field, or of what stands in it.
    choices: all that it may be.

  Raises:
    UserError: it is none of them; the message has all, and the nearest.
  """
  if value not in choices:
    raise UserError(
      f"config.{field}={value!r} is none of {', '.join(map(str, choices))}"
      f"{suggest(str(value), list(map(str, choices)))}"
    )


def is_expanded(field: str) -> bool:
  """Whether ~ is expanded in a field, or in the entry of a mapping.

  Not in one by which recipes and pages are known as it is written.

  Args:
    field: its dotted name.
  """
  may_be = RANGES.get(field)
  if may_be is None:
    mapping, _, entry = field.rpartition(".")
    inside = RANGES[mapping].inside if mapping in RANGES else None
    may_be = inside(entry) if inside else None
  return may_be is not None and may_be.is_path and not may_be.as_written


def _is_another_s(config: ConfigDict, name: str) -> bool:
  """Whether a field is StarGAN's, and the config that has it another's."""
  recipe = config.get("teacher_recipe") if "teacher_recipe." in name else config
  system = recipe.get("system") if isinstance(recipe, ConfigDict) else None
  section = name.removeprefix("teacher_recipe.").partition(".")[0]
  return section in OF_SYSTEM and system not in (None, _SYSTEM)


def _check_there(holder: Any, section: str, inside: list[str]) -> None:
  """Checks that a section has what is inside, one in the other."""
  for name in inside:
    if not isinstance(holder, ConfigDict):
      return
    if name not in holder:
      raise UserError(
        f"config.{section} lacks {name}: set its fields one by one, as"
        f" --config.{section}.FIELD=..."
      )
    holder, section = holder[name], f"{section}.{name}"


def _check_section(section: ConfigDict, start: str) -> None:
  for name, value in section.items():
    field = start + name
    if field in RANGES:
      _check_value(value, RANGES[field], field)
    elif isinstance(value, ConfigDict):
      _check_section(value, f"{field}.")
    elif any(known.startswith(f"{field}.") for known in RANGES):
      raise UserError(f"config.{field}={value!r} must be a section of fields")


def _check_value(value: Any, may_be: Range, field: str) -> None:
  if not may_be.holds(value):
    near = suggest(str(value), may_be.choices)
    raise UserError(f"config.{field}={_shown(value)} must {may_be.text}{near}")
  if may_be.is_path:
    paths.check(value, f"config.{field}={value}")
  if may_be.inside and isinstance(value, Mapping | ConfigDict):
    for name, entry in value.items():
      if (inside := may_be.inside(name)) is not None:
        _check_value(entry, inside, f"{field}.{name}")


def _shown(value: Any) -> str:
  """Returns a value as somebody would type it, and not too long."""
  if isinstance(value, ConfigDict):
    value = value.to_dict()
  text = f"{value:g}" if isinstance(value, float) else repr(value)
  return text if len(text) <= 80 else f"{text[:77]}..."
