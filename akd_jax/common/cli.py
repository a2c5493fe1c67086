"""What all commands share: flags in, one line of error out."""

import contextlib
import functools
import os
import re
import sys
import textwrap
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import NoReturn

from absl import app, flags, logging

from akd_jax.common import (
  allocator,
  flag_errors,
  output,
  overrides,
  paths,
  pod,
  ranges,
  signals,
)
from akd_jax.common.errors import Stopped, UserError, WriteError
from akd_jax.common.writing import noticing_full_disks

flags.DEFINE_bool(
  "debug", False, "Print an error's traceback, too.", module_name="akd_jax"
)

# As absl reads it.
_DEBUG = re.compile("--?debug(=(true|t|1))?", re.IGNORECASE)

# Exit statuses beside 0 and 1 (a bug): bad input, a loss that became NaN
# (EX_SOFTWARE), something cannot be written (EX_IOERR), and stopped, with all
# that there is saved (EX_TEMPFAIL: launch/slurm.sh gives the command again).
BAD_INPUT = 2
DIVERGED = 70
CANNOT_WRITE = 74
STOPPED = 75


def run(
  main: Callable[[list[str]], None],
  define: Callable[[], None] = lambda: None,
) -> None:
  """Runs a command: parses its flags, prints an error as one line, and exits.

  The exit status is 0 on success, 1 on a bug, 2 on bad input, 70 where a loss
  became NaN, 74 where something cannot be written, 75 where it was stopped and
  all that there is was saved, 76 where a pod has lost another process, and 130
  where a second Ctrl-C kept that from being saved. A traceback is shown only
  with --debug.

  Args:
    main: is given the arguments that are no flags.
    define: defines more flags; it is called before they are parsed.
  """
  output.quiet_libraries()
  # Here, since no command has imported JAX yet.
  allocator.keep_freed_memory()
  logging.use_absl_handler()
  logging.set_verbosity(logging.WARNING)
  # Here and not among the flags' parsers, since ml_collections reads sys.argv.
  sys.argv[1:] = overrides.rename_arguments(sys.argv[1:])
  # Looked up by hand, since the error may be that flags cannot be parsed.
  debug = any(_DEBUG.fullmatch(x) for x in sys.argv)
  # Training listens itself while there is something to save.
  with (
    output.make_patient(),
    _quiet_threads(debug),
    signals.listening(_Ending()),
  ):
    _run(main, define, debug)


def _run(
  main: Callable[[list[str]], None], define: Callable[[], None], debug: bool
) -> None:
  try:
    with noticing_full_disks():
      app.run(
        _without_program_name(main),
        flags_parser=functools.partial(_parse_flags, define=define),
      )
  except UserError as error:
    _fail(str(error), BAD_INPUT, debug)
  except WriteError as error:
    _fail(str(error), CANNOT_WRITE, debug)
  except FloatingPointError as error:
    _fail(str(error), DIVERGED, debug)
  except Stopped as stopped:
    print(stopped, flush=True)
    end(STOPPED)
  except Exception as error:  # noqa: BLE001 - the last resort of a command
    kind = type(error).__name__
    text = " ".join(str(error).split())[:500]
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text:
      _fail(f"there is not enough memory: {text}{_advice()}", BAD_INPUT, debug)
    if line := _of_a_path(error):
      _fail(line, BAD_INPUT, debug)
    pod.await_cause(error)
    hint = "" if debug else " (--debug shows where)"
    _fail(f"{kind}: {text}{hint}", 1, debug)


def _of_a_path(error: Exception) -> str:
  """Says in one line which path cannot be used; "" of any other error.

  One that names a descriptor, or nothing, is no fault of what was given.
  """
  if not isinstance(error, OSError) or not error.strerror:
    return ""
  if not error.filename or isinstance(error.filename, int):
    return ""
  what = os.fsdecode(error.filename)
  return str(UserError(f"cannot use {what}: {error.strerror}"))


def _advice() -> str:
  """Says what takes less memory, where the command has such fields."""
  if "config" not in flags.FLAGS:
    return ""
  return (
    ". Training takes less with a smaller config.batch_size, and with"
    " config.dtype=bfloat16; evaluating with fewer config.evaluation.images"
  )


class _Ending:
  """Ends a command that is asked to stop and has nothing to save."""

  def hear(self, number: int) -> None:
    pass

  def notice(self, number: int) -> None:
    del number
    line = "stopped; the same command starts again from what is saved"
    pod.end(STOPPED, line, sys.stdout)


