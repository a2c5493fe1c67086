"""Photos of which only their place is known: which data set they are."""

from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, naming_data
from akd_jax.common.two_sets import second_of
from akd_jax.configs.data import PHOTO_ATTRIBUTES
from akd_jax.data.photos.celeba import has_lists
from akd_jax.data.photos.classes import parse_rafd
from akd_jax.data.photos.listing import (
  Listing,
  find_folder,
  find_splits,
  list_folder,
  list_photos,
  list_tables,
  say_some,
  split_of_name,
)
from akd_jax.data.photos.table import names_some

# config.data.name where what lies there decides.
ANY = "photos"
_EXPECTED = (
  "the folder of your photos: CelebA's files, photos with a CSV of attributes,"
  " or a sub-folder for each class"
)


# What `find_kind` reads of config.data: {(path, csv, attributes): its result}.
Kinds = dict[tuple[str, str, tuple[str, ...]], dict[str, Any]]


def settle(config: ConfigDict, known: Kinds | None = None) -> ConfigDict:
  """Returns a config whose data.name is the data set that data.path holds.

  It is the config itself unless data.name is "photos", or that of data.second.
  Then it is a copy, with the fields of `find_kind`.

  Args:
    config: of a run.
    known: what was found for other configs a moment ago, and is not looked for
      again; what is found is added.

  Raises:
    UserError: there is no folder, or it may be several data sets.
  """
  known = {} if known is None else known
  second = second_of(config.data)
  if ANY not in (config.data.name, second.name):
    return config
  settled = ConfigDict(config.to_dict())
  if config.data.second and second.name == ANY:
    with naming_data("config.data.second"):
      settled.data.second.update(_look_up(second, known))
  if config.data.name == ANY:
    settled.data.update(_look_up(config.data, known))
  return settled


def _look_up(data: ConfigDict, known: Kinds) -> dict[str, Any]:
  asked = data.path, data.csv, tuple(data.attributes)
  if asked not in known:
    known[asked] = find_kind(data)
  return known[asked]


def find_kind(data: ConfigDict) -> dict[str, Any]:
  """Returns the fields of config.data that follow from what data.path holds.

  In this order: with data.csv it is a table. With CelebA's list it is CelebA,
  of which () stands for PHOTO_ATTRIBUTES. With folders train and test it is a
  class folder that is split, with one .csv a table, and with anything else a
  class folder.

  Raises:
    UserError: there is no folder, or it is not clear what says what the photos
      show: one of several .csv, or folders of photos beside a .csv that names
      none of theirs.
  """
  root = find_folder(data, _EXPECTED)
  if data.csv:
    return {"name": "table"}
  if has_lists(root):
    attributes = tuple(data.attributes) or PHOTO_ATTRIBUTES
    return {"name": "celeba", "attributes": attributes}
  found = list_folder(root)
  classes = {"name": "folder", "label_rule": "exclusive"}
  if {"train", "test"} <= {split_of_name(x) for x in found.folders}:
    _refuse_without_classes(root, list_tables(found))
    return {**classes, "split": "folders"}
  return {"name": "table"} if _has_table(root, found) else classes


def _has_table(root: Path, found: Listing) -> bool:
  """Whether a folder is a table.

  Raises:
    UserError: that is not clear.
  """
  tables = list_tables(found)
  if not tables:
    return False
  full = [folder for folder in found.folders if list_photos(root / folder)]
  if len(tables) == 1 and (len(full) < 2 or names_some(root, tables[0])):
    return True
  # Classes are two or more.
  if len(full) < 2:
    raise UserError(
      f"{root} has several tables ({say_some(tables)}): name that of the"
      " attributes in config.data.csv"
    )
  what = "several tables"
  if len(tables) == 1:
    what = "a table that names no photo there"
  raise UserError(
    f"{root} has {what} ({say_some(tables)}) beside folders of photos"
    f" ({say_some(full)}): name that of the attributes in config.data.csv, or"
    " set config.data.name=folder and config.data.label_rule=exclusive if each"
    " folder is a class"
  )


def _refuse_without_classes(root: Path, tables: list[str]) -> None:
  """Refuses photos of a split that a table may say more of than their folder.

  Raises:
    UserError: those to train with are in no class, and there is a .csv.
  """
  folder = find_splits(root)["train"]
  found = list_folder(root / folder)
  tables = [*tables, *(f"{folder}/{x}" for x in list_tables(found))]
  # Of photos to test with there may be one, too.
  own = [x for x in tables if split_of_name(Path(x).stem) != "test"]
  if not found.photos or not own or all(map(parse_rafd, found.photos)):
    return
  if not any(list_photos(root / folder / x) for x in found.folders):
    raise UserError(
      f"{root / folder} holds photos in no folder of a class, such as"
      f" {found.photos[0]}: name the table that says what they show in"
      f" config.data.csv; there is {say_some(own)}"
    )
