"""Photos of people, cut out so that every face lies as CelebA's do."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.common.files import written_whole
from akd_jax.common.processes import working
from akd_jax.common.writing import writing
from akd_jax.data.photos.frames import CELEBA, around, cut
from akd_jax.data.photos.images import SUFFIXES, open_image, read_size
from akd_jax.interop.dlib_faces import load_finder, middles_of_eyes

# Photos that a process is given at a time.
_CHUNK = 8
# What these are written as, so that lists still name them; others as PNG.
_KEPT = (".jpeg", ".jpg", ".png", ".webp")


class Contents(NamedTuple):
  """What lies in a folder and all folders in it, by its path there.

  Attributes:
    photos: to be aligned.
    lists: text that may name them, to be copied.
  """

  photos: list[Path]
  lists: list[Path]


def find_contents(folder: Path) -> Contents:
  """Lists photos and lists, sorted; what is hidden is left out.

  Raises:
    UserError: a folder cannot be read, or there is no photo.
  """

  def refuse(error: OSError) -> None:
    raise UserError(f"cannot read {error.filename}: {error.strerror}")

  found = Contents([], [])
  for root, folders, names in os.walk(folder, onerror=refuse):
    folders[:] = sorted(x for x in folders if not x.startswith("."))
    for name in sorted(x for x in names if not x.startswith(".")):
      path = Path(root, name).relative_to(folder)
      if name.lower().endswith(SUFFIXES):
        found.photos.append(path)
      elif path.suffix.lower() in (".csv", ".txt"):
        found.lists.append(path)
  if not found.photos:
    raise UserError(f"there is no photo in {folder}")
  return found


def copy_lists(folder: Path, out: Path, lists: Sequence[Path]) -> None:
  """Copies lists to where the aligned photos are.

  Raises:
    WriteError: they cannot be written.
  """
  for path in lists:
    with writing(out / path):
      (out / path).parent.mkdir(parents=True, exist_ok=True)
      shutil.copyfile(folder / path, out / path)


def align(
  folder: Path, out: Path, photos: Sequence[Path], size: int
) -> Iterator[tuple[Path, str]]:
  """Writes the largest face of each photo, in several processes.

  A square is framed as CelebA's photos frame a face, level, and keeps the name
  of its photo; of a kind that cannot be written well it becomes a PNG. Squares
  that are there already stay, so that it goes on where it was stopped.

  Args:
    folder: that the photos lie in.
    out: where they are to lie.
    photos: their paths in the folder.
    size: side of the squares, in pixels.

  Yields:
    Each photo with why it has none; "" where it has one.

  Raises:
    UserError: what finds faces is not installed.
    WriteError: one cannot be written.
  """
  load_finder()
  pieces = [photos[i : i + _CHUNK] for i in range(0, len(photos), _CHUNK)]
  jobs = [(folder, out, piece, size) for piece in pieces]
  if len(jobs) == 1:
    yield from _align_some(jobs[0])
    return
  with working(min(os.cpu_count() or 1, len(jobs))) as pool:
    for results in pool.map(_align_some, jobs):
      yield from results


def aligned_path(out: Path, photo: Path) -> Path:
  """Returns where the square of a photo is written."""
  path = out / photo
  if photo.suffix.lower() in _KEPT:
    return path
  return path.with_name(f"{path.name}.png")


def _align_some(
  job: tuple[Path, Path, Sequence[Path], int],
) -> list[tuple[Path, str]]:
  folder, out, photos, size = job
  return [
    (photo, _align_one(folder / photo, aligned_path(out, photo), size))
    for photo in photos
  ]


def _align_one(photo: Path, path: Path, size: int) -> str:
  """Returns why a photo has no square; "" where it has one."""
  if read_size(path) == (size, size):
    return ""
  try:
    image = open_image(photo)
  except UserError as error:
    return str(error)
  landmarks = load_finder().find_largest(image)
  if landmarks is None:
    return f"no face is found in {photo}"
  frame = around(middles_of_eyes(landmarks), CELEBA)
  _save(path, cut(image, frame, size))
  return ""


def _save(path: Path, square: np.ndarray) -> None:
  """Writes a square whole or not at all, as its name says."""
  kind = Image.registered_extensions()[path.suffix.lower()]
  with writing(path):
    path.parent.mkdir(parents=True, exist_ok=True)
  with written_whole(path) as partial, open(partial, "wb") as file:
    Image.fromarray(square).save(file, kind, quality=95, subsampling=0)
