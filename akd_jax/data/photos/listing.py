"""What lies in a folder: photos, other files, sub-folders."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.dataset import SPLITS
from akd_jax.data.photos.images import SUFFIXES

# What computers leave behind in folders.
_LITTER = ("desktop.ini", "thumbs.db", "__macosx")
# What people call the folders of a split.
_SPLIT_NAMES = {
  "train": ("train", "training"),
  "validation": ("val", "valid", "validation", "dev"),
  "test": ("test", "testing", "eval", "evaluation"),
}
# How many names an error or a note has room for.
_NAMED = 6


class Listing(NamedTuple):
  """What lies directly in a folder: sorted names.

  Attributes:
    photos: files that count as photos by their suffix.
    others: all other files.
    folders: the sub-folders.
  """

  photos: list[str]
  others: list[str]
  folders: list[str]


def find_folder(data: ConfigDict, expected: str) -> Path:
  """Returns the folder that config.data.path names.

  Raises:
    UserError: there is none; the message ends with what is `expected`.
  """
  if not data.path:
    raise UserError(f"config.data.path is empty; it must be {expected}")
  # Of a user that there is not, "~" stays as it is.
  root = Path(os.path.expanduser(data.path))
  try:
    if root.is_dir():
      return root
    problem = "is a file" if root.exists() else "does not exist"
  except OSError as error:
    problem = f"cannot be looked at ({error.strerror})"
  raise UserError(f"config.data.path={root} {problem}; it must be {expected}")


def list_folder(folder: Path) -> Listing:
  """Lists a folder, but for hidden files and what computers leave behind.

  Raises:
    UserError: it cannot be listed.
  """
  found = Listing([], [], [])
  try:
    with os.scandir(folder) as entries:
      for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in _LITTER:
          continue
        if _is_folder(entry):
          found.folders.append(entry.name)
        elif is_photo(entry.name):
          found.photos.append(entry.name)
        else:
          found.others.append(entry.name)
  except OSError as error:
    raise UserError(
      f"cannot list the folder {folder}: {error.strerror}"
    ) from error
  for names in found:
    names.sort(key=normalize)
  return found


def list_photos(folder: Path) -> list[str]:
  """Lists the photos of a folder; of one that cannot be listed none."""
  try:
    return list_folder(folder).photos
  except UserError:
    return []


def _is_folder(entry: os.DirEntry) -> bool:
  try:
    return entry.is_dir()
  except OSError:
    return False  # A link to itself leads nowhere.


def is_photo(name: str) -> bool:
  """Whether a file counts as a photo, by its suffix."""
  return name.lower().endswith(SUFFIXES)


def normalize(name: str) -> str:
  """Returns a name in one of the two ways that umlauts are spelt."""
  return unicodedata.normalize("NFC", name)


def split_of_name(folder: str) -> str | None:
  """Returns the split that a folder is called after: "train", "test", ..."""
  for split, names in _SPLIT_NAMES.items():
    if folder.lower() in names:
      return split
  return None


def list_tables(found: Listing) -> list[str]:
  """Returns the .csv files of a folder."""
  return [name for name in found.others if name.lower().endswith(".csv")]


def find_splits(root: Path) -> dict[str, str]:
  """Returns {split: its folder}, train first; validation may be missing.

  Raises:
    UserError: train or test is missing, or one split has two folders.
  """
  folders = list_folder(root).folders
  found: dict[str, str] = {}
  for folder in folders:
    split = split_of_name(folder)
    if split in found:
      raise UserError(
        f"{root} has two folders for the {split} split, {found[split]} and"
        f" {folder}: config.data.split=folders needs one of each"
      )
    if split:
      found[split] = folder
  missing = [split for split in ("train", "test") if split not in found]
  if missing:
    raise UserError(
      f"{root} has no folder {' and no folder '.join(missing)}"
      f" ({say_some(folders) or 'it has no folders'}):"
      " config.data.split=folders needs both, with the classes inside each;"
      " config.data.split=share splits a folder of classes"
    )
  return {split: found[split] for split in SPLITS if split in found}


def say_some(names: Sequence[object]) -> str:
  """Writes out the first few names, and how many more there are."""
  more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
  return ", ".join(map(str, names[:_NAMED])) + more


def say_kinds(names: Iterable[str]) -> str:
  """Writes how many files there are of each suffix."""
  suffixes = (PurePosixPath(x).suffix.lower() or "no suffix" for x in names)
  counted = Counter(suffixes).most_common()
  return say_some([f"{count} of {suffix}" for suffix, count in counted])


def list_beside(root: Path, names: Iterable[str]) -> set[str]:
  """Returns the files, relative to root, in it and where the names lie.

  Lists each folder once: 200,000 questions to the file system take minutes on
  a network drive.

  Raises:
    UserError: a folder cannot be listed.
  """
  beside: set[str] = set()
  for parent in {".", *(str(PurePosixPath(name).parent) for name in names)}:
    folder = _spelled(root, parent)
    if folder is None:
      continue
    prefix = "" if parent == "." else f"{folder.as_posix()}/"
    found = list_folder(root / folder)
    beside.update(prefix + name for name in (*found.photos, *found.others))
  return beside


def list_unnamed(root: Path, names: Iterable[str]) -> list[str]:
  """Returns the photos in sub-folders of root in which no name lies.

  A folder that cannot be listed has none, as what the system keeps there.
  """
  named = {PurePosixPath(normalize(name)).parent.as_posix() for name in names}
  spelled = {folder.casefold() for folder in named}
  return [
    f"{folder}/{name}"
    for folder in list_folder(root).folders
    if normalize(folder).casefold() not in spelled
    for name in list_photos(root / folder)
  ]


def _spelled(root: Path, folder: str) -> Path | None:
  """Returns a folder as the file system spells it; None if it is not there."""
  spelled = Path()
  for part in PurePosixPath(folder).parts:
    above = root / spelled
    if not (above / part).is_dir():
      same = [
        x for x in list_folder(above).folders if normalize(x) == normalize(part)
      ]
      if not same:
        return None
      part = same[0]
    spelled /= part
  return spelled
