"""A run's metrics.jsonl: what training has measured, an object a line.

Each has `step`, `time` (seconds since 1970) and every scalar of that step by
its name; `uptime`, seconds since its process began, is among them.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.common.files import write_whole
from akd_jax.common.json_text import parse
from akd_jax.common.output import note
from akd_jax.plotting.curves import Terms

# In a run's directory.
NAME = "metrics.jsonl"
# Before the name of a loss term: that term times its weight.
WEIGHTED = "weighted/"
# The score of held-out pictures; "/" and an attribute's name may follow.
ACCURACY = "held_out/accuracy"
# When a line was written, which says nothing of the run.
_CLOCKS = ("time", "uptime")


class Training(NamedTuple):
  """What the file says of a run.

  Attributes:
    seconds: how long it was trained, over all processes that took it up.
    losses: weighted terms, means over the last tenth of the steps.
  """

  seconds: float
  losses: dict[str, float]


def append(workdir: str | os.PathLike, row: Mapping[str, Any]) -> None:
  """Appends a line to WORKDIR/metrics.jsonl."""
  with Path(workdir, NAME).open("a") as file:
    file.write(json.dumps(row) + "\n")


def forget_after(workdir: str | os.PathLike, step: int) -> None:
  """Drops the lines of metrics.jsonl behind the checkpoint of a resumed run.

  Those steps are done again. A line that a killed process left half written
  goes, too, wherever it stands.

  Raises:
    UserError: the file is there and cannot be read.
  """
  path = Path(workdir, NAME)
  if not path.exists():
    return
  kept = [json.dumps(row) + "\n" for row in _read(path) if row["step"] <= step]
  with write_whole(path) as temporary:
    temporary.write_text("".join(kept))


def read_terms(workdir: str | os.PathLike) -> Terms:
  """Reads the terms of WORKDIR/metrics.jsonl, finite values only.

  Raises:
    UserError: it cannot be read.
  """
  terms: dict[str, dict[int, float]] = {}
  for row in _read(Path(workdir, NAME)):
    step = row.pop("step")
    for name, value in row.items():
      if isinstance(value, int | float) and np.isfinite(value):
        terms.setdefault(name, {})[step] = value
  return {
    name: (np.array(list(values)), np.array(list(values.values())))
    for name, values in terms.items()
  }


def list_terms(runs: Mapping[str, Terms]) -> list[str]:
  """Lists what runs have a curve of.

  Without times, loss terms times their weights, and scores of one attribute.
  """
  known = dict.fromkeys(name for run in runs.values() for name in run)
  return [
    name
    for name in known
    if name not in _CLOCKS
    and not name.startswith(WEIGHTED)
    # A panel an attribute would hide all others.
    and f"{ACCURACY}/" not in name
  ]


def read_training(workdir: str | os.PathLike) -> Training:
  """Reads from WORKDIR/metrics.jsonl how long a run took and where it ended.

  Raises:
    UserError: it cannot be read, or has no line yet.
  """
  path = Path(workdir, NAME)
  rows = _read(path)
  if not rows:
    raise UserError(f"{path} has no line that is whole")
  seconds = 0.0
  before = {"uptime": 0.0, "time": -math.inf}
  for now in [row for row in rows if "uptime" in row]:
    # Another process took it up, which began after the last line of that one;
    # or one on a host whose clock is behind.
    began = now["time"] - now["uptime"]
    if began >= before["time"] or now["uptime"] < before["uptime"]:
      before = {"uptime": 0.0}
    seconds += now["uptime"] - before["uptime"]
    before = now
  late = [row for row in rows if row["step"] > 0.9 * rows[-1]["step"]]
  terms: dict[str, list[float]] = {}
  for row in late:
    for name, value in row.items():
      if name.startswith(WEIGHTED):
        terms.setdefault(name.removeprefix(WEIGHTED), []).append(value)
  losses = {name: sum(terms[name]) / len(terms[name]) for name in terms}
  return Training(seconds, losses)


def _read(path: Path) -> list[dict[str, Any]]:
  """Reads the lines that are objects with a whole number as their "step".

  A line that a killed process left half written is left out, and said so on
  standard error; but not the last, which may just be being written.
  """
  try:
    lines = path.read_text(errors="replace").splitlines()
  except OSError as error:
    raise UserError(f"cannot read {path}: {error.strerror}") from error
  rows, damaged = [], []
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
    row = parse(line)
  except ValueError:
    return None
  if not isinstance(row, dict):
    return None
  step = row.get("step")
  is_whole = isinstance(step, int) and not isinstance(step, bool)
  return row if is_whole else None
