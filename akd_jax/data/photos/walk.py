"""Photos of one's own, wherever they lie in a folder."""

import functools
import os
from collections.abc import Iterable
from pathlib import Path

from akd_jax.common.errors import UserError
from akd_jax.data.photos.images import SUFFIXES

# What is taken out of folders; a file that is named itself may be called
# anything. HEIC cannot be read, which is said of each.
TAKEN = (*SUFFIXES, ".heic")


def walk_files(
  folder: Path, suffixes: tuple[str, ...], out: Path
) -> Iterable[Path]:
  """Yields the files of a folder and of all folders in it, sorted in each.

  Links to folders are followed, but not round and round. What is hidden is left
  out.

  Args:
    folder: where they are.
    suffixes: how their names end, in small letters.
    out: a folder that is passed over.

  Raises:
    UserError: a folder cannot be read.
  """
  # Not resolve, which fails of links that go round and round.
  known = {os.path.realpath(out), os.path.realpath(folder)}

  @functools.cache
  def inside() -> set[str]:
    """Returns all folders: for links alone, since it is another walk."""
    return {os.path.realpath(root) for root, _, _ in os.walk(folder)}

  def is_new(place: Path) -> bool:
    """Whether nobody has been there, and a link leads out of the folder."""
    whither = os.path.realpath(place)
    if whither in known or (place.is_symlink() and whither in inside()):
      return False
    known.add(whither)
    return True

  def refuse(error: OSError) -> None:
    raise UserError(f"cannot read {error.filename}: {error.strerror}")

  walk = os.walk(folder, onerror=refuse, followlinks=True)
  for root, folders, names in walk:
    folders[:] = [
      name
      for name in sorted(folders)
      if not name.startswith(".") and is_new(Path(root, name))
    ]
    for name in sorted(names):
      if name.lower().endswith(suffixes) and not name.startswith("."):
        yield Path(root, name)
