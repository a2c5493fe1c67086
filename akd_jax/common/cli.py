"""What every command has in common: flags in, one line of error out."""

import functools
import os
import pathlib
import re
import signal
import sys
from collections.abc import Callable
from types import FrameType

from absl import app, flags, logging

from akd_jax.common import config
from akd_jax.common.errors import UserError, nearest

flags.DEFINE_bool(
  "debug", False, "Print tracebacks of errors.", module_name="akd_jax"
)

# Exit statuses beside 0 and 1 (a bug): bad input, and "stopped, everything is
# saved, run me again" (EX_TEMPFAIL, which launch/slurm.sh requeues on).
BAD_INPUT = 2
STOPPED = 75


class Stopped(Exception):
  """Work was interrupted, saved, and can be taken up by the same command."""


def run(
  main: Callable[[list[str]], None],
  define: Callable[[], None] = lambda: None,
) -> None:
  """Runs a command: parses flags, prints errors as one line, exits.

  `define` is called first; what is wrong with its flags is bad input, too.

  Exits with 0 on success, 2 on bad input, 75 when it was stopped and saved
  what it had, 130 on Ctrl-C; a traceback is shown with --debug only.
  """
  # XLA and TensorFlow print pages of start-up notes otherwise.
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
  logging.use_absl_handler()
  logging.set_verbosity(logging.WARNING)
  # Where there is something to save, training listens for itself.
  signal.signal(signal.SIGTERM, _stop)
  # Here and not among the flags' parsers, since ml_collections reads sys.argv.
  sys.argv[1:] = config.renamed_arguments(sys.argv[1:])
  # Looked up by hand, since an error may be one of parsing the flags.
  debug = bool({"--debug", "--debug=true"} & set(sys.argv))
  try:
    app.run(
      _without_program_name(main),
      flags_parser=functools.partial(_parse_flags, define=define),
    )
  except UserError as error:
    _fail(str(error), BAD_INPUT, debug)
  except Stopped as stopped:
    print(stopped, flush=True)
    sys.exit(STOPPED)
  except KeyboardInterrupt:
    _fail("interrupted", 128 + signal.SIGINT, debug)
  except Exception as error:  # noqa: BLE001 - the last resort of a command
    if debug:
      raise
    kind = type(error).__name__
    text = " ".join(str(error).split())[:500]
    _fail(f"{kind}: {text} (--debug shows where)", 1, debug)


def _stop(number: int, frame: FrameType | None) -> None:
  del number, frame
  raise Stopped("stopped; the same command starts again from what is saved")


def joined(argv: list[str], flag: str) -> list[str]:
  """The command line with `flag VALUE` written as `flag=VALUE`."""
  if flag not in argv[:-1]:
    return argv
  i = argv.index(flag)
  return [*argv[:i], f"{flag}={argv[i + 1]}", *argv[i + 2 :]]


def no_arguments(argv: list[str]) -> None:
  """Refuses what is left of a command line that should be flags alone."""
  if argv:
    raise UserError(
      f"{argv[0]!r} is no flag: every argument is --NAME=VALUE (see --help)"
    )


def chosen_step(text: str | None) -> int | str | None:
  """Returns what --step names: a number, "best", or None for the last.

  Raises:
    UserError: it is none of these.
  """
  if text is None or text == "best":
    return text
  if text.isdecimal():
    return int(text)
  raise UserError(
    f"--step={text} must be the step of a checkpoint, a number, or best"
  )


def _without_program_name(main):
  def run_main(argv: list[str]) -> None:
    main(argv[1:])

  return run_main


def _parse_flags(argv: list[str], define: Callable[[], None]) -> list[str]:
  """Parses flags; a wrong flag or config override is bad input."""
  if {"--help", "-h"} & set(argv):
    print((sys.modules["__main__"].__doc__ or "").strip())
    print("\nFlags:")
    print(flags.FLAGS.main_module_help())
    print("  --debug: Print tracebacks of errors.")
    sys.exit(0)
  _check_recipe(argv)
  try:
    define()
    return flags.FLAGS(argv)
  except (AttributeError, KeyError) as error:
    raise UserError(_unknown_field(error)) from error
  except (flags.Error, TypeError, ValueError) as error:
    # An error inside the config file comes with its traceback, last line last.
    message = str(error).strip()
    if "Traceback" in message:
      message = message.splitlines()[-1]
    raise UserError(" ".join(message.split())) from error


def _check_recipe(argv: list[str]) -> None:
  """Finds the file of --config; absl would call its overrides unknown flags."""
  for argument in argv:
    name, _, value = argument.partition("=")
    recipe = pathlib.Path(value.split(":")[0])
    if name == "--config" and value and not recipe.is_file():
      near = nearest(str(recipe), map(str, recipe.parent.glob("*.py")))
      raise UserError(f"there is no file {recipe}{near}")


def _unknown_field(error: BaseException) -> str:
  """What ml_collections says of a field that is not there, in one line."""
  while isinstance(error.args[0], BaseException):
    error = error.args[0]
  # "'stepz'", and on a second line 'Did you mean "steps" instead of ...'.
  text = str(error.args[0])
  near = re.search(r'Did you mean "(.*?)"', text)
  return f"the config has no field {text.splitlines()[0]}" + (
    f"; did you mean {near[1]!r}?" if near else ""
  )


def _fail(message: str, status: int, debug: bool) -> None:
  if debug:
    raise  # noqa: PLE0704 - called from an except clause only
  print(f"error: {message}", file=sys.stderr, flush=True)
  sys.exit(status)
