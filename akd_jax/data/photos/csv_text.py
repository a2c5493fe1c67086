"""Lists of photos as text: their encoding, their separator, their columns."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from akd_jax.common.errors import UserError, reason_of
from akd_jax.data.attributes import check_names
from akd_jax.data.photos.listing import is_photo

_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SEPARATORS = (",", ";", "\t")
# Values of attributes, and not their names.
_VALUES = ("0", "1", "-1")

# Numbered lines of cells.
Rows = list[tuple[int, list[str]]]


def read_text(path: Path) -> str:
  """Reads a text in UTF-8, or in UTF-16 where it begins with its mark.

  Raises:
    UserError: it cannot be read, or is in another encoding.
  """
  try:
    content = path.read_bytes()
    encoding = _MARKS.get(content[:2], "utf-8-sig")
    text = content.decode(encoding)
  except UnicodeDecodeError as error:
    line = content[: error.start].count(b"\n") + 1
    raise UserError(
      f"cannot read {path}: it is not UTF-8, first at byte"
      f" 0x{content[error.start]:02x} in line {line}; save it as UTF-8"
    ) from error
  except (OSError, ValueError) as error:
    raise UserError(f"cannot read {path}: {reason_of(error)}") from error
  if "\0" in text:
    raise UserError(
      f"cannot read {path}: it has bytes of value 0, as UTF-16 without a mark"
      " and files that are no text do; save it as UTF-8"
    )
  return text


def read_csv(table: Path) -> tuple[list[str], Rows]:
  """Reads a CSV: its header, and each row that is not empty with its number.

  Commas, semicolons or tabs separate its cells.

  Raises:
    UserError: the file cannot be read, has no header or no row, or its first
      column does not hold the file names.
  """
  text = read_text(table)
  lines = csv.reader(
    io.StringIO(text, newline=""),
    delimiter=_find_separator(text),
    skipinitialspace=True,
  )
  try:
    header = [cell.strip() for cell in next(lines, [])]
    rows = [(lines.line_num, row) for row in lines if row]
  except csv.Error as error:
    raise UserError(
      f"cannot read the table {table}, line {lines.line_num}: {error}"
    ) from error
  if _is_row(header, rows):
    raise UserError(
      f"{table} has no header: line 1 is {say_cells(header)}, and should name"
      " the columns (file name, then attributes)"
    )
  if len(header) < 2 or not rows:
    raise UserError(
      f"{table} needs a header (file name, then attributes) and a line for"
      " each image, with commas, semicolons or tabs between cells"
    )
  _check_order(header, rows[0][1], table)
  check_names(header[1:], str(table))
  return header, rows


def _is_row(header: Sequence[str], rows: Rows) -> bool:
  """Whether a header is like the rows below it."""
  if any(is_photo(name) for name in header[:1]):
    return True
  named = any(is_photo(row[0].strip()) for _, row in rows[:1])
  return not named and len(header) > 1 and set(header[1:]) <= set(_VALUES)


def say_cells(cells: Sequence[str]) -> str:
  """Writes out a line of a table, as far as there is room in a message."""
  return repr(" ".join(cells)[:60])


def _find_separator(text: str) -> str:
  """Returns what the first two lines have most of; a comma if nothing."""
  first, second, *_ = [*text.split("\n", 2), "", ""]
  return max(_SEPARATORS, key=lambda x: (first.count(x) > 0) + second.count(x))


def _check_order(
  header: Sequence[str], row: Sequence[str], table: Path
) -> None:
  """Refuses a table whose file names are in another column than the first."""
  named = [i for i, cell in enumerate(row) if is_photo(cell.strip())]
  if named and named[0] and named[0] < len(header):
    first, column = header[0] or "a row's number", header[named[0]]
    raise UserError(
      f"{table} has its file names in column {named[0] + 1} ({column}); they"
      f" have to be in the first, where it has {first} (pandas writes no"
      " numbers with index=False)"
    )
