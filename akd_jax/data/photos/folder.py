"""A folder of photos, one sub-folder a class; RaFD among them."""

import functools
from pathlib import Path, PurePosixPath

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import EXPRESSIONS, attribute_indices
from akd_jax.data.photos.source import (
  PhotoSource,
  data_folder,
  list_folders,
  list_images,
  photo_source,
  split_of,
)

_EXPECTED = "a folder with one sub-folder of images a class"


def open_folder(data: ConfigDict, split: str) -> PhotoSource:
  """Opens photos whose sub-folder is their class, or RaFD as it is delivered.

  data.path holds one sub-folder a class, or, flat, files with RaFD's official
  names (Rafd090_01_Caucasian_female_angry_frontal.jpg), whose class is the
  expression. data.attributes names the classes wanted and their order;
  (): all, sorted. Photos of other classes are left out. Every camera angle
  that is there is used (StarGAN's paper has 45, 90 and 135 degrees: give a
  folder with those). For RaFD's 681x1024 photos data.crop=0 keeps the face;
  256 fits photos already cut to 256x256, as StarGAN wants them.

  Splits: by hash, data.test_share for test and half of it for validation, so
  that adding a photo never moves another. What is hashed is the person where
  the file has a RaFD name, so that nobody is on two sides; else the path.
  """
  if data.label_rule != "exclusive":
    raise UserError(
      f"config.data.label_rule={data.label_rule!r}: the classes of a folder"
      " exclude each other; set exclusive"
    )
  root = data_folder(data, _EXPECTED)
  classes = _classes(root)
  attributes = tuple(data.attributes) or tuple(sorted(classes))
  attribute_indices(sorted(classes), attributes, str(root))
  names = [name for wanted in attributes for name in classes[wanted]]
  counts = [len(classes[wanted]) for wanted in attributes]
  rows = np.repeat(np.arange(len(attributes)), counts)
  return photo_source(
    data,
    split,
    where=str(root),
    names=names,
    labels=np.eye(len(attributes), dtype=np.uint8)[rows],
    attributes=attributes,
    exclusive=(attributes,),
    read=functools.partial(Path, root),
    chosen=[
      split_of(_split_key(name), data.test_share) == split for name in names
    ],
  )


def _classes(root: Path) -> dict[str, list[str]]:
  """Class name -> its photos, relative to root."""
  classes = _by_folder(root)
  if classes:
    return classes
  flat = list_images(root)
  for name in flat:
    fields = _rafd_fields(name)
    if fields is None:
      raise UserError(
        f"{root} holds images without a class, such as {name}; give"
        f" {_EXPECTED}, or files named as RaFD names them"
      )
    classes.setdefault(fields[4], []).append(name)
  if classes:
    return classes
  for folder in list_folders(root):
    if _by_folder(folder) or list_images(folder):
      raise UserError(
        f"{root} is one folder too high: the class folders are in {folder};"
        f" set config.data.path={folder}"
      )
  raise UserError(f"{root} holds no images; it must be {_EXPECTED}")


def _by_folder(root: Path) -> dict[str, list[str]]:
  """Sub-folders that hold photos -> these photos."""
  return {
    folder.name: names
    for folder in list_folders(root)
    if (names := [f"{folder.name}/{name}" for name in list_images(folder)])
  }


def _rafd_fields(name: str) -> list[str] | None:
  """Angle, person, origin, gender, expression, gaze of an official name."""
  fields = PurePosixPath(name).stem.split("_")
  official = (
    len(fields) == 6
    and fields[0].startswith("Rafd")
    and fields[4] in EXPRESSIONS
  )
  return fields if official else None


def _split_key(name: str) -> str:
  # By this key 7 of RaFD's 67 people are for test.
  fields = _rafd_fields(name)
  return f"rafd {fields[1]}" if fields else name
