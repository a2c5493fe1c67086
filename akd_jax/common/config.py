"""Fields of configs: those on the command line, and names they once had."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.json_text import parse
from akd_jax.common.ranges import OF_SYSTEM
from akd_jax.configs import (
  acgan,
  attgan,
  distill,
  relgan,
  stargan2,
  stgan,
  teacher,
)

# {a field's name in earlier versions: its name now}.
RENAMED = {
  "loss.lambda_akd": "distill.akd.weight",
  "loss.lambda_out": "distill.output.weight",
  "evaluation.looked_at": "evaluation.probe_images",
}
# {a system: its recipe, whose fields a run of it has}.
RECIPES = {
  "stargan": teacher,
  "acgan": acgan,
  "attgan": attgan,
  "stgan": stgan,
  "relgan": relgan,
  "stargan2": stargan2,
}
# Of config.data: when pictures are seen, and not which there are.
WHEN_SEEN = ("curriculum", "bias_attribute")
# {a field that earlier versions lack: the value that means what they did}.
ADDED = {
  "system": "stargan",
  "adversary": "scratch",
  "adversary_every": 1,
  "attention.method": "grad_cam",
  "classifier.data": {},
  "classifier.prior": "data",
  "classifier.unbiased": {},
  "data.bias_attribute": "Male",
  "data.curriculum": 0.0,
  "data.second": {},
  "data.split": "share",
  "held_out.images": 0,
  "optimizer.weight_decay": 0.0,
  # Every method of distillation, of weight 0.
  **{
    f"distill.{name}.{field}": value
    for name, section in distill.sections().items()
    for field, value in section.items()
  },
}
# And those of a system; StarGAN was the only one.
_TRANSPOSED = {"generator.upsample": "transposed"}
_ADDED_TO_ATTGAN = _TRANSPOSED | {
  "generator.slope": 0.2,
  "generator.epsilon": 1e-3,
  "discriminator.slope": 0.2,
  "discriminator.hidden_slope": 0.2,
  "discriminator.epsilon": 1e-6,
}
_ADDED_TO: dict[str, dict[str, Any]] = {
  "stargan": {
    **_TRANSPOSED,
    "generator.label_sets": 1,
    "generator.output": "image",
    "loss.cls_radius": 0.0,
    "loss.lambda_mask": 0.1,
  },
  "acgan": _TRANSPOSED | {"generator.label_sets": 1},
  "attgan": _ADDED_TO_ATTGAN,
  "stgan": _ADDED_TO_ATTGAN,
  "relgan": _TRANSPOSED,
}

# Sections with whichever fields a run has.
_FREE = (
  "data.distribution", "data.conditional", "data.second", "data.sizes",
  "classifier.data", "classifier.unbiased",
)  # fmt: skip

# The recipe of a student's teacher is a config of its own, inside.
_TEACHER = "teacher_recipe"
# Sections that it lacks, since the student's are meant.
_GIVEN_BY_STUDENTS = ("data", "classifier")
RENAMED_ANYWHERE = RENAMED | {
  f"{_TEACHER}.{old}": f"{_TEACHER}.{new}" for old, new in RENAMED.items()
}


def complete(fields: Mapping[str, Any]) -> ConfigDict:
  """Returns a config with the fields of this version, whichever wrote it.

  Args:
    fields: of a run's config.json or of an exported file, as plain JSON.
  """
  config = copy.deepcopy(dict(fields))
  _add_fields(config)
  if _TEACHER in config:
    _add_fields(config[_TEACHER], lacking=_GIVEN_BY_STUDENTS)
  return ConfigDict(config)


def remove_added(fields: Mapping[str, Any]) -> dict[str, Any]:
  """Returns a recipe without what earlier versions imply.

  Those are fields that they lack, at the value that means what they did. What
  is left is the same in all versions.

  Args:
    fields: of a recipe, or of a teacher's recipe inside, as plain JSON.
  """
  left = copy.deepcopy(dict(fields))
  system = left.get("system", ADDED["system"])
  for name, value in (ADDED | _ADDED_TO.get(system, {})).items():
    found = take(left, name)
    if found not in (None, value):
      put(left, name, found)
  # A method that is not used says nothing, either.
  distilled = left.get("distill", {})
  left["distill"] = {k: x for k, x in distilled.items() if x}
  return {name: x for name, x in left.items() if x != {}}


def read(text: str, where: str) -> ConfigDict:
  """Reads a config that was written as JSON, by whichever version.

  Args:
    text: of a run's config.json, or in a file.
    where: the file, for errors.

  Raises:
    UserError: it is no config, lacks a field or has one of another type.
  """
  try:
    fields = parse(text)
  except ValueError as error:
    raise UserError(f"{where} is not JSON: {error}") from None
  if not isinstance(fields, dict):
    kind = type(fields).__name__
    raise UserError(f"{where} is of type {kind}, not the fields of a config")
  try:
    config = complete(fields)
  except (AttributeError, TypeError, ValueError, RecursionError) as error:
    raise UserError(f"{where} is no config: {error}") from None
  _check_types(config, _example(config.get("system")), where)
  return config


def check_complete(recipe: Any, where: str) -> None:
  """Refuses what is no recipe of a network, or not a whole one.

  What its system alone reads is not asked here.

  Args:
    recipe: what somebody has made.
    where: what it is called in errors.

  Raises:
    UserError: it is no config, or lacks a field that the recipes of all systems
      have, or has it of another type.
  """
  if not isinstance(recipe, ConfigDict):
    raise UserError(f"{where} is a {type(recipe).__name__}, not a ConfigDict")
  if "generator" not in recipe:
    raise UserError(f"{where} has no generator: it is no recipe of a network")
  _check_types(recipe, _example(None), where)


def _example(system: Any) -> ConfigDict:
  """Returns a recipe of a system; of an unknown one, what all have."""
  if isinstance(system, str) and system in RECIPES:
    return RECIPES[system].get_config("debug")
  example = teacher.get_config("debug")
  for section in OF_SYSTEM:
    example[section] = ConfigDict()
  return example


def _check_types(
  config: ConfigDict, expected: ConfigDict, where: str, inside: str = ""
) -> None:
  """Refuses a config that lacks a field of `expected`, or has another type."""
  for name, example in expected.items():
    field = inside + name
    if name not in config:
      raise UserError(f"{where} is no config: it lacks {field}")
    value = config[name]
    kinds: tuple[type, ...] = (type(example),)
    if isinstance(example, float):
      kinds = (float, int)
    elif isinstance(example, tuple):
      kinds = (tuple, list)
    # To Python, True is a number.
    if not isinstance(value, kinds) or (
      isinstance(value, bool) and bool not in kinds
    ):
      raise UserError(f"{where} is no config: {field} is {value!r}")
    if isinstance(example, ConfigDict) and field not in _FREE:
      _check_types(value, example, where, f"{field}.")


def _add_fields(recipe: dict[str, Any], lacking: Sequence[str] = ()) -> None:
  """Renames and adds fields, but none in sections that a recipe is lacking."""
  for old, new in RENAMED.items():
    value = take(recipe, old)
    if value is not None:
      put(recipe, new, value)
  if recipe.get("init") == "teacher":
    # Then, the discriminator came along.
    put(recipe, "adversary", "teacher")
  added = dict(ADDED)
  system = recipe.get("system", ADDED["system"])
  if isinstance(system, str):
    added |= _ADDED_TO.get(system, {})
  for name, value in added.items():
    if name.split(".")[0] not in lacking:
      put(recipe, name, copy.deepcopy(value))
  # Once the lowest loss, which preferred a generator that copies.
  if not recipe.get("best_metric", "").startswith("held_out/"):
    recipe["best_metric"] = ""


def take(fields: Any, name: str) -> Any:
  """Takes out a field by its dotted name; None where there is none."""
  first, _, inside = name.partition(".")
  if not isinstance(fields, dict):
    return None
  return take(fields.get(first), inside) if inside else fields.pop(first, None)


def put(fields: dict[str, Any], name: str, value: Any) -> None:
  """Sets a field by its dotted name, unless it is there."""
  *sections, last = name.split(".")
  for section in sections:
    fields = fields.setdefault(section, {})
  fields.setdefault(last, value)


def flatten(config: ConfigDict, prefix: str = "") -> dict[str, Any]:
  """Returns a config's fields by their names, SECTION.FIELD."""
  fields: dict[str, Any] = {}
  for name, value in config.items():
    if isinstance(value, ConfigDict):
      fields |= flatten(value, f"{prefix}{name}.")
    else:
      fields[prefix + name] = value
  return fields
