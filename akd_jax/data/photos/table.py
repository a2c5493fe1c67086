"""A folder of photos and a CSV of 0/1 attributes."""

import functools
import os
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import attribute_indices
from akd_jax.data.dataset import Dataset
from akd_jax.data.photos.csv_text import read_csv
from akd_jax.data.photos.listing import (
  find_folder,
  is_photo,
  list_beside,
  list_folder,
  list_photos,
  list_tables,
  list_unnamed,
  normalize,
  say_kinds,
  say_some,
  split_of_name,
)
from akd_jax.data.photos.matching import match
from akd_jax.data.photos.source import (
  Photos,
  PhotoSource,
  assign_split,
  find_exclusive,
  open_photos,
  split_by_share,
)

# What a value says: not there, there, or not there where -1 says so. Decimals
# and words are how pandas writes numbers beside gaps, and booleans.
_CODES = {
  "0": 0, "1": 1, "-1": 2, "0.0": 0, "1.0": 1, "-1.0": 2,
  "false": 0, "true": 1,
}  # fmt: skip


def open_table(data: ConfigDict, split: str) -> PhotoSource:
  """Opens a folder of photos labelled by a CSV.

  The CSV has a header. Its first column holds file names relative to data.path,
  and the others 0/1, -1/1 or true/false. Commas, semicolons or tabs separate
  them. data.csv names it; "" is the only .csv in the folder. data.attributes
  are the columns to read; () is all. Photos that are not there are an error, or
  left out with data.skip_unreadable.

  The split of a photo depends on its path alone, however it is written, so that
  adding a photo never moves another: data.test_share of them are for test, and
  half as many for validation.

  Raises:
    UserError: the folder or the CSV is not as it should be, or a field is
      wrong.
  """
  root, table = _find_table(data)
  header, rows = read_csv(table)
  attributes = tuple(data.attributes) or tuple(header[1:])
  names, labels = read_labels(rows, header[1:], attributes, table)
  paths = [posixpath.normpath(name) for name in names]
  hint = _say_where(root, table, paths[0])
  found = match(
    paths, list_beside(root, paths), root, table, data.skip_unreadable, hint,
    list_unnamed(root, paths),
  )  # fmt: skip
  return open_photos(
    data,
    split,
    Photos(
      where=str(root),
      names=found.names,
      splits=[assign_split(paths[i], data.test_share) for i in found.rows],
      labels=labels[found.rows],
      attributes=attributes,
      exclusive=find_exclusive(header[1:]),
      read=functools.partial(Path, root),
      split_by=split_by_share(data),
      remarks=found.remarks,
    ),
  )


def find_columns(data: ConfigDict) -> tuple[str, ...]:
  """Returns the attributes that a table has columns of.

  Raises:
    UserError: the folder or the CSV is not one of `open_table`.
  """
  header, _ = read_csv(_find_table(data)[1])
  return tuple(header[1:])


TABLE = Dataset(open_table, find_columns, reads=("csv", "test_share"))


def names_some(root: Path, name: str) -> bool:
  """Whether a CSV names some photo, if a folder too high.

  Raises:
    UserError: it cannot be read.
  """
  rows = read_csv(root / name)[1]
  paths = [posixpath.normpath(cells[0].strip()) for _, cells in rows]
  try:
    present = {x for x in list_beside(root, paths) if is_photo(x)}
  except UserError:
    present = set()
  for folder in list_folder(root).folders:
    present.update(list_photos(root / folder))
  return not {normalize(x) for x in present}.isdisjoint(map(normalize, paths))


def _find_table(data: ConfigDict) -> tuple[Path, Path]:
  """Returns the folder and its CSV."""
  root = find_folder(data, "a folder of images with a CSV of attributes")
  if not data.csv:
    return root, _only_csv(root)
  return root, root / os.path.expanduser(data.csv)


def _only_csv(root: Path) -> Path:
  found = list_folder(root)
  tables = list_tables(found)
  if len(tables) == 1:
    return root / tables[0]
  there = say_some(tables) or say_kinds(found.others) or "none"
  deeper = [
    f"{folder}/{name}"
    for folder in found.folders
    if split_of_name(folder) != "test" and not tables
    for name in list_tables(list_folder(root / folder))
  ]
  more = f"; there is {say_some(deeper)} in its folders" if deeper else ""
  raise UserError(
    f"config.data.csv is empty and {root} has not exactly one .csv ({there});"
    f" name the table{more}"
  )


def _say_where(root: Path, table: Path, name: str) -> str:
  """Returns where the photos of a table are, if they are a folder deeper."""
  if os.path.exists(root / name):
    return ""
  # Photos to test with are never proposed: they may have the same names.
  folders = [
    root / x
    for x in list_folder(root).folders
    if os.path.exists(root / x / name) and split_of_name(x) != "test"
  ]
  if len(folders) > 1:
    return f"; they may be in one of {say_some(folders)}: set config.data.path"
  return "".join(
    f"; {name} is in {x}: set config.data.path={x} and"
    f" config.data.csv={os.path.relpath(table, x)}"
    for x in folders
  )


def read_labels(
  rows: Iterable[tuple[int, Sequence[str]]],
  columns: Sequence[str],
  wanted: Sequence[str],
  where: Path,
) -> tuple[list[str], np.ndarray]:
  """Reads the wanted columns of a label list.

  Args:
    rows: line number and cells: an image's name, then one value a column.
    columns: names of the columns after the first.
    wanted: names of those to read, in this order.
    where: the file, for errors.

  Returns:
    Names [N] and labels uint8 [N, C], 0 or 1.

  Raises:
    UserError: a wanted column is missing, a row has another length than the
      header, a value is none of 0/1, -1/1 and true/false, or an image is listed
      twice.
  """
  indices = attribute_indices(columns, wanted, str(where))
  names: dict[str, int] = {}
  codes = bytearray()
  for line, cells in rows:
    if len(cells) != len(columns) + 1:
      raise UserError(
        f"{where}, line {line}: {len(cells) - 1} values, but the header"
        f" names {len(columns)} attributes"
      )
    name = cells[0].strip()
    if not name:
      raise UserError(f"{where}, line {line}: there is no image's name")
    if name in names:
      raise UserError(
        f"{where}, line {line}: {name} is listed on line {names[name]} too"
      )
    names[name] = line
    for index in indices:
      value = cells[index + 1].strip()
      code = _CODES.get(value.lower())
      if code is None:
        raise UserError(
          f"{where}, line {line}, column {columns[index]}: {value[:40]!r} must"
          f" be 0/1, -1/1 or true/false{_say_remedy(value)}"
        )
      codes.append(code)
  table = np.frombuffer(codes, np.uint8).reshape(len(names), len(indices))
  if (table == 0).any() and (table == 2).any():
    row, column = np.argwhere(table == 0)[0]
    raise UserError(
      f"{where}, line {list(names.values())[row]}, column {wanted[column]}:"
      " 0 in a list of -1/1; which of 0/1 and -1/1 is meant?"
    )
  return list(names), (table == 1).astype(np.uint8)


def _say_remedy(value: str) -> str:
  """Returns what to do about a value that may be right, and no attribute's."""
  if not value:
    return ""
  # A number may be an age; a word, one of several classes.
  words = not value.lstrip("-").replace(".", "").isdigit()
  each = "give each of its words a column of 0/1, or " if words else ""
  return f"; {each}name the columns to read by config.data.attributes"
