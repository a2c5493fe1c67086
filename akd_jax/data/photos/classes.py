"""The classes of a folder of photos: its sub-folders, or RaFD's file names."""

from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import EXPRESSIONS
from akd_jax.data.photos.images import SUFFIXES
from akd_jax.data.photos.listing import (
  Listing,
  list_folder,
  normalize,
  say_kinds,
  say_some,
  split_of_name,
)

EXPECTED = "a folder with one sub-folder of images a class"


class Classes(NamedTuple):
  """The classes of a folder.

  Attributes:
    root: the folder.
    tree: what lies in it.
    photos: {class: its photos, relative to the folder}.
  """

  root: Path
  tree: "_Tree"
  photos: dict[str, list[str]]


def find_classes(root: Path, wanted: Collection[str]) -> Classes:
  """Finds the classes of a folder, and their photos.

  Args:
    root: the folder.
    wanted: classes that are asked for; none is all.

  Raises:
    UserError: it has no classes, or one would be lost.
  """
  top = list_folder(root)
  tree = _Tree(top, {name: list_folder(root / name) for name in top.folders})
  return Classes(root, tree, _find_photos(root, tree, wanted))


class _Tree(NamedTuple):
  """What lies in a folder, and in each of its sub-folders by their names."""

  top: Listing
  below: dict[str, Listing]


def _find_photos(
  root: Path, tree: _Tree, wanted: Collection[str]
) -> dict[str, list[str]]:
  """Returns {class: its photos, relative to the folder}."""
  classes: dict[str, list[str]] = {}
  for folder, found in tree.below.items():
    if not found.photos:
      continue
    if normalize(folder) in classes:
      raise UserError(
        f"{root} has two folders {normalize(folder)!r}, whose umlauts are spelt"
        " differently: make them one"
      )
    classes[normalize(folder)] = [f"{folder}/{name}" for name in found.photos]
  if not classes and tree.top.photos:
    return _group_rafd(root, tree.top.photos)
  deeper = _look_deeper(root, tree)
  _refuse_splits(root, list(classes), deeper, wanted)
  if not classes:
    raise UserError(_say_too_high(root, tree, deeper))
  lost = [
    folder
    for folder, found in tree.below.items()
    if not found.photos and (normalize(folder) in wanted or not wanted)
  ]
  if lost:
    inside = f"{root}/{lost[0]}"
    found = tree.below[lost[0]]
    what = (
      f"holds only {say_kinds(found.others)}" if found.others else "is empty"
    )
    if deeper.get(lost[0]):
      what = f"has its photos in sub-folders ({say_some(deeper[lost[0]])})"
    raise UserError(
      f"the class {say_some(lost)} would be lost: {inside} {what}; put photos"
      f" there ({', '.join(SUFFIXES)}), remove it, or name the classes that are"
      " meant in config.data.attributes"
    )
  return classes


def _group_rafd(root: Path, names: Sequence[str]) -> dict[str, list[str]]:
  """Returns {expression: its photos} of RaFD as it is delivered."""
  classes: dict[str, list[str]] = {}
  for name in names:
    fields = parse_rafd(name)
    if fields is None:
      raise UserError(
        f"{root} holds images without a class, such as {name}; give"
        f" {EXPECTED}, files named as RaFD names them, or a .csv that says what"
        " they show"
      )
    classes.setdefault(fields[4], []).append(name)
  return classes


def _look_deeper(root: Path, tree: _Tree) -> dict[str, list[str]]:
  """Returns {sub-folder: those of its sub-folders that hold photos}."""
  return {
    folder: [x for x in found.folders if list_folder(root / folder / x).photos]
    for folder, found in tree.below.items()
  }


def _refuse_splits(
  root: Path,
  classes: Sequence[str],
  deeper: dict[str, list[str]],
  wanted: Collection[str],
) -> None:
  """Refuses folders that are splits, and no classes.

  Raises:
    UserError: all that hold photos are named after splits.
  """
  full = [*classes, *(x for x, inside in deeper.items() if inside)]
  splits = {split_of_name(folder) for folder in full}
  if None in splits or len(splits) < 2 or set(classes) & set(wanted):
    return
  train = [x for x in full if split_of_name(x) == "train" and deeper.get(x)]
  remedy = "put the photos of each class into one folder"
  if train:
    remedy = (
      f"set config.data.path={root / train[0]}, of which config.data.test_share"
      f" is split off for testing, or {remedy}"
    )
  if train and "test" in splits:
    remedy = (
      f"set config.data.split=folders to use them as they are, or {remedy}"
    )
  raise UserError(
    f"{root} has folders of splits ({say_some(full)}), and not of classes;"
    f" {remedy}"
  )


def _say_too_high(root: Path, tree: _Tree, deeper: dict[str, list[str]]) -> str:
  """Returns what is wrong with a folder that has no class."""
  above = [root / folder for folder, inside in deeper.items() if inside]
  if not above:
    files = [x for found in tree.below.values() for x in found.others]
    there = say_kinds([*tree.top.others, *files])
    only = f", only {there}" if there else ""
    return f"{root} holds no images{only}; it must be {EXPECTED}"
  set_it = f"set config.data.path={above[0]}"
  if len(above) > 1:
    set_it = (
      f"they are in {say_some(above)}: set config.data.path to one of these"
    )
  where = f" are in {above[0]}" if len(above) == 1 else " are a level deeper"
  return f"{root} is one folder too high: the class folders{where}; {set_it}"


def say_left_out(found: Classes, attributes: Sequence[str]) -> list[str]:
  """Returns a line each of what none of the classes asked for has."""
  root, tree, classes = found
  lines = []
  used = [x for x in tree.below if normalize(x) in attributes]
  others = [f"{x}/{name}" for x in used for name in tree.below[x].others]
  if not used:  # As RaFD is delivered.
    others = tree.top.others
  if others:
    lines.append(
      f"{root}: left out, since these are no photos that can be read:"
      f" {say_kinds(others)}, first {others[0]}"
    )
  deeper = {
    f"{folder}/{x}": len(list_folder(root / folder / x).photos)
    for folder in used
    for x in tree.below[folder].folders
  }
  if count := sum(deeper.values()):
    full = [folder for folder, photos in deeper.items() if photos]
    lines.append(
      f"{root}: {count} photos in sub-folders of classes are left out:"
      f" {say_some(full)}"
    )
  if used and tree.top.photos:
    lines.append(
      f"{root}: {len(tree.top.photos)} photos are in no class and left out:"
      f" {say_some(tree.top.photos)}"
    )
  unasked = [x for x in classes if x not in attributes]
  if unasked:
    count = sum(len(classes[x]) for x in unasked)
    lines.append(
      f"{root}: {count} photos are left out, whose classes"
      f" config.data.attributes does not name: {say_some(unasked)}"
    )
  return lines


def parse_rafd(name: str) -> list[str] | None:
  """Returns angle, person, origin, gender, expression, gaze of a RaFD name.

  Whoever cuts the photos out may add to their names, or spell them in small
  letters: they still say who it is.
  """
  fields = PurePosixPath(name).stem.split("_")[:6]
  if len(fields) < 6 or not fields[0].lower().startswith("rafd"):
    return None
  fields[4] = fields[4].lower()
  return fields if fields[4] in EXPRESSIONS else None
