"""A folder of photos, one sub-folder a class; RaFD among them."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import attribute_indices
from akd_jax.data.dataset import Dataset
from akd_jax.data.photos.classes import (
  EXPECTED,
  Classes,
  find_classes,
  parse_rafd,
  say_left_out,
)
from akd_jax.data.photos.listing import (
  find_folder,
  find_splits,
  list_folder,
  say_some,
)
from akd_jax.data.photos.source import (
  Photos,
  PhotoSource,
  assign_split,
  open_photos,
  split_by_share,
)

# By the name of the split that it is for; "" of a folder without splits.
_Parts = Mapping[str, Classes]


def open_folder(data: ConfigDict, split: str) -> PhotoSource:
  """Opens photos whose sub-folder is their class, or RaFD as it is delivered.

  data.path holds one sub-folder for each class. Or it holds files with RaFD's
  official names (Rafd090_01_Caucasian_female_angry_frontal.jpg), whose class is
  the expression. data.attributes names the classes and their order; () is all,
  sorted, and then every sub-folder has to hold photos. What is left out, as
  photos of other classes, has a line in the source's `remarks`.

  All camera angles are used; StarGAN's paper has those of 45, 90 and 135
  degrees. RaFD's photos have 681 x 1024 pixels, of which data.crop=0 keeps the
  face; 256 is for photos that have been cut to 256 x 256, as StarGAN wants
  them.

  data.split is one of
    share: the split of a photo depends on its path alone, so that adding a
      photo never moves another: data.test_share of them are for test, and half
      as many for validation. Where the file has a RaFD name it depends on the
      person, so that nobody is in two splits.
    folders: data.path holds the folders train and test, and may hold valid,
      with the classes inside each, as RAF-DB and FER2013 come. Without valid,
      those of train are for validation that are by "share" if train is
      data.path.

  Raises:
    UserError: the folder is no such folder, or a field is wrong.
  """
  if data.label_rule != "exclusive":
    raise UserError(
      f"config.data.label_rule={data.label_rule!r}: the classes of a folder"
      " exclude each other; set exclusive"
    )
  root = find_folder(data, EXPECTED)
  parts = _find_parts(root, data)
  known = _known_classes(parts, data)
  attributes = tuple(data.attributes) or known
  attribute_indices(known, attributes, str(root))
  names, splits, rows = [], [], []
  for row, wanted in enumerate(attributes):
    for part, found in parts.items():
      inside = f"{found.root.name}/" if part else ""
      for name in found.photos.get(wanted, ()):
        names.append(inside + name)
        splits.append(_split_of(part, name, parts, data))
        rows.append(row)
  return open_photos(
    data,
    split,
    Photos(
      where=str(root),
      names=names,
      splits=splits,
      labels=np.eye(len(attributes), dtype=np.uint8)[rows],
      attributes=attributes,
      exclusive=(attributes,),
      read=functools.partial(Path, root),
      split_by=_split_by(data),
      identities=_find_identities(names),
      remarks=tuple(_say_left_out(root, parts, attributes)),
    ),
  )


def find_attributes(data: ConfigDict) -> tuple[str, ...]:
  """Returns the sorted classes of a folder.

  Raises:
    UserError: the folder is not one of `open_folder`.
  """
  parts = _find_parts(find_folder(data, EXPECTED), data)
  return _known_classes(parts, data)


FOLDER = Dataset(open_folder, find_attributes, reads=("split", "test_share"))


def _find_parts(root: Path, data: ConfigDict) -> _Parts:
  """Returns the classes of the folder, or of the folder of each split."""
  if data.split == "share":
    return {"": find_classes(root, data.attributes)}
  return {
    split: find_classes(root / folder, data.attributes)
    for split, folder in find_splits(root).items()
  }


def _known_classes(parts: _Parts, data: ConfigDict) -> tuple[str, ...]:
  """Returns the sorted classes that there are photos of to learn from.

  Raises:
    UserError: photos of another class are there to be tested with alone.
  """
  learnt, *others = parts.values()
  for found in others:
    only = sorted(set(found.photos) - set(learnt.photos))
    if only and not data.attributes:
      raise UserError(
        f"{found.root} has the class {say_some(only)}, of which {learnt.root}"
        " has no photo to learn from: remove it, or name the classes that are"
        " meant in config.data.attributes"
      )
  return tuple(sorted(learnt.photos))


def _split_of(part: str, name: str, parts: _Parts, data: ConfigDict) -> str:
  """Returns the split of a photo by where it lies, or by its hash."""
  hashed = assign_split(_split_key(name), data.test_share)
  if not part:
    return hashed
  held_out = part == "train" and "validation" not in parts
  return hashed if held_out and hashed == "validation" else part


def _split_by(data: ConfigDict) -> str:
  """Returns what to do where a split is empty."""
  if data.split == "share":
    return split_by_share(data)
  return (
    "with config.data.split=folders each has a folder; without one for"
    f" validation, half of config.data.test_share={data.test_share:g} of train"
    " is: raise it, or add images"
  )


def _say_left_out(
  root: Path, parts: _Parts, attributes: Sequence[str]
) -> list[str]:
  """Returns a line each of what is in no class, or in no split."""
  lines = [
    x for found in parts.values() for x in say_left_out(found, attributes)
  ]
  if "" in parts:
    return lines
  top = list_folder(root)
  used = {found.root.name for found in parts.values()}
  count = len(top.photos)
  unused = [folder for folder in top.folders if folder not in used]
  if count:
    lines.append(
      f"{root}: {count} photos are in no split and left out:"
      f" {say_some(top.photos)}"
    )
  if unused:
    lines.append(
      f"{root}: folders are left out that are no split: {say_some(unused)}"
    )
  return lines


def _split_key(name: str) -> str:
  # By this key 7 of RaFD's 67 people are for test.
  fields = parse_rafd(name)
  return f"rafd {fields[1]}" if fields else name


def _find_identities(names: Sequence[str]) -> np.ndarray | None:
  """Returns the person on each photo, if every name is RaFD's."""
  parsed = [parse_rafd(name) for name in names]
  if not all(parsed):
    return None
  return np.array([fields[1] for fields in parsed if fields])
