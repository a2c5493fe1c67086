"""Photos of which only their place is known: which data set they are."""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, naming_data
from akd_jax.common.two_sets import second_of
from akd_jax.configs.data import PHOTO_ATTRIBUTES
from akd_jax.data.photos.celeba import has_lists
from akd_jax.data.photos.listing import (
  find_folder,
  list_tables,
  look,
  some,
  split_of_name,
)

# config.data.name where what lies there decides.
ANY = "photos"
_EXPECTED = (
  "the folder of your photos: CelebA's files, photos with a CSV of attributes,"
  " or a sub-folder for each class"
)


def settle(config: ConfigDict) -> ConfigDict:
  """Returns a config whose data.name is the data set that data.path holds.

  It is the config itself unless data.name is "photos", or that of data.second.
  Then it is a copy, with the fields of `find_kind`.

  Raises:
    UserError: there is no folder, or it may be several data sets.
  """
  second = second_of(config.data)
  if ANY not in (config.data.name, second.name):
    return config
  settled = ConfigDict(config.to_dict())
  if config.data.second and second.name == ANY:
    with naming_data("config.data.second"):
      settled.data.second.update(find_kind(second))
  if config.data.name == ANY:
    settled.data.update(find_kind(config.data))
  return settled


def find_kind(data: ConfigDict) -> dict[str, Any]:
  """Returns the fields of config.data that follow from what data.path holds.

  In this order: with data.csv it is a table. With CelebA's list it is CelebA,
  of which () stands for PHOTO_ATTRIBUTES. With folders train and test it is a
  class folder that is split, with one .csv a table, and with anything else a
  class folder.

  Raises:
    UserError: there is no folder, or it has several .csv and no classes.
  """
  root = find_folder(data, _EXPECTED)
  if data.csv:
    return {"name": "table"}
  if has_lists(root):
    attributes = tuple(data.attributes) or PHOTO_ATTRIBUTES
    return {"name": "celeba", "attributes": attributes}
  found = look(root)
  tables = list_tables(found)
  classes = {"name": "folder", "label_rule": "exclusive"}
  if {"train", "test"} <= {split_of_name(x) for x in found.folders}:
    return {**classes, "split": "folders"}
  if len(tables) == 1:
    return {"name": "table"}
  # Classes are two or more.
  if tables and len(found.folders) < 2:
    raise UserError(
      f"{root} has several tables ({some(tables)}): name that of the attributes"
      " in config.data.csv"
    )
  return classes
