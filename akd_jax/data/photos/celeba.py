"""CelebA: the official files as people have them, or TensorFlow Datasets."""

import functools
import random
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import CELEBA as ALL_ATTRIBUTES
from akd_jax.data.attributes import check_names
from akd_jax.data.dataset import SPLITS, Dataset
from akd_jax.data.photos.celeba_tfds import open_celeba_tfds
from akd_jax.data.photos.csv_text import read_csv, read_text, say_cells
from akd_jax.data.photos.listing import find_folder, list_folder, say_some
from akd_jax.data.photos.matching import check_present, match
from akd_jax.data.photos.source import (
  Photos,
  PhotoSource,
  find_exclusive,
  open_photos,
)
from akd_jax.data.photos.table import read_labels
from akd_jax.data.photos.zips import open_zip

_EXPECTED = (
  "the folder with CelebA's img_align_celeba (or img_align_celeba.zip),"
  " list_attr_celeba.txt and list_eval_partition.txt"
)
# Where the official drive, Kaggle's archive and StarGAN's download put things.
_PARTITION = "list_eval_partition"
_LIST_FOLDERS = (".", "Anno", "Eval")
_IMAGE_FOLDERS = (
  "img_align_celeba",
  "img_align_celeba/img_align_celeba",
  "Img/img_align_celeba",
  "images",
)
_IMAGE_ZIPS = ("img_align_celeba.zip", "Img/img_align_celeba.zip")
_STARGAN_TEST = 1999
# What to do where a split is empty.
_STARGAN_SPLITS = (
  "config.data.split_rule=stargan takes 1,999 for test and 1,999 for"
  " validation, and needs more; a table (config.data.name=table) does with less"
)
_OFFICIAL_SPLITS = (
  "list_eval_partition puts none there; config.data.split_rule=stargan does"
  " without it"
)
_NUMBER = re.compile("[0-9]{1,10}")
# Numbered lines of cells.
_Rows = Iterable[tuple[int, list[str]]]


def open_celeba(data: ConfigDict, split: str) -> PhotoSource:
  """Opens CelebA.

  data.path is a folder with the official files, or with Kaggle's CSVs. "" asks
  TensorFlow Datasets, which finds a prepared copy or downloads one.
  data.attributes are those to read; () is all 40. data.split_rule is one of
    official: the partition file, with 162,770 / 19,867 / 19,962 photos.
    stargan: the attribute list, shuffled with seed 1234. Its first 1,999 are
      for test, exactly as in the released StarGAN, which has no validation
      split: here that is the next 1,999, which StarGAN trains on.

  The people are known where identity_CelebA.txt lies beside the other lists.

  Raises:
    UserError: the folder lacks a file, a file is damaged, or a field is wrong.
  """
  if data.split_rule not in ("official", "stargan"):
    raise UserError(
      f"config.data.split_rule={data.split_rule!r} must be official or stargan"
    )
  if not data.path:
    return open_celeba_tfds(data, split)
  root = find_folder(data, _EXPECTED)
  attribute_file = _find_list(root, "list_attr_celeba")
  columns, rows = _read_columns(attribute_file)
  wanted = tuple(data.attributes) or columns
  names, labels = read_labels(rows, columns, wanted, attribute_file)
  where, present, read = _open_images(root)
  found = match(
    names, present, where, attribute_file, data.skip_unreadable,
    _find_zip(root, where),
  )  # fmt: skip
  if data.split_rule == "stargan":
    splits, split_by = _assign_stargan_splits(len(names)), _STARGAN_SPLITS
  else:
    splits = _read_partition(root, names, attribute_file)
    split_by = _OFFICIAL_SPLITS
  people = _read_identities(root, names, attribute_file)
  return open_photos(
    data,
    split,
    Photos(
      where=str(where),
      names=found.names,
      splits=[splits[row] for row in found.rows],
      labels=labels[found.rows],
      attributes=wanted,
      exclusive=find_exclusive(columns),
      read=read,
      split_by=split_by,
      identities=None if people is None else people[found.rows],
      remarks=found.remarks,
    ),
  )


def find_attributes(data: ConfigDict) -> tuple[str, ...]:
  """Returns the attributes that CelebA's list has columns of.

  Raises:
    UserError: the folder has no such list, or the list is damaged.
  """
  if not data.path:
    return ALL_ATTRIBUTES
  root = find_folder(data, _EXPECTED)
  return _read_columns(_find_list(root, "list_attr_celeba"))[0]


CELEBA = Dataset(open_celeba, find_attributes, reads=("split_rule",))


def has_lists(root: Path) -> bool:
  """Whether CelebA's list of attributes is where `open_celeba` looks for it."""
  return any((root / x).is_file() for x in _list_paths("list_attr_celeba"))


def _list_paths(stem: str) -> list[Path]:
  """Returns where people keep the list `stem`.txt, or Kaggle's `stem`.csv."""
  return [
    Path(folder, stem + suffix)
    for folder in _LIST_FOLDERS
    for suffix in (".txt", ".csv")
  ]


