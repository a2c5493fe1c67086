"""Whether a checkpoint is what was saved: a seal is kept with each.

It holds a digest of every array, and one of all that is small: the place in the
data, the scores, and the digests of what the run learns from. Checkpoints of
earlier versions have no seal; theirs are read, and their numbers have to be
finite.
"""

import functools
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orbax.checkpoint as ocp

from akd_jax.common import pod
from akd_jax.common.array_digest import digest_arrays
from akd_jax.common.errors import UserError
from akd_jax.common.files import digest
from akd_jax.common.json_text import parse
from akd_jax.common.output import note

# Of a checkpoint, what holds the seal.
ITEM = "seal"
_ORBAX_LIST = "_CHECKPOINT_METADATA"


class DamagedError(Exception):
  """A checkpoint is not what was saved; its message says what is wrong."""


class Notes(NamedTuple):
  """All of a checkpoint but its arrays.

  Attributes:
    place: in the data.
    metrics: its scores.
    origins: digests of what the run learns from, by name; empty of a
      checkpoint of an earlier version.
    state_digest: of the arrays; None of an earlier version.
  """

  place: dict[str, Any]
  metrics: dict[str, float]
  origins: dict[str, str]
  state_digest: str | None


class Saved(NamedTuple):
  """A checkpoint that is sound.

  Attributes:
    step: steps done.
    state: nested dictionaries of arrays.
    place: in the data.
    origins: as in `Notes`.
  """

  step: int
  state: dict[str, Any]
  place: dict[str, Any]
  origins: dict[str, str]


def seal(
  state: Mapping[str, Any],
  place: Mapping[str, Any],
  metrics: Mapping[str, float],
  origins: Mapping[str, str],
) -> dict[str, Any]:
  """Returns what is to be kept with a checkpoint, plain JSON."""
  arrays = digest_arrays(state)
  notes = digest(arrays, place, metrics, origins)
  return {"state": arrays, "notes": notes, "origins": dict(origins)}


def read_notes(folder: pathlib.Path) -> Notes:
  """Reads what is small of a checkpoint.

  Raises:
    DamagedError: it is not what was saved.
  """
  place = _read_json(folder / "data" / "metadata")
  metrics = {}
  if (folder / "metrics").exists():
    metrics = _read_json(folder / "metrics" / "metrics")
  if not _is_sealed(folder):
    return Notes(place, metrics, {}, None)
  found = _read_json(folder / ITEM / "metadata")
  arrays, origins = found.get("state"), found.get("origins", {})
  if found.get("notes") != digest(arrays, place, metrics, origins):
    raise DamagedError("its place in the data or its scores were changed")
  return Notes(place, metrics, dict(origins), arrays)


def read(folder: pathlib.Path) -> Saved:
  """Reads a checkpoint, and compares it with its seal.

  Args:
    folder: its name is the step.

  Raises:
    DamagedError: it is not what was saved.
  """
  notes = read_notes(folder)
  try:
    with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as reader:
      state = reader.restore(folder / "state", args=ocp.args.StandardRestore())
  except Exception as error:  # There is no end to what damage may raise.
    _ignore_readers_left_behind()
    raise DamagedError(
      f"its arrays cannot be read, {type(error).__name__}"
    ) from error
  if notes.state_digest is None:
    if not _is_finite(state):
      raise DamagedError("its numbers are not finite")
  elif digest_arrays(state) != notes.state_digest:
    raise DamagedError("its arrays are not those that were saved")
  if int(state["step"]) != int(folder.name):
    raise DamagedError(f"it is of step {int(state['step'])}")
  return Saved(int(folder.name), state, notes.place, notes.origins)


def read_newest_sound(
  root: pathlib.Path, steps: Sequence[int]
) -> tuple[Saved, dict[int, str]]:
  """Reads the newest checkpoint that is sound, on all processes of a pod.

  Returns:
    It, and {step: what is wrong} of those that are newer.

  Raises:
    UserError: none is sound.
  """
  wrong: dict[int, str] = {}
  for step in sorted(steps, reverse=True):
    found = None
    try:
      found = read(root / str(step))
    except DamagedError as error:
      wrong[step] = str(error)
    if all(pod.gather(found is not None)) and found is not None:
      return found, wrong
    wrong.setdefault(step, "another process cannot read it")
  raise UserError(
    f"no checkpoint in {root} is sound ({_listed(wrong)}): put back a copy, or"
    f" remove {root} to begin anew"
  )


def find_faults(root: pathlib.Path, steps: Sequence[int]) -> dict[int, str]:
  """Returns {step: what is wrong} of those whose small parts are damaged."""
  wrong: dict[int, str] = {}
  for step in steps:
    try:
      read_notes(root / str(step))
    except DamagedError as error:
      wrong[step] = str(error)
  return wrong


def say(root: pathlib.Path, step: int, wrong: Mapping[int, str]) -> None:
  """Says in one line what is damaged, and what is used instead."""
  note(
    f"damaged in {root}: {_listed(wrong)}; using the checkpoint of step"
    f" {step:,}"
  )


def set_aside(root: pathlib.Path, step: int) -> None:
  """Gives a damaged checkpoint a name under which nobody takes it up."""
  name, number = f"damaged_{step}", 1
  while (root / name).exists():
    number += 1
    name = f"damaged_{step}_{number}"
  (root / str(step)).rename(root / name)


@functools.cache
def _ignore_readers_left_behind() -> None:
  """Keeps what Orbax was still reading from printing tracebacks.

  It gives up at the first array that fails, and closes the loop to which the
  others report.
  """
  before = sys.unraisablehook

  def hook(unraisable: "sys.UnraisableHookArgs") -> None:
    if str(unraisable.exc_value) != "Event loop is closed":
      before(unraisable)

  sys.unraisablehook = hook


def _listed(wrong: Mapping[int, str]) -> str:
  return ", ".join(f"step {step:,} ({why})" for step, why in wrong.items())


def _is_sealed(folder: pathlib.Path) -> bool:
  """Whether this version saved it: a half copy may lack the seal itself."""
  if (folder / ITEM).exists():
    return True
  try:
    return f'"{ITEM}"' in (folder / _ORBAX_LIST).read_text()
  except FileNotFoundError:
    return False
  except (OSError, ValueError) as error:
    raise DamagedError(f"{_ORBAX_LIST} cannot be read") from error


def _read_json(path: pathlib.Path) -> dict[str, Any]:
  what = f"{path.parent.name}/{path.name}"
  try:
    found = parse(path.read_text())
  except FileNotFoundError as error:
    raise DamagedError(f"{what} is missing") from error
  except (OSError, ValueError) as error:
    raise DamagedError(f"{what} cannot be read") from error
  if not isinstance(found, dict):
    raise DamagedError(f"{what} is no object")
  return found


def _is_finite(tree: Mapping[str, Any]) -> bool:
  for value in tree.values():
    if isinstance(value, Mapping):
      if not _is_finite(value):
        return False
    elif value is not None and not np.isfinite(value).all():
      return False
  return True