def end(status: int) -> NoReturn:
  """Ends the process: at once, or on a pod together with all others."""
  if pod.is_joined():
    pod.part(status)
  signals.leave(status)


@contextlib.contextmanager
def _quiet_threads(debug: bool) -> Iterator[None]:
  """Keeps other threads from printing the traceback of what is said anyway.

  What they could not do comes to light where it is waited for. Pillow's
  warnings are not printed either.
  """
  hooks = threading.excepthook, sys.unraisablehook
  level = logging.get_verbosity()
  if not debug:
    threading.excepthook = lambda _: None
    sys.unraisablehook = lambda _: None
    logging.set_verbosity(logging.FATAL)
    # A photo that is large, or has odd notes of its camera, is read.
    warnings.filterwarnings("ignore", module="PIL")
  try:
    yield
  finally:
    threading.excepthook, sys.unraisablehook = hooks
    logging.set_verbosity(level)


def join_value(argv: list[str], flag: str) -> list[str]:
  """Returns the command line with `flag VALUE` written as `flag=VALUE`."""
  if flag not in argv[:-1]:
    return argv
  i = argv.index(flag)
  return [*argv[:i], f"{flag}={argv[i + 1]}", *argv[i + 2 :]]


def refuse_arguments(argv: list[str]) -> None:
  """Refuses arguments that are no flags.

  Raises:
    UserError: there is one.
  """
  if argv:
    raise UserError(
      f"{argv[0]!r} is no flag: every argument is --NAME=VALUE (see --help)"
    )


def parse_number(text: str) -> int | None:
  """Returns the whole number that a text is; None of any other text."""
  # Python refuses to read thousands of digits; nothing here has as many.
  return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def read_step(text: str | None) -> int | str | None:
  """Returns what --step names: a number, "best", or None for the last.

  Raises:
    UserError: it is none of these.
  """
  if text is None or text == "best":
    return text
  step = parse_number(text)
  if step is not None:
    return step
  raise UserError(
    f"--step={text} must be the step of a checkpoint, a number, or best"
  )


def _without_program_name(main):
  def run_main(argv: list[str]) -> None:
    for argument in argv[1:]:
      paths.check(argument, argument)
    main([paths.expand(argument) for argument in argv[1:]])
    if pod.is_joined():
      pod.part(0)

  return run_main


def _parse_flags(argv: list[str], define: Callable[[], None]) -> list[str]:
  """Parses the flags, or prints --help.

  Raises:
    UserError: a flag or a field of the config is wrong, or out of its range.
  """
  if {"--help", "-h"} & set(argv):
    print((sys.modules["__main__"].__doc__ or "").strip())
    print("\nFlags:")
    for flag in (*_own_flags(), flags.FLAGS["debug"]):
      print(_describe(flag))
    sys.exit(0)
  flag_errors.check_recipe(argv)
  try:
    define()
    arguments = flags.FLAGS(argv)
  except Exception as error:
    if not (why := flag_errors.say(error, argv)):
      raise
    raise UserError(why) from error
  if "config" in flags.FLAGS:
    config = flags.FLAGS["config"].value
    # Before anything else: JAX alone takes a second to load.
    flag_errors.check_config(config, argv)
    for fields in (config, overrides.read_given()):
      paths.expand_fields(fields, ranges.is_expanded)
  return arguments


def _own_flags() -> list[flags.Flag]:
  """Returns the flags that the command itself defines, sorted by name."""
  own = flags.FLAGS.get_key_flags_for_module(sys.argv[0])
  return sorted(own, key=lambda flag: flag.name)


def _describe(flag: flags.Flag) -> str:
  """Returns the lines of --help that say what a flag is for."""
  # Of a flag that may be given again absl adds a sentence of its own.
  text = flag.help.partition(";\n")[0]
  if not flag.boolean and flag.default not in (None, "", []):
    text += f" Default: {flag.default}."
  indent = " " * 18
  return textwrap.fill(
    text,
    79,
    initial_indent=f"  --{flag.name} ".ljust(len(indent)),
    subsequent_indent=indent,
  )


def _fail(message: str, status: int, debug: bool) -> None:
  if debug:
    traceback.print_exc()
  if pod.is_joined():
    pod.end(status, f"error: {message}")
  output.note(f"error: {message}")
  end(status)
