"""What is wrong on a command line, in one line: a flag, a field or a recipe."""

import os
import pathlib
import re
import traceback
from collections.abc import Sequence
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from akd_jax.common import paths, ranges
from akd_jax.common.config import check_complete
from akd_jax.common.errors import UserError, suggest

# Of a traceback: the file, and the line in it.
_FRAME = re.compile(r'File "(.*?)", line (\d+)')
# Of what absl says of a flag that there is not.
_UNKNOWN = re.compile(r"Unknown command line flag '([\w.]+)'")
# Of what absl says of a required flag that is not given.
_MISSING = re.compile(r"flag --(\w+)=None: Flag --\1 must have a value")


def check_recipe(argv: Sequence[str]) -> None:
  """Refuses a --config without a file, which absl does in many lines.

  Raises:
    UserError: there is no such file; the message has the nearest. Or it is no
      recipe, which is a program.
  """
  for name in map(_recipe_of, argv):
    if name is None:
      continue
    recipe = pathlib.Path(name)
    if not os.path.isfile(name):
      folders = {recipe.parent, pathlib.Path("configs")}
      files = [x for folder in folders for x in paths.list_programs(folder)]
      same = [x for x in files if pathlib.Path(x).stem == recipe.stem]
      raise UserError(
        f"there is no file {name!r}{suggest(name, same or files)}"
      )
    if recipe.suffix != ".py":
      raise UserError(
        f"--config={name} is no recipe: those are files that end in .py"
      )


def check_config(config: Any, argv: Sequence[str]) -> None:
  """Refuses what a recipe returns, if it is no config or not a whole one.

  Raises:
    UserError: it is something else, a field is out of its range, or one that
      every network's recipe has is lacking.
  """
  recipe = _recipe_given(argv)
  if not isinstance(config, ConfigDict):
    raise UserError(f"{recipe}: get_config returns no ConfigDict")
  # First, since it says more of a field that is there.
  ranges.check(config)
  # An attribute classifier's has no generator, and little else.
  if recipe and "generator" in config:
    check_complete(config, recipe)


def say(error: Exception, argv: Sequence[str]) -> str:
  """Returns in one line why a command line is refused.

  Args:
    error: what was raised as its flags were parsed, and its recipe run.
    argv: the command line.

  Returns:
    "" of what is neither the fault of a flag nor of a recipe.
  """
  if field := _unknown_field(error, argv):
    return field
  text, recipe = str(error).strip(), _recipe_given(argv)
  if frames := _FRAME.findall(text):
    return _of_traceback(text, frames[-1], recipe)
  if line := line_of(error, recipe):
    return f"{recipe}:{line}: {type(error).__name__}: {' '.join(text.split())}"
  if "has no attribute 'get_config'" in text:
    return f"{recipe} has no function get_config"
  if not isinstance(error, flags.Error | TypeError | ValueError):
    return ""
  if "does not accept dots" in text:
    text = f"{text.partition(': ConfigDict')[0]}: write %2E for a dot"
  if "--config=None" in text and recipe:
    return f"{recipe}: get_config returns nothing"
  unknown = _UNKNOWN.search(text)
  if unknown and "config" in flags.FLAGS and _is_field(unknown[1]):
    return f"there is no flag --{unknown[1]}: write --config.{unknown[1]}"
  if missing := _MISSING.findall(text):
    names = ", ".join(f"--{name}" for name in missing)
    return f"missing: {names} (see --help)"
  return " ".join(text.split())


def _recipe_given(argv: Sequence[str]) -> str:
  return next(filter(None, map(_recipe_of, argv)), "")


def _recipe_of(argument: str) -> str | None:
  """Returns the file of --config=FILE[:ARG]; None of another argument."""
  match = re.fullmatch(r"--?config=([^:]*)(:.*)?", argument, re.DOTALL)
  return match[1] if match else None


def _of_traceback(text: str, frame: tuple[str, str], recipe: str) -> str:
  """Returns the last line of a recipe's traceback, and where it was raised.

  What the package has to say of a recipe's argument stands alone.

  Args:
    text: the traceback.
    frame: file and line of its last frame.
    recipe: the file that was given.
  """
  *_, last = re.split(r"\n|\s(?=[\w.]+Error: )", text)
  said = last.strip().removeprefix("akd_jax.common.errors.UserError: ")
  name, line = frame
  if name == recipe:
    return f"{recipe}:{line}: {said}"
  # So say recipes, which know no UserError, of an argument.
  ours = pathlib.Path(name).parent.name == "configs"
  return said.removeprefix("ValueError: ") if ours else said


def line_of(error: Exception, recipe: str) -> int | None:
  """Returns the line of a recipe that an error comes from, if it does."""
  if isinstance(error, SyntaxError) and error.filename == recipe:
    return error.lineno
  frames = traceback.extract_tb(error.__traceback__)
  lines = [frame.lineno for frame in frames if frame.filename == recipe]
  return lines[-1] if recipe and lines else None


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
