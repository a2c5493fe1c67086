"""What is wrong on a command line, in one line: a flag, a field or a recipe."""

import pathlib
import re
import traceback
from collections.abc import Sequence
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, nearest


def check_recipe(argv: Sequence[str]) -> None:
  """Refuses a --config without a file, which absl does in many lines.

  Raises:
    UserError: there is no such file; the message has the nearest. Or it is no
      recipe, which is a program.
  """
  for name in filter(None, map(_recipe_of, argv)):
    recipe = pathlib.Path(name)
    if not recipe.is_file():
      near = nearest(name, map(str, recipe.parent.glob("*.py")))
      raise UserError(f"there is no file {name}{near}")
    if recipe.suffix != ".py":
      raise UserError(
        f"--config={name} is no recipe: those are files that end in .py"
      )


def check_config(config: Any, argv: Sequence[str]) -> None:
  """Refuses what a recipe returns, if it is no config.

  Raises:
    UserError: it is something else.
  """
  if not isinstance(config, ConfigDict):
    raise UserError(f"{_recipe_given(argv)}: get_config returns no ConfigDict")


def say(error: Exception, argv: Sequence[str]) -> str:
  """Returns in one line why a command line is refused.

  Args:
    error: what was raised as its flags were parsed, and its recipe run.
    argv: the command line.
  """
  if not isinstance(error, flags.Error):
    return _unknown_field(error, argv) or _fault(error, argv)
  # An error inside the config file comes with its traceback, last line last.
  message = str(error).strip()
  if "Traceback" in message:
    message = message.splitlines()[-1]
  elif "does not accept dots" in message:
    message = f"{message.partition(': ConfigDict')[0]}: write %2E for a dot"
  elif "--config=None" in message and (recipe := _recipe_given(argv)):
    message = f"{recipe}: get_config returns nothing"
  return " ".join(message.split())


def _recipe_given(argv: Sequence[str]) -> str:
  return next(filter(None, map(_recipe_of, argv)), "")


def _recipe_of(argument: str) -> str:
  """Returns the file that --config=FILE[:ARG] names; "" of another argument."""
  name, _, value = argument.partition("=")
  return value.split(":")[0] if name == "--config" else ""


def _fault(error: Exception, argv: Sequence[str]) -> str:
  """Returns in one line what a recipe has raised, and where."""
  recipe = _recipe_given(argv)
  lines = [
    frame.lineno
    for frame in traceback.extract_tb(error.__traceback__)
    if frame.filename == recipe
  ]
  where = f"{recipe}:{lines[-1]}" if lines else recipe
  return f"{where}: {type(error).__name__}: {' '.join(str(error).split())}"


def _unknown_field(error: BaseException, argv: Sequence[str]) -> str:
  """Returns in one line what ml_collections says of an unknown field.

  Nothing if the error is another one.
  """
  if not isinstance(error, AttributeError | KeyError) or not error.args:
    return ""
  while isinstance(error.args[0], BaseException):
    error = error.args[0]
  # "'stepz'", and on a second line 'Did you mean "steps" instead of ...'; or,
  # of a field of a number, '... Attempting to lookup: steps.learning_rate'.
  text = str(error.args[0])
  near = re.search(r'Did you mean "(.*?)"', text)
  looked_up = re.search(r"Attempting to lookup: ([\w.]+)", text)
  last = looked_up[1] if looked_up else text.splitlines()[0].strip("'")
  # It is said without the fields above it, which may have one of its name.
  flag = re.compile(rf"--?config\.((?:\w+\.)*){re.escape(last)}(?!\w)")
  above = [match[1] for match in map(flag.match, argv) if match]
  if not above:
    return ""  # A recipe looks it up, and nobody has asked for it.
  lacking = [x for x in above if not _is_field(f"{x}{last}")]
  above_it = (lacking or above)[0]
  return f"the config has no field {above_it + last!r}" + (
    f"; did you mean {above_it + near[1]!r}?" if near else ""
  )


def _is_field(name: str) -> bool:
  """Whether a student's config, which has most fields, has this one."""
  from akd_jax.configs import student

  found: Any = student.get_config("debug")
  for part in name.split("."):
    if not hasattr(found, part):
      return False
    found = getattr(found, part)
  return True
