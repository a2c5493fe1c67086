"""Whether every photo can be read: asked once, and remembered."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from akd_jax.common.cache import cache_directory
from akd_jax.common.errors import UserError
from akd_jax.common.files import digest
from akd_jax.common.output import show_progress
from akd_jax.data.photos.photo_digest import read_stamps
from akd_jax.data.photos.source import PhotoSource


def check_readable(source: PhotoSource, threads: int) -> None:
  """Decodes every photo once, before hours of training meet a broken one.

  That they were found good is remembered in the user's cache, where that can be
  written, for as long as each keeps its name, its size and its time.

  Raises:
    UserError: a photo cannot be read.
  """
  if source.skip_unreadable:
    return
  good = cache_directory() / "readable" / _name(source, threads)
  if good.exists():
    return
  with ThreadPoolExecutor(threads) as pool:
    photos = pool.map(source.__getitem__, range(len(source)))
    with show_progress("checking photos", len(source)) as bar:
      try:
        for _ in photos:
          bar.update()
      except UserError as error:
        raise UserError(
          f"{error}; config.data.skip_unreadable=True passes over such photos"
        ) from error
  # Otherwise they are looked at once more.
  with contextlib.suppress(OSError):
    good.parent.mkdir(parents=True, exist_ok=True)
    good.touch()


def _name(source: PhotoSource, threads: int) -> str:
  where = str(Path(source.where).absolute())
  return digest(where, read_stamps(source, threads), source.crop, source.names)
