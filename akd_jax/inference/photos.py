"""Photos of one's own: found, and named."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.common.files import (
  is_same_place,
  lies_in,
  name_file,
  strip_suffix,
)
from akd_jax.common.output import note
from akd_jax.data.photos.images import SUFFIXES
from akd_jax.data.photos.walk import TAKEN, walk_files


class Photo(NamedTuple):
  """A photo that is to be translated.

  Attributes:
    path: where it is.
    name: how its results begin: no two photos have the same.
  """

  path: Path
  name: Path


def find_photos(arguments: Sequence[str], out: Path) -> list[Photo]:
  """Finds the photos that a command line names, folders with all inside them.

  A photo's results are named after it; in a folder, its subfolder stays. Photos
  that would be called the same keep their endings, and are numbered if that is
  not enough. One that is named twice is one photo. What lies in `out` is none
  but a result; a note counts it.

  Raises:
    UserError: there are none, or `out` is one of the folders itself, where
      results could not be told from photos; or a folder cannot be read.
  """
  found: dict[str, tuple[Path, Path]] = {}

  def add(photo: Path, name: Path) -> None:
    found.setdefault(os.path.abspath(photo), (photo, name))

  for argument in arguments:
    if not argument:
      raise UserError("a photo's name is empty: give a file or a folder")
    path = Path(argument)
    # Unlike path.is_dir, which fails where a name is too long for a file.
    if not os.path.isdir(path):
      add(path, Path(path.name))
      continue
    if is_same_place(str(path), str(out)):
      raise UserError(
        f"--out={out} is the folder of the photos: give results another"
      )
    for photo in walk_files(path, TAKEN, out):
      add(photo, photo.relative_to(path))
  if not found:
    raise UserError(
      f"there is no photo in {', '.join(arguments)}: files that end in"
      f" {', '.join(SUFFIXES)} are taken"
    )
  _note_left_out(arguments, out)
  whole = [name for _, name in found.values()]
  names = _told_apart([Path(strip_suffix(x)) for x in whole], whole)
  paths = [photo for photo, _ in found.values()]
  return [Photo(x, name) for x, name in zip(paths, names, strict=True)]


def _note_left_out(arguments: Sequence[str], out: Path) -> None:
  """Counts what lies in `out`, among the photos, and is taken for results."""
  if not any(os.path.isdir(x) and lies_in(out, x) for x in arguments):
    return
  if os.path.isdir(out) and (count := len(list(walk_files(out, TAKEN, out)))):
    note(f"note: {out}: {count:,} pictures are left out, as results")


def _told_apart(short: list[Path], whole: list[Path]) -> list[Path]:
  """Returns the short names, and others of what would be called the same."""

  def key(name: Path) -> str:
    # On many file systems, A.png is a.png.
    return str(name).casefold()

  often = Counter(map(key, short))
  names: list[Path] = []
  taken: set[str] = set()
  for brief, full in zip(short, whole, strict=True):
    first = name = brief if often[key(brief)] == 1 else full
    number = 1
    while key(name) in taken:
      number += 1
      name = first.with_name(f"{first.name}-{number}")
    taken.add(key(name))
    names.append(name)
  return names


def name_result(out: Path, photo: Photo, *request: str) -> Path:
  """Returns OUT/NAME_REQUEST.png.

  Whatever attributes and folders are called, it lies inside `out`.

  Args:
    out: the folder of all results.
    photo: whose.
    request: its parts.
  """
  name = name_file("_".join((photo.name.name, *request)), ".png")
  return out / photo.name.parent / name


def name_request(wanted: Mapping[str, int], strength: float) -> list[str]:
  """Returns the parts of a result's name that say what was asked for."""
  parts = [f"{name}={value}" for name, value in wanted.items()]
  return parts if strength == 1 else [*parts, f"strength={strength:g}"]


def read_profile(photo: Image.Image) -> bytes | None:
  """Returns the ICC profile of a photo's RGB; None where it has none.

  That of a photo which was grey or CMYK says nothing of RGB.
  """
  profile = photo.info.get("icc_profile")
  return profile if profile and profile[16:20] == b"RGB " else None
