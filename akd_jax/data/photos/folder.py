"""A folder of photos, one sub-folder a class; RaFD among them."""

import functools
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import EXPRESSIONS, attribute_indices
from akd_jax.data.dataset import Dataset
from akd_jax.data.photos.source import (
  Photos,
  PhotoSource,
  assign_split,
  find_folder,
  list_folders,
  list_images,
  photo_source,
)

_EXPECTED = "a folder with one sub-folder of images a class"


def open_folder(data: ConfigDict, split: str) -> PhotoSource:
  """Opens photos whose sub-folder is their class, or RaFD as it is delivered.

  data.path holds one sub-folder for each class. Or it holds files with RaFD's
  official names (Rafd090_01_Caucasian_female_angry_frontal.jpg), whose class is
  the expression. data.attributes names the classes and their order; () is all,
  sorted. Photos of other classes are left out. All camera angles are used;
  StarGAN's paper has those of 45, 90 and 135 degrees. RaFD's photos have 681 x
  1024 pixels, of which data.crop=0 keeps the face; 256 is for photos that have
  been cut to 256 x 256, as StarGAN wants them.

  The split of a photo depends on its path alone, so that adding a photo never
  moves another: data.test_share of them are for test, and half as many for
  validation. Where the file has a RaFD name it depends on the person, so that
  nobody is in two splits.

  Raises:
    UserError: the folder is no such folder, or a field is wrong.
  """
  if data.label_rule != "exclusive":
    raise UserError(
      f"config.data.label_rule={data.label_rule!r}: the classes of a folder"
      " exclude each other; set exclusive"
    )
  root, classes = _find_classes(data)
  attributes = tuple(data.attributes) or tuple(sorted(classes))
  attribute_indices(sorted(classes), attributes, str(root))
  names = [name for wanted in attributes for name in classes[wanted]]
  counts = [len(classes[wanted]) for wanted in attributes]
  rows = np.repeat(np.arange(len(attributes)), counts)
  return photo_source(
    data,
    split,
    Photos(
      where=str(root),
      names=names,
      splits=[
        assign_split(_split_key(name), data.test_share) for name in names
      ],
      labels=np.eye(len(attributes), dtype=np.uint8)[rows],
      attributes=attributes,
      exclusive=(attributes,),
      read=functools.partial(Path, root),
      identities=_find_identities(names),
    ),
  )


def find_classes(data: ConfigDict) -> tuple[str, ...]:
  """Returns the sorted classes of a folder.

  Raises:
    UserError: the folder is not one of `open_folder`.
  """
  return tuple(sorted(_find_classes(data)[1]))


FOLDER = Dataset(open_folder, find_classes)


def _find_classes(data: ConfigDict) -> tuple[Path, dict[str, list[str]]]:
  """Returns the folder, and {class: its photos, relative to the folder}."""
  root = find_folder(data, _EXPECTED)
  classes = _find_by_folder(root)
  if classes:
    return root, classes
  flat = list_images(root)
  for name in flat:
    fields = _parse_rafd(name)
    if fields is None:
      raise UserError(
        f"{root} holds images without a class, such as {name}; give"
        f" {_EXPECTED}, or files named as RaFD names them"
      )
    classes.setdefault(fields[4], []).append(name)
  if classes:
    return root, classes
  for folder in list_folders(root):
    if _find_by_folder(folder) or list_images(folder):
      raise UserError(
        f"{root} is one folder too high: the class folders are in {folder};"
        f" set config.data.path={folder}"
      )
  raise UserError(f"{root} holds no images; it must be {_EXPECTED}")


def _find_by_folder(root: Path) -> dict[str, list[str]]:
  """Returns {sub-folder that holds photos: these photos}."""
  return {
    folder.name: names
    for folder in list_folders(root)
    if (names := [f"{folder.name}/{name}" for name in list_images(folder)])
  }


def _parse_rafd(name: str) -> list[str] | None:
  """Returns angle, person, origin, gender, expression, gaze of a RaFD name."""
  fields = PurePosixPath(name).stem.split("_")
  official = (
    len(fields) == 6
    and fields[0].startswith("Rafd")
    and fields[4] in EXPRESSIONS
  )
  return fields if official else None


def _split_key(name: str) -> str:
  # By this key 7 of RaFD's 67 people are for test.
  fields = _parse_rafd(name)
  return f"rafd {fields[1]}" if fields else name


def _find_identities(names: Sequence[str]) -> np.ndarray | None:
  """Returns the person on each photo, if every name is RaFD's."""
  parsed = [_parse_rafd(name) for name in names]
  if not all(parsed):
    return None
  return np.array([fields[1] for fields in parsed if fields])
