"""Paths as people write them: ~ is a home, and a bucket is no folder."""

import glob
import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.files import is_same_place
from akd_jax.common.json_text import parse

# A flag belongs to the command that has it defined, which --help asks.
flags.disclaim_key_flags()

# Flags that name runs.
_OF_RUNS = ("workdir", "compare")
# Endings of files, which hardly a folder has.
_OF_FILES = (".png", ".jpg", ".jpeg", ".html")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def expand(path: str) -> str:
  """Returns a path with its first ~ or ~NAME as the home that it means.

  A shell does that only where the path is a word of its own.
  """
  return os.path.expanduser(path)


def expand_fields(
  fields: Any, is_expanded: Callable[[str], bool], start: str = ""
) -> None:
  """Expands ~ in all fields that are paths, in place.

  Args:
    fields: a config, a section of it or {dotted name: value}; they are in their
      ranges.
    is_expanded: of the dotted name of a field whether it is such a path.
    start: what the names in `fields` begin with: "data.".
  """
  for name, value in fields.items():
    field = start + name
    if isinstance(value, Mapping | ConfigDict):
      expand_fields(value, is_expanded, f"{field}.")
    elif isinstance(value, str) and is_expanded(field):
      fields[name] = expand(value)


def check(path: str, said: str = "") -> None:
  """Refuses what is an address, and not a path.

  Args:
    path: of a flag, a field or an argument.
    said: what the error begins with, as "config.data.path=PATH"; "" where that
      is known.

  Raises:
    UserError: it begins with a scheme, as gs://bucket/run does.
  """
  scheme = _SCHEME.match(path)
  if not scheme:
    return
  start = f"{said}: " if said else ""
  if scheme[1].lower() in ("http", "https", "ftp"):
    raise UserError(f"{start}it is an address: download it, and name the file")
  raise UserError(
    f"{start}akd_jax reads and writes folders: mount the bucket (gcsfuse,"
    " Filestore) and give its folder"
  )


def check_run(path: str, said: str = "") -> None:
  """Refuses what cannot be a run's directory, nor is a file of one.

  Args:
    path: as it is meant, with its home instead of ~.
    said: see `check`.

  Raises:
    UserError: it is an address, or no UTF-8, and there is no file.
  """
  check(path, said)
  try:
    os.path.abspath(path).encode()
  except UnicodeEncodeError:
    if os.path.isfile(path):
      return
    start = f"{said}: " if said else ""
    raise UserError(
      f"{start}checkpoints cannot lie where a path is no UTF-8: name another"
      " directory"
    ) from None


def list_programs(folder: pathlib.Path) -> list[str]:
  """Returns the paths of a folder's *.py; [] of one that cannot be read."""
  # Unlike folder.glob, which raises where a name is too long for a file.
  return sorted(glob.glob(os.path.join(glob.escape(str(folder)), "*.py")))


def default_workdir(recipe: str) -> str:
  """Returns where the run of a recipe, FILE[:ARG], lies unless told otherwise.

  runs/RECIPE; of photos runs/photos/RECIPE, and of debug runs/debug/RECIPE,
  where their students look for their teacher, beside that of avatars. A run of
  photos that an earlier version has begun in runs/RECIPE goes on.
  """
  file, _, scale = recipe.partition(":")
  name = pathlib.Path(file).stem
  begun = scale == "photos" and _is_of_photos(pathlib.Path("runs", name))
  apart = scale in ("photos", "debug") and not begun
  return f"runs/{scale}/{name}" if apart else f"runs/{name}"


def _is_of_photos(workdir: pathlib.Path) -> bool:
  try:
    config = parse((workdir / "config.json").read_text())
    return config["data"]["name"] != "avatars"
  except (OSError, ValueError, KeyError, TypeError):
    return False


def check_ending(path: str, endings: tuple[str, ...]) -> None:
  """Refuses an --out with another ending.

  Raises:
    UserError: it has none of these.
  """
  if not path.endswith(endings):
    raise UserError(f"--out={path} should end in {' or '.join(endings)}")


def check_folder(out: str) -> None:
  """Refuses an --out that cannot be a folder.

  Raises:
    UserError: it is empty, a file, or ends as a file's name does.
  """
  if not out:
    raise UserError("--out is empty: name a folder")
  if out.lower().endswith(_OF_FILES) and not os.path.exists(out):
    raise UserError(f"--out={out} ends as a file's name does: name a folder")
  if os.path.exists(out) and not os.path.isdir(out):
    raise UserError(f"--out={out} is a file: name a folder")


def check_file(out: str, endings: tuple[str, ...] = ("",)) -> None:
  """Refuses an --out that cannot be a file, or has another ending.

  Raises:
    UserError: it is a folder, or ends in none of these.
  """
  if os.path.isdir(out):
    raise UserError(f"--out={out} is a folder: name a file")
  check_ending(out, endings)


def check_kept(out: str, **inputs: str | None) -> None:
  """Refuses to write over what is read.

  Args:
    out: --out, which is to be written.
    inputs: flags and the paths that they name; None where one is not given.

  Raises:
    UserError: one is the same place.
  """
  for name, path in inputs.items():
    if path and is_same_place(path, out):
      raise UserError(
        f"--out={out} is --{name} too, and would overwrite it: name another"
      )


class _Path(flags.ArgumentParser):
  """Reads a flag that names a file or a folder."""

  def __init__(self, name: str):
    self._check = check_run if name in _OF_RUNS else check

  def parse(self, argument: str) -> str:
    self._check(expand(argument))
    return expand(argument)


def define(
  name: str, default: str | None, text: str, *, required: bool = False
) -> flags.FlagHolder[Any]:
  """Defines a flag --name=PATH; `text` is its help."""
  return flags.DEFINE(_Path(name), name, default, text, required=required)


def define_several(name: str, text: str) -> flags.FlagHolder[Any]:
  """Defines a flag --name=PATH that may be given again; `text` is its help."""
  return flags.DEFINE_multi(
    _Path(name), flags.ArgumentSerializer(), name, [], text
  )
