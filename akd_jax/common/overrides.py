"""--config.FIELD=VALUE on a command line, by the names of any version."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags
from ml_collections import config_flags

from akd_jax.common.config import RENAMED_ANYWHERE, put, take
from akd_jax.configs import student

_OVERRIDE = re.compile(r"(--?config\.)([\w.]+)(=.*)?", re.DOTALL)


def define() -> None:
  """Defines the flag --config.FIELD for every field of a student's config.

  Reads the command line, as ml_collections does, and raises what it raises.
  """
  config_flags.DEFINE_config_dict(
    "config", student.get_config("debug"), lock_config=True
  )


def read_given() -> dict[str, Any]:
  """Returns {dotted name: value} of the fields on the command line."""
  return config_flags.get_override_values(flags.FLAGS["config"])


def format_flags(fields: Mapping[str, Any]) -> list[str]:
  """Returns the flags that set fields, fit for a shell's single quotes.

  Args:
    fields: {dotted name: value}.
  """
  return [f"--config.{name}={_value(x)}" for name, x in fields.items()]


def _value(value: Any) -> str:
  if hasattr(value, "to_dict"):
    return repr(value.to_dict())
  if not isinstance(value, tuple):
    return str(value)
  return f"({''.join(f'{json.dumps(x, ensure_ascii=False)},' for x in value)})"


def rename_arguments(arguments: Sequence[str]) -> list[str]:
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
    if field in RENAMED_ANYWHERE:
      renamed.append(f"{start}{RENAMED_ANYWHERE[field]}{value}")
    elif any(old.startswith(f"{field}.") for old in RENAMED_ANYWHERE):
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
  for old, new in RENAMED_ANYWHERE.items():
    taken = None
    if old.startswith(inside):
      taken = take(fields, old.removeprefix(inside))
    if taken is not None and new.startswith(inside):
      put(fields, new.removeprefix(inside), taken)
    elif taken is not None:
      moved[new] = taken
  flags_of_moved = [f"{start}{name}={value}" for name, value in moved.items()]
  if moved and not fields:
    return flags_of_moved
  return [f"{start}{section}={fields!r}", *flags_of_moved]
