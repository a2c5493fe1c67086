"""Files with one JSON object a line, as runs append to them."""

import json
import os
from pathlib import Path
from typing import Any

from akd_jax.common.output import note


def read(path: str | os.PathLike) -> list[dict[str, Any]]:
  """Reads the lines that are objects with a whole number as their "step".

  A line that a killed process left half written is left out, and said so on
  standard error; but not the last, which may just be being written.

  Raises:
    OSError: the file cannot be read.
  """
  rows, damaged = [], []
  lines = Path(path).read_text(errors="replace").splitlines()
  for number, line in enumerate(lines, 1):
    row = _row(line)
    if row is not None:
      rows.append(row)
    elif number < len(lines):
      damaged.append(number)
  if damaged:
    note(
      f"{path}: left out what is damaged, line"
      f" {', '.join(map(str, damaged[:10]))}"
    )
  return rows


def _row(line: str) -> dict[str, Any] | None:
  try:
    row = json.loads(line)
  except ValueError:
    return None
  if not isinstance(row, dict):
    return None
  step = row.get("step")
  is_whole = isinstance(step, int) and not isinstance(step, bool)
  return row if is_whole else None
