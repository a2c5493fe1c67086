"""A digest by which photos are known again, wherever they lie."""

import hashlib
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from akd_jax.common.errors import UserError, reason_of
from akd_jax.data.dataset import Source
from akd_jax.data.photos.images import read_bytes
from akd_jax.data.photos.source import PhotoSource
from akd_jax.data.photos.zips import ZipReader

# Photos whose every byte is compared.
_READ_WHOLE = 32


def read_stamps(source: PhotoSource, threads: int) -> list[tuple[int, int]]:
  """Returns the size in bytes and the time of change of each photo, [N].

  One pair of all of them where they lie in one file, none where they are in
  TensorFlow Datasets; (-1, -1) of a photo that is not there.
  """
  where = Path(source.where)
  if not where.is_dir():
    return [_stamp(where)] if where.exists() else []
  paths = [where / name for name in source.names]
  # A network drive answers many questions in the time of one.
  with ThreadPoolExecutor(max(threads, 1)) as pool:
    return list(pool.map(_stamp, paths, chunksize=256))


def _stamp(path: Path) -> tuple[int, int]:
  try:
    found = path.stat()
  except OSError:
    return -1, -1
  return found.st_size, found.st_mtime_ns


def digest_photos(
  source: PhotoSource, threads: int, zip_sizes: bool = True
) -> str:
  """Returns a digest that photos keep when they are moved, and lose otherwise.

  Of the names, labels and sizes of all, and of every byte of 32 of them. Files
  are compared, not pixels: another version of a decoder may round otherwise.
  In a zip or unpacked, they are the same.

  Args:
    source: the photos.
    threads: that ask for their sizes.
    zip_sizes: False leaves out the sizes of what is in a zip, as earlier
      versions did.

  Raises:
    UserError: one of the 32 cannot be read, and may not be passed over.
  """
  count = len(source)
  labels = np.ascontiguousarray(source.labels, np.uint8)
  digest = hashlib.sha256(repr(labels.shape).encode())
  digest.update(labels.tobytes())
  for name in source.names:
    # File systems spell an umlaut in one of two ways.
    digest.update(unicodedata.normalize("NFC", name).encode(errors="replace"))
    digest.update(b"\n")
  if known := _sizes(source, threads, zip_sizes):
    digest.update(repr(known).encode())
  for index in np.unique(np.linspace(0, count - 1, _READ_WHOLE).astype(int)):
    digest.update(_content(source, source.names[index]))
  return digest.hexdigest()


def is_zipped(source: Source) -> bool:
  """Whether the pictures of a source are photos in a zip."""
  return isinstance(source, PhotoSource) and isinstance(source.read, ZipReader)


def _sizes(source: PhotoSource, threads: int, zip_sizes: bool) -> list[int]:
  """Returns the size of each photo's file; [] in TensorFlow Datasets."""
  if isinstance(source.read, ZipReader):
    names = source.names if zip_sizes else ()
    return [source.read.size(name) for name in names]
  if Path(source.where).is_dir():
    return [size for size, _ in read_stamps(source, threads)]
  return []


def _content(source: PhotoSource, name: str) -> bytes:
  try:
    return read_bytes(source.read(name))
  except (OSError, ValueError) as error:
    if source.skip_unreadable:
      return b"unreadable"
    if isinstance(error, UserError):
      raise
    raise UserError(
      f"cannot read the image {source.where}/{name}: {reason_of(error)}"
    ) from error
