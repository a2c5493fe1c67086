"""Photos that a list names, and those that are there: which is which."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from akd_jax.common.errors import UserError
from akd_jax.common.files import strip_suffix
from akd_jax.data.photos.listing import is_photo, normalize, say_some


class Matched(NamedTuple):
  """Photos of a list that are there.

  Attributes:
    rows: their places in the list, in order.
    names: what the file system calls them, one for each.
    remarks: a line of what is left out, if anything is.
  """

  rows: list[int]
  names: list[str]
  remarks: tuple[str, ...]


def match(
  names: Sequence[str],
  present: Collection[str],
  where: Path,
  listed_in: Path,
  skip: bool,
  hint: str = "",
  around: Collection[str] = (),
) -> Matched:
  """Finds the photos of a list among those that are there.

  An umlaut may be spelt in one of two ways.

  Args:
    names: as they are listed.
    present: files in `where`.
    where: the folder or zip, for messages.
    listed_in: the list, for messages.
    skip: whether photos that are not there are left out, and counted.
    hint: what else may be said where some are not.
    around: photos elsewhere that are left out, too.

  Raises:
    UserError: one is not there; the message has why. Or two are the same.
  """
  spelled = {normalize(name): name for name in present}
  found = [
    name if name in present else spelled.get(normalize(name)) for name in names
  ]
  absent = [x for x, name in zip(names, found, strict=True) if name is None]
  if absent and not (skip and len(absent) < len(names)):
    why = hint or _explain(absent[0], spelled)
    if not why and len(absent) < len(names):
      why = "; config.data.skip_unreadable=True leaves them out"
    raise UserError(
      f"{where} lacks {len(absent)} of the {len(names)} images that"
      f" {listed_in} lists, first {absent[0]}{why}"
    )
  rows = [row for row, name in enumerate(found) if name is not None]
  kept = [name for name in found if name is not None]
  _refuse_twice(kept, listed_in)
  remarks = []
  if absent:
    remarks.append(
      f"{where} lacks {len(absent)} of the {len(names)} images that"
      f" {listed_in} lists, first {absent[0]}: they are left out"
    )
  left = {*present, *around} - set(kept)
  more = sorted(x for x in left if is_photo(x))
  if more:
    remarks.append(
      f"{where}: {len(more)} photos are left out, which {listed_in} does not"
      f" list: {say_some(more)}"
    )
  return Matched(rows, kept, tuple(remarks))


def _explain(name: str, spelled: Mapping[str, str]) -> str:
  """Returns what is there instead of a photo."""
  if "\\" in name:
    return "; folders are to be separated by /"
  name = normalize(name)
  path = PurePosixPath(name)
  for there in spelled.values():
    other = PurePosixPath(normalize(there))
    if str(other).casefold() == name.casefold():
      return f"; {there} is there, with other capital letters"
    if other.name == path.name:
      return f"; {there} is there, in another folder than the list has it"
    if strip_suffix(other) == name and is_photo(there):
      return f"; {there} is there, whose suffix the list lacks"
    if strip_suffix(other) == strip_suffix(path) and is_photo(there):
      return f"; {there} is there, with another suffix than in the list"
  return ""


def _refuse_twice(names: Sequence[str], listed_in: Path) -> None:
  if len(set(names)) < len(names):
    seen: set[str] = set()
    twice = next(x for x in names if x in seen or seen.add(x))  # type: ignore
    raise UserError(f"{listed_in} lists the image {twice} twice")


def check_present(
  names: Sequence[str], present: Collection[str], path: Path, listed_in: Path
) -> None:
  """Refuses a list that lacks photos of another list.

  Args:
    names: of the other list.
    present: those that it has.
    path: the list.
    listed_in: the other list.

  Raises:
    UserError: it lacks one; the message has the first.
  """
  absent = [name for name in names if name not in present]
  if absent:
    raise UserError(
      f"{path} lacks {len(absent)} of the {len(names)} images that"
      f" {listed_in} lists, first {absent[0]}"
    )
