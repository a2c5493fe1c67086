"""Whether a student's teacher has learnt from the student's own test photos."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.files import is_same_place
from akd_jax.common.output import note
from akd_jax.data import is_drawn
from akd_jax.data.dataset import OPTIONAL
from akd_jax.training import checkpoint, run_dir
from akd_jax.training.data_fields import is_read
from akd_jax.training.same_run import is_same_data

# Of config.data: which photos there are, and which of them are for testing.
_CHOOSING = ("name", "path", "csv", "split", "split_rule", "test_share")
_MEANING = (
  "it may have learnt from photos that are for testing here, and its figures"
  " would be too good"
)


def remark(config: ConfigDict, origins: Mapping[str, str]) -> None:
  """Says where a teacher has learnt from other photos than its student.

  One line on standard error. Teachers in a file are left alone: of those that
  are shipped or converted nobody asks for the same photos.

  Args:
    config: the student's, resolved; it has a teacher.
    origins: digests of what the student learns from.

  Raises:
    UserError: the teacher's config.json cannot be read.
  """
  if run_dir.is_file(config.teacher):
    return
  theirs = run_dir.read_config(config.teacher).data
  known = (checkpoint.read_origins(config.teacher) or {}).get("data")
  same = None
  if known and "data" in origins:
    same = is_same_data(known, origins)
  if line := _compare(config.data, theirs, same):
    note(f"note: the teacher in {config.teacher} {line}")


def _compare(ours: ConfigDict, theirs: ConfigDict, same: bool | None) -> str:
  """Returns what a teacher has learnt from, if that is something else.

  Args:
    ours: config.data of the student.
    theirs: of the teacher.
    same: whether their digests are; None where nobody knows.
  """
  if ours.second or theirs.second:
    return ""
  # Drawn faces of another split or seed are other people.
  if any(is_drawn(data) for data in (ours, theirs)):
    return ""
  fields = [x for x in _CHOOSING if _differs(x, ours, theirs)]
  alike = ("attributes", "label_rule")
  # Digests are of the labels, too.
  if same is not None and all(_same(ours[x], theirs[x]) for x in alike):
    if same:
      fields = []
    elif not fields:
      return f"has learnt from other photos or labels: {_MEANING}"
  if fields:
    return f"was trained with {_say(fields, ours, theirs)}: {_MEANING}"
  if ours.crop != theirs.crop:
    return (
      f"was trained with {_say(['crop'], ours, theirs)}: it has seen another"
      " part of each photo"
    )
  return ""


def _differs(field: str, ours: ConfigDict, theirs: ConfigDict) -> bool:
  if field in OPTIONAL and not (
    is_read(field, ours) and is_read(field, theirs)
  ):
    return False
  if field in ("path", "csv"):
    return not is_same_place(ours[field], theirs[field])
  return ours[field] != theirs[field]


def _same(ours: Any, theirs: Any) -> bool:
  # A tuple that was written as JSON is a list.
  return ours == theirs or list(ours) == list(theirs)


def _say(fields: list[str], ours: ConfigDict, theirs: ConfigDict) -> str:
  """Writes each field with the teacher's value and the student's."""
  return ", ".join(f"data.{x}={theirs[x]!r}, not {ours[x]!r}" for x in fields)
