"""A folder of photos and a CSV of 0/1 attributes."""

import csv
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import attribute_indices
from akd_jax.data.dataset import Dataset
from akd_jax.data.photos.source import (
  Photos,
  PhotoSource,
  assign_split,
  check_present,
  find_exclusive,
  find_folder,
  find_present,
  list_folders,
  photo_source,
)

_CODES = {"0": 0, "1": 1, "-1": 2}


def open_table(data: ConfigDict, split: str) -> PhotoSource:
  """Opens a folder of photos labelled by a CSV.

  The CSV has a header. Its first column holds file names relative to data.path,
  and the others 0/1 or -1/1. data.csv names it; "" is the only .csv in the
  folder. data.attributes are the columns to read; () is all.

  The split of a photo depends on its name alone, so that adding a photo never
  moves another: data.test_share of them are for test, and half as many for
  validation.

  Raises:
    UserError: the folder or the CSV is not as it should be, or a field is
      wrong.
  """
  root, table = _find_table(data)
  header, rows = read_csv(table)
  attributes = tuple(data.attributes) or tuple(header[1:])
  names, labels = read_labels(rows, header[1:], attributes, table)
  present = find_present(root, names)
  if not present:
    for folder in list_folders(root):
      if find_present(folder, names[:1]):
        raise UserError(
          f"the images of {table} are in {folder}; set"
          f" config.data.path={folder} and config.data.csv={table}"
        )
  check_present(names, present, root, table)
  return photo_source(
    data,
    split,
    Photos(
      where=str(root),
      names=names,
      splits=[assign_split(name, data.test_share) for name in names],
      labels=labels,
      attributes=attributes,
      exclusive=find_exclusive(header[1:]),
      read=functools.partial(Path, root),
    ),
  )


def find_columns(data: ConfigDict) -> tuple[str, ...]:
  """Returns the attributes that a table has columns of.

  Raises:
    UserError: the folder or the CSV is not one of `open_table`.
  """
  header, _ = read_csv(_find_table(data)[1])
  return tuple(header[1:])


TABLE = Dataset(open_table, find_columns)


def _find_table(data: ConfigDict) -> tuple[Path, Path]:
  """Returns the folder and its CSV."""
  root = find_folder(data, "a folder of images with a CSV of attributes")
  return root, root / data.csv if data.csv else _only_csv(root)


def _only_csv(root: Path) -> Path:
  tables = sorted(root.glob("*.csv"))
  if len(tables) != 1:
    found = ", ".join(table.name for table in tables) or "none"
    raise UserError(
      f"config.data.csv is empty and {root} has not exactly one .csv"
      f" ({found}); name the table"
    )
  return tables[0]


def read_csv(table: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
  """Reads a CSV: its header, and each row that is not empty with its number.

  Raises:
    UserError: the file cannot be read, or has no header or no row.
  """
  try:
    with open(table, encoding="utf-8-sig", newline="") as file:
      reader = csv.reader(file)
      header = [cell.strip() for cell in next(reader, [])]
      rows = [(reader.line_num, row) for row in reader if row]
  except (OSError, UnicodeDecodeError, csv.Error) as error:
    reason = getattr(error, "strerror", None) or error
    raise UserError(f"cannot read the table {table}: {reason}") from error
  if len(header) < 2 or not rows:
    raise UserError(
      f"{table} needs a header (file name, then attributes) and a line for"
      " each image"
    )
  return header, rows


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
      header, a value is neither 0/1 nor -1/1, or an image is listed twice.
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
    if name in names:
      raise UserError(
        f"{where}, line {line}: {name} is listed on line {names[name]} too"
      )
    names[name] = line
    for index in indices:
      code = _CODES.get(cells[index + 1].strip())
      if code is None:
        raise UserError(
          f"{where}, line {line}, column {columns[index]}:"
          f" {cells[index + 1].strip()!r} must be 0/1 or -1/1"
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
