"""Drawn pictures and their labels on disk, whole or not at all."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from akd_jax.common.cache import cache_directory
from akd_jax.common.errors import WriteError
from akd_jax.common.files import mark_unfinished, remove_at_end
from akd_jax.common.json_text import parse
from akd_jax.common.output import note
from akd_jax.common.writing import writing

_ARRAYS = ("images", "labels")
# {a file's device, inode, size and time: its digest}.
_DIGESTS: dict[tuple[int, ...], str] = {}

# Takes the next pictures, uint8 [n, S, S, 3].
Add = Callable[[np.ndarray], None]
# Adds every picture, in order, and returns the labels [N, C].
Draw = Callable[[Add], np.ndarray]


def open_or_draw(
  folder: Path, description: Mapping[str, Any], draw: Draw
) -> tuple[np.ndarray, np.memmap]:
  """Opens the pictures in `folder`, drawn first if absent or damaged.

  Args:
    folder: holds images.npy, labels.npy and manifest.json.
    description: all that the pictures depend on, with `count` and `image_size`.
    draw: adds the N pictures, and returns their labels [N, C].

  Returns:
    Labels uint8 [N, C], and images uint8 [N, S, S, 3], mapped from the file.

  Raises:
    WriteError: they cannot be written: not where a person asked for, nor in the
      user's cache and the temporary folder.
  """
  # As JSON gives it back, with lists for tuples.
  description = json.loads(json.dumps(description))
  if os.path.exists(folder):
    fault = _find_fault(folder, description)
    if not fault:
      return _load(folder)
    note(f"{folder}: {fault}; drawing it again")
  try:
    with writing(folder.parent):
      _write(folder, description, draw)
  except WriteError as error:
    # Where a person asked for this folder, it is an error.
    if not folder.is_relative_to(cache_directory()):
      raise
    note(f"{error}: drawing for this once")
    with writing(tempfile.gettempdir()):
      folder = Path(tempfile.mkdtemp(prefix="akd_jax-")) / "avatars"
      remove_at_end(folder.parent)
      _write(folder, description, draw)
  return _load(folder)


def _load(folder: Path) -> tuple[np.ndarray, np.memmap]:
  labels = np.load(folder / "labels.npy", allow_pickle=False)
  images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
  return labels, images


def _find_fault(folder: Path, description: Mapping[str, Any]) -> str:
  """Returns what is wrong with the pictures in a folder, or ""."""
  try:
    manifest = parse((folder / "manifest.json").read_text("utf-8"))
    if manifest["description"] != description:
      return "manifest.json describes other pictures"
    for name in _ARRAYS:
      if manifest["sha256"][name] != _sha256(folder / f"{name}.npy"):
        return f"{name}.npy is damaged"
    labels, images = _load(folder)
  except (OSError, ValueError, KeyError, TypeError) as error:
    return f"unreadable ({type(error).__name__})"
  if images.shape != _shape(description) or len(labels) != len(images):
    return "the arrays have other shapes than described"
  return ""


def _shape(description: Mapping[str, Any]) -> tuple[int, int, int, int]:
  size = description["image_size"]
  return description["count"], size, size, 3


def _write(folder: Path, description: Mapping[str, Any], draw: Draw) -> None:
  """Draws beside `folder` and renames, so that nobody ever sees half of it."""
  folder.parent.mkdir(parents=True, exist_ok=True)
  with (
    tempfile.TemporaryDirectory(
      prefix=f".{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True
    ) as scratch,
    mark_unfinished(Path(scratch)),
  ):
    new = Path(scratch) / "new"
    new.mkdir()
    labels = _write_images(new / "images.npy", _shape(description), draw)
    np.save(new / "labels.npy", labels)
    digests = {name: _sha256(new / f"{name}.npy") for name in _ARRAYS}
    manifest = {"description": description, "sha256": digests}
    text = json.dumps(manifest, indent=1)
    (new / "manifest.json").write_text(text, encoding="utf-8")
    _move(new, folder, Path(scratch) / "old", description)


def _write_images(
  path: Path, shape: tuple[int, int, int, int], draw: Draw
) -> np.ndarray:
  """Writes images.npy piece by piece; returns the labels.

  Not into a memory map: where the disk is full, that ends the process.
  """
  with path.open("wb") as file:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)

    def add(images: np.ndarray) -> None:
      file.write(np.ascontiguousarray(images, np.uint8).data)

    return draw(add)


def _move(
  new: Path, folder: Path, old: Path, description: Mapping[str, Any]
) -> None:
  """Moves `new` to `folder`, unless another process was there first."""
  if folder.exists() and not _find_fault(folder, description):
    return
  try:
    if folder.exists():
      folder.rename(old)
    new.rename(folder)
  except OSError:
    # Lost the race to another process, whose pictures are the same.
    if _find_fault(folder, description):
      raise


def _sha256(path: Path) -> str:
  """Returns a file's digest; it is read once a process, unless it changes.

  One that is moved stays what it is.
  """
  found = path.stat()
  key = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
  if key not in _DIGESTS:
    with path.open("rb") as file:
      _DIGESTS[key] = hashlib.file_digest(file, "sha256").hexdigest()
  return _DIGESTS[key]
