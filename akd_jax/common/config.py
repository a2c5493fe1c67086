"""Fields of configs: those on the command line, and names they once had."""

import ast
import copy
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from akd_jax.common.errors import UserError
from akd_jax.configs import (
  acgan,
  attgan,
  distill,
  relgan,
  stargan2,
  stgan,
  student,
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
# Sections whose fields are those of a system.
_OF_SYSTEM = ("generator", "discriminator", "loss")

# Sections with whichever fields a run has.
_FREE = (
  "data.distribution", "data.conditional", "data.second", "data.sizes",
  "classifier.data",
)  # fmt: skip

# The recipe of a student's teacher is a config of its own, inside.
_TEACHER = "teacher_recipe"
# Sections that it lacks, since the student's are meant.
_GIVEN_BY_STUDENTS = ("data", "classifier")
_RENAMED_ANYWHERE = RENAMED | {
  f"{_TEACHER}.{old}": f"{_TEACHER}.{new}" for old, new in RENAMED.items()
}
_OVERRIDE = re.compile(r"(--?config\.)([\w.]+)(=.*)?", re.DOTALL)


def define() -> None:
  """Defines the flag --config.FIELD for every field of a student's config.

  Reads the command line, as ml_collections does, and raises what it raises.
  """
  config_flags.DEFINE_config_dict(
    "config", student.get_config("debug"), lock_config=True
  )


def given() -> dict[str, Any]:
  """Returns {dotted name: value} of the fields on the command line."""
  return config_flags.get_override_values(flags.FLAGS["config"])


def completed(fields: Mapping[str, Any]) -> ConfigDict:
  """Returns a config with the fields of this version, whichever wrote it.

  Args:
    fields: of a run's config.json or of an exported file, as plain JSON.
  """
  config = copy.deepcopy(dict(fields))
  _complete(config)
  if _TEACHER in config:
    _complete(config[_TEACHER], lacking=_GIVEN_BY_STUDENTS)
  return ConfigDict(config)


def without_added(fields: Mapping[str, Any]) -> dict[str, Any]:
  """Returns the fields of a recipe but for those that say nothing new.

  Those are fields that earlier versions lack, at the value that means what
  they did. What is left is the same in all versions.

  Args:
    fields: of a recipe, or of a teacher's recipe inside, as plain JSON.
  """
  left = copy.deepcopy(dict(fields))
  system = left.get("system", ADDED["system"])
  for name, value in (ADDED | _ADDED_TO.get(system, {})).items():
    found = _take(left, name)
    if found not in (None, value):
      _put(left, name, found)
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
    fields = json.loads(text)
  except ValueError as error:
    raise UserError(f"{where} is not JSON: {error}") from None
  if not isinstance(fields, dict):
    raise UserError(
      f"{where} holds a {type(fields).__name__}, not the fields of a config"
    )
  try:
    config = completed(fields)
  except (AttributeError, TypeError, ValueError) as error:
    raise UserError(f"{where} is no config: {error}") from None
  _check_types(config, _example(config.get("system")), where)
  return config


def _example(system: Any) -> ConfigDict:
  """Returns a recipe of a system; of an unknown one, what all have."""
  if isinstance(system, str) and system in RECIPES:
    return RECIPES[system].get_config("debug")
  example = teacher.get_config("debug")
  for section in _OF_SYSTEM:
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


def renamed_arguments(arguments: Sequence[str]) -> list[str]:
  """Returns a command line with this version's names of the fields.

  Rewrites --config.FIELD=VALUE and --config.FIELD VALUE, and the names inside
  --config.SECTION={...}; leaves alone whatever else there is.
  """
  rest = list(arguments)
  renamed: list[str] = []
  while rest:
    argument = rest.pop(0)
    override = _OVERRIDE.fullmatch(argument)
    if not override:
      renamed.append(argument)
      continue
    start, field, value = override.groups(default="")
    if field in _RENAMED_ANYWHERE:
      renamed.append(f"{start}{_RENAMED_ANYWHERE[field]}{value}")
    elif any(old.startswith(f"{field}.") for old in _RENAMED_ANYWHERE):
      if not value and rest:
        value = f"={rest.pop(0)}"
      renamed += _renamed_section(start, field, value)
    else:
      renamed.append(argument)
  return renamed


def _renamed_section(start: str, section: str, value: str) -> list[str]:
  """Returns the flags that stand for `{start}{section}{value}`.

  What has moved to another section becomes a flag of its own.
  """
  try:
    fields = ast.literal_eval(value.removeprefix("="))
  except (SyntaxError, ValueError):
    fields = None
  if not isinstance(fields, dict):
    return [f"{start}{section}{value}"]
  moved: dict[str, Any] = {}
  inside = f"{section}."
  for old, new in _RENAMED_ANYWHERE.items():
    taken = None
    if old.startswith(inside):
      taken = _take(fields, old.removeprefix(inside))
    if taken is not None and new.startswith(inside):
      _put(fields, new.removeprefix(inside), taken)
    elif taken is not None:
      moved[new] = taken
  flags_of_moved = [f"{start}{name}={value}" for name, value in moved.items()]
  if moved and not fields:
    return flags_of_moved
  return [f"{start}{section}={fields!r}", *flags_of_moved]


def _complete(recipe: dict[str, Any], lacking: Sequence[str] = ()) -> None:
  """Renames and adds fields, but none in sections that a recipe is lacking."""
  for old, new in RENAMED.items():
    value = _take(recipe, old)
    if value is not None:
      _put(recipe, new, value)
  if recipe.get("init") == "teacher":
    # Then, the discriminator came along.
    _put(recipe, "adversary", "teacher")
  added = dict(ADDED)
  system = recipe.get("system", ADDED["system"])
  if isinstance(system, str):
    added |= _ADDED_TO.get(system, {})
  for name, value in added.items():
    if name.split(".")[0] not in lacking:
      _put(recipe, name, copy.deepcopy(value))
  # Once the lowest loss, which preferred a generator that copies.
  if not recipe.get("best_metric", "").startswith("held_out/"):
    recipe["best_metric"] = ""


def _take(fields: Any, name: str) -> Any:
  """Takes out a field by its dotted name; None where there is none."""
  first, _, inside = name.partition(".")
  if not isinstance(fields, dict):
    return None
  return _take(fields.get(first), inside) if inside else fields.pop(first, None)


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
  """Sets a field by its dotted name, unless it is there."""
  *sections, last = name.split(".")
  for section in sections:
    fields = fields.setdefault(section, {})
  fields.setdefault(last, value)