def _find_list(root: Path, stem: str) -> Path:
  names = _list_paths(stem)
  for name in names:
    if (root / name).is_file():
      return root / name
  deeper = [
    root / folder
    for folder in list_folder(root).folders
    if any((root / folder / name).is_file() for name in names)
  ]
  if deeper:
    path = deeper[0] if len(deeper) == 1 else "one of these"
    raise UserError(
      f"{root} is one folder too high: {stem} is in {say_some(deeper)}; set"
      f" config.data.path={path}"
    )
  without = ""
  if stem == _PARTITION:
    without = "; config.data.split_rule=stargan does without it"
  raise UserError(
    f"{root} (with Anno, Eval) has no {stem}.txt or {stem}.csv;"
    f" config.data.path must be {_EXPECTED}{without}"
  )


def _read_columns(path: Path) -> tuple[tuple[str, ...], _Rows]:
  """Reads the names of the attributes, and the rows of the attribute list."""
  if path.suffix == ".csv":
    header, csv_rows = read_csv(path)
    return tuple(header[1:]), csv_rows
  lines = _read_lines(path)
  if len(lines) < 3 or not _NUMBER.fullmatch(lines[0]):
    raise UserError(
      f"{path} must have the number of images on line 1, the attributes'"
      " names on line 2, and then a line for each image"
    )
  if int(lines[0]) != len(lines) - 2:
    raise UserError(
      f"{path} announces {lines[0]} images on line 1 but lists {len(lines) - 2}"
    )
  # A generator: eight million cells at once are a gigabyte.
  rows = ((number, line.split()) for number, line in enumerate(lines[2:], 3))
  check_names(lines[1].split(), str(path))
  return tuple(lines[1].split()), rows


def _read_lines(path: Path) -> list[str]:
  """Reads the lines of a list without the blank ones at its end."""
  return [line.strip() for line in read_text(path).rstrip().split("\n")]


def _open_images(
  root: Path,
) -> tuple[Path, set[str], Callable[[str], bytes | Path]]:
  """Returns where the photos are, their names, and how to read one."""
  for folder in _IMAGE_FOLDERS:
    where = root / folder
    if where.is_dir() and (present := list_folder(where).photos):
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


def _find_zip(root: Path, where: Path) -> str:
  """Returns what to say of a zip beside a folder that lacks photos."""
  for archive in _IMAGE_ZIPS:
    if where.is_dir() and (root / archive).is_file():
      return (
        f"; {root / archive} may have them all: unpack it again, or remove"
        f" {where}, and the zip is read"
      )
  return ""


def _read_partition(
  root: Path, names: Sequence[str], attribute_file: Path
) -> list[str]:
  """Reads the split of each photo from the partition file."""
  path = _find_list(root, _PARTITION)
  partition = _read_numbers(path, range(len(SPLITS)), "0, 1 or 2")
  check_present(names, set(partition), path, attribute_file)
  return [SPLITS[partition[name]] for name in names]


def _read_identities(
  root: Path, names: Sequence[str], attribute_file: Path
) -> np.ndarray | None:
  """Reads who is on each photo, if the file that says so is there."""
  paths = [root / name for name in _list_paths("identity_CelebA")]
  path = next((path for path in paths if path.is_file()), None)
  if path is None:
    return None
  people = _read_numbers(path, range(1, 1 << 31), "a person's number")
  check_present(names, set(people), path, attribute_file)
  return np.array([people[name] for name in names], np.int32)


def _read_numbers(path: Path, known: range, expected: str) -> dict[str, int]:
  """Reads a list of photos with a number each.

  Raises:
    UserError: a number is not among those `known`, which are `expected`, or a
      photo is listed twice.
  """
  rows: _Rows
  if path.suffix == ".csv":
    rows = read_csv(path)[1]
  else:
    rows = ((n, line.split()) for n, line in enumerate(_read_lines(path), 1))
  numbers: dict[str, int] = {}
  lines: dict[str, int] = {}
  for line, cells in rows:
    number = cells[1].strip() if len(cells) == 2 else ""
    if not _NUMBER.fullmatch(number) or int(number) not in known:
      raise UserError(
        f"{path}, line {line}: {say_cells(cells)} must be an image's name"
        f" and {expected}"
      )
    name = cells[0].strip()
    if name in numbers:
      raise UserError(
        f"{path}, line {line}: {name} is listed on line {lines[name]} too"
      )
    numbers[name], lines[name] = int(number), line
  return numbers


def _assign_stargan_splits(count: int) -> list[str]:
  """Returns the split of each of `count` photos by their order in the list."""
  order = list(range(count))
  random.Random(1234).shuffle(order)
  splits = ["train"] * count
  for position in order[: 2 * _STARGAN_TEST]:
    splits[position] = "validation"
  for position in order[:_STARGAN_TEST]:
    splits[position] = "test"
  return splits
