"""CelebA: the official files as people have them, or TensorFlow Datasets."""

import functools
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.photos.celeba_tfds import open_celeba_tfds
from akd_jax.data.photos.source import (
  PhotoSource,
  check_present,
  data_folder,
  hair_group,
  list_folders,
  list_images,
  photo_source,
)
from akd_jax.data.photos.table import read_csv, read_labels
from akd_jax.data.photos.zips import open_zip

_SPLITS = ("train", "validation", "test")  # 0, 1, 2 of the partition file
_EXPECTED = (
  "the folder with CelebA's img_align_celeba (or img_align_celeba.zip),"
  " list_attr_celeba.txt and list_eval_partition.txt"
)
# Where the drive's folders, Kaggle's archive and StarGAN's download put things.
_LIST_FOLDERS = (".", "Anno", "Eval")
_IMAGE_FOLDERS = (
  "img_align_celeba",
  "img_align_celeba/img_align_celeba",
  "Img/img_align_celeba",
  "images",
)
_IMAGE_ZIPS = ("img_align_celeba.zip", "Img/img_align_celeba.zip")
_STARGAN_TEST = 1999


def open_celeba(data: ConfigDict, split: str) -> PhotoSource:
  """Opens CelebA.

  data.path is a folder with the official files (or Kaggle's CSVs); "" asks
  TensorFlow Datasets, which downloads or finds a prepared copy.
  data.attributes: (): all 40. data.split_rule:
    official: the partition file: 162,770 / 19,867 / 19,962 photos.
    stargan: the attribute list shuffled with seed 1234, its first 1,999 are
      test, exactly those of the released StarGAN. It has no validation: here
      that is the next 1,999, taken out of what it trains on.
  """
  if data.split_rule not in ("official", "stargan"):
    raise UserError(
      f"config.data.split_rule={data.split_rule!r} must be official or stargan"
    )
  if not data.path:
    return open_celeba_tfds(data, split)
  root = data_folder(data, _EXPECTED)
  attribute_file = _find_list(root, "list_attr_celeba")
  known, names, labels = _read_attributes(attribute_file, data.attributes)
  where, present, read = _open_images(root)
  check_present(names, present, where, attribute_file)
  if data.split_rule == "stargan":
    splits = _stargan_splits(len(names))
  else:
    splits = _official_splits(root, names, attribute_file)
  return photo_source(
    data,
    split,
    where=str(where),
    names=names,
    labels=labels,
    attributes=tuple(data.attributes) or known,
    exclusive=hair_group(known),
    read=read,
    chosen=[a == split for a in splits],
  )


def _find_list(root: Path, stem: str) -> Path:
  """The list `stem`.txt, or Kaggle's `stem`.csv, where people keep it."""
  names = [
    Path(folder, stem + suffix)
    for folder in _LIST_FOLDERS
    for suffix in (".txt", ".csv")
  ]
  for name in names:
    if (root / name).is_file():
      return root / name
  for folder in list_folders(root):
    if any((folder / name).is_file() for name in names):
      raise UserError(
        f"{root} is one folder too high: {stem} is in {folder}; set"
        f" config.data.path={folder}"
      )
  raise UserError(
    f"{root} (with Anno, Eval) has no {stem}.txt or {stem}.csv;"
    f" config.data.path must be {_EXPECTED}"
  )


def _read_attributes(
  path: Path, wanted: Sequence[str]
) -> tuple[tuple[str, ...], list[str], np.ndarray]:
  """Reads known attributes, photo names and labels [N, C] of the wanted."""
  rows: Iterable[tuple[int, list[str]]]
  if path.suffix == ".csv":
    header, rows = read_csv(path)
    columns = header[1:]
  else:
    lines = _read_lines(path)
    if len(lines) < 3 or not lines[0].isdigit():
      raise UserError(
        f"{path} must have the number of images on line 1, the attributes'"
        " names on line 2, and then a line for each image"
      )
    if int(lines[0]) != len(lines) - 2:
      raise UserError(
        f"{path} announces {lines[0]} images on line 1 but lists"
        f" {len(lines) - 2}"
      )
    columns = lines[1].split()
    # A generator: eight million cells at once are a gigabyte.
    rows = ((number, line.split()) for number, line in enumerate(lines[2:], 3))
  names, labels = read_labels(rows, columns, tuple(wanted) or columns, path)
  return tuple(columns), names, labels


def _read_lines(path: Path) -> list[str]:
  """The lines of a list without the blank ones at its end."""
  try:
    text = path.read_text(encoding="utf-8-sig")
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f"cannot read {path}: {error}") from error
  return [line.strip() for line in text.rstrip().split("\n")]


def _open_images(
  root: Path,
) -> tuple[Path, set[str], Callable[[str], bytes | Path]]:
  """Where the photos are, their names, and how to read one."""
  for folder in _IMAGE_FOLDERS:
    where = root / folder
    if where.is_dir() and (present := list_images(where)):
      return where, set(present), functools.partial(Path, where)
  for archive in _IMAGE_ZIPS:
    where = root / archive
    if where.is_file():
      reader = open_zip(where)
      return where, set(reader.members), reader
  raise UserError(
    f"{root} has no images in img_align_celeba and no img_align_celeba.zip;"
    f" config.data.path must be {_EXPECTED}"
  )


def _official_splits(
  root: Path, names: Sequence[str], attribute_file: Path
) -> list[str]:
  """The split of each photo by the partition file."""
  path = _find_list(root, "list_eval_partition")
  rows: Iterable[tuple[int, list[str]]]
  if path.suffix == ".csv":
    rows = read_csv(path)[1]
  else:
    rows = ((n, line.split()) for n, line in enumerate(_read_lines(path), 1))
  splits = {}
  for line, cells in rows:
    if len(cells) != 2 or cells[1].strip() not in ("0", "1", "2"):
      raise UserError(
        f"{path}, line {line}: {' '.join(cells)!r} must be an image's name"
        " and 0, 1 or 2"
      )
    splits[cells[0].strip()] = _SPLITS[int(cells[1])]
  check_present(names, set(splits), path, attribute_file)
  return [splits[name] for name in names]


def _stargan_splits(count: int) -> list[str]:
  """The split of each of `count` photos by their order in the list."""
  order = list(range(count))
  random.Random(1234).shuffle(order)
  splits = ["train"] * count
  for position in order[: 2 * _STARGAN_TEST]:
    splits[position] = "validation"
  for position in order[:_STARGAN_TEST]:
    splits[position] = "test"
  return splits
