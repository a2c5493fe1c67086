"""Photos of people, cut out so that every face lies as CelebA's do."""

import contextlib
import functools
import itertools
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from akd_jax.common.errors import UserError, reason_of
from akd_jax.common.files import write_whole
from akd_jax.common.processes import start_workers
from akd_jax.data.photos.frames import CELEBA, cut, frame_face
from akd_jax.data.photos.images import (
  open_image,
  read_bytes,
  read_size,
)
from akd_jax.data.photos.walk import TAKEN, walk_files
from akd_jax.interop.dlib_faces import load_finder, middles_of_eyes

# Photos that a process is given at a time.
_CHUNK = 8
# What a square is written as, so that lists still name it; else PNG, as of GIF.
_KEPT = (
  ".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp",
)  # fmt: skip
# What may name them.
_LISTS = (".csv", ".txt")


def find_files(folder: Path, out: Path) -> tuple[dict[Path, Path], list[Path]]:
  """Finds what lies in a folder and all folders in it, but for hidden files.

  Returns:
    {photo: what its square is called}; and lists, text that may name them. By
    their paths in the folder, sorted.

  Raises:
    UserError: a folder cannot be read, there is no photo, or the squares of two
      would be called the same.
  """
  photos: dict[Path, Path] = {}
  lists: list[Path] = []
  taken: dict[str, Path] = {}
  for file in walk_files(folder, (*TAKEN, *_LISTS), out):
    path = file.relative_to(folder)
    if path.suffix.lower() in _LISTS:
      lists.append(path)
      continue
    square = _name_square(path)
    # On many file systems, A.png is a.png.
    other = taken.setdefault(str(square).casefold(), path)
    if other != path:
      raise UserError(
        f"the squares of {folder / other} and {file} would both be called"
        f" {square}: rename one of the photos"
      )
    photos[path] = square
  if not photos:
    raise UserError(f"there is no photo in {folder}")
  return photos, lists


def _name_square(photo: Path) -> Path:
  if photo.suffix.lower() in _KEPT:
    return photo
  return photo.with_name(f"{photo.name}.png")


def copy_lists(folder: Path, out: Path, lists: Sequence[Path]) -> None:
  """Copies lists to where the aligned photos are.

  Raises:
    UserError: one cannot be read.
    WriteError: one cannot be written.
  """
  for path in lists:
    try:
      content = read_bytes(folder / path)
    except (OSError, ValueError) as error:
      raise UserError(
        f"cannot read {folder / path}: {reason_of(error)}"
      ) from error
    with write_whole(out / path) as partial:
      Path(partial).write_bytes(content)


def align(
  folder: Path, out: Path, photos: Mapping[Path, Path], size: int
) -> Iterator[tuple[Path, str]]:
  """Writes the largest face of each photo, in several processes.

  A square is framed as CelebA's photos frame a face, level. Squares of the same
  photos stay, so that it goes on where it was stopped.

  Args:
    folder: that the photos lie in.
    out: where their squares are to lie.
    photos: their paths in the folder, and those of their squares in `out`.
    size: side of the squares, in pixels.

  Yields:
    Each photo with why it has none; "" where it has one.

  Raises:
    UserError: what finds faces is not installed.
    WriteError: one cannot be written.
  """
  load_finder()
  pairs = [(folder / x, out / square) for x, square in photos.items()]
  pieces = [pairs[i : i + _CHUNK] for i in range(0, len(pairs), _CHUNK)]
  work = functools.partial(_align_some, size)
  with contextlib.ExitStack() as stack:
    results: Iterator[list[str]] = map(work, pieces)
    if len(pieces) > 1:
      count = min(os.cpu_count() or 1, len(pieces))
      results = stack.enter_context(start_workers(count)).map(work, pieces)
    reasons = itertools.chain.from_iterable(results)
    yield from zip(photos, reasons, strict=True)


def _align_some(size: int, pairs: Sequence[tuple[Path, Path]]) -> list[str]:
  # As in the process that started this one.
  warnings.filterwarnings("ignore", module="PIL")
  return [_align_one(photo, square, size) for photo, square in pairs]


def _align_one(photo: Path, path: Path, size: int) -> str:
  """Returns why a photo has no square; "" where it has one."""
  try:
    made = photo.stat().st_mtime_ns
    if read_size(path) == (size, size) and path.stat().st_mtime_ns == made:
      return ""
    image = open_image(photo)
  except UserError as error:
    return str(error)
  except OSError as error:
    return f"cannot read {photo}: {error.strerror}"
  faces = load_finder().find_all(image)
  if not faces:
    return f"no face is found in {photo}"
  frame = frame_face(middles_of_eyes(faces[0]), CELEBA)
  _save(path, cut(image, frame, size), made)
  return ""


def _save(path: Path, square: np.ndarray, made: int) -> None:
  """Writes a square whole or not at all, as its name says.

  It has its photo's time of change, `made` in nanoseconds: one of another photo
  has another, and is written anew.
  """
  kind = Image.registered_extensions()[path.suffix.lower()]
  # One that a power cut leaves empty is made anew; to wait for the disk would
  # take a fifth of the time.
  with (
    write_whole(path, durable=False) as partial,
    open(partial, "wb") as file,
  ):
    Image.fromarray(square).save(file, kind, quality=95, subsampling=0)
    file.flush()
    os.utime(partial, ns=(made, made))
