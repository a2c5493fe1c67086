"""Checkpoints: a run can be stopped at any moment and taken up exactly.

They are Orbax's, of host NumPy arrays: it refuses pmap's host-local ones on a
pod. Each holds the training state, the place in the data, the config with the
names of the attributes, and a seal by which damage is noticed (integrity.py).
"""

import contextlib
import functools
import json
import math
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import jax
import orbax.checkpoint as ocp
from flax import serialization
from ml_collections import ConfigDict
from orbax.checkpoint import checkpoint_managers, multihost

from akd_jax.common import pod
from akd_jax.common.errors import UserError
from akd_jax.common.output import note
from akd_jax.training import integrity
from akd_jax.training.state import TrainState

# Fields of the state that are left out where they are None.
_OPTIONAL = ("learnt", "learnt_moments", "statistics")


class Checkpoints:
  """The checkpoints of a run: the last few, and the best by a score."""

  def __init__(
    self,
    workdir: str,
    config: ConfigDict,
    origins: Mapping[str, str] | None = None,
  ):
    """Opens (and creates) WORKDIR/checkpoints; damaged ones are set aside.

    Args:
      workdir: the run's directory.
      config: resolved. The last `config.keep` are kept, and the one with the
        highest `config.best_metric` of those given to `save`; "" keeps none
        for that.
      origins: digests of what the run learns from, by name, to be kept with
        each checkpoint.

    Raises:
      UserError: there are checkpoints, and all are damaged.
    """
    self._config = json.loads(config.to_json_best_effort())
    self._origins = dict(origins or {})
    self._found = _take_up(workdir)
    score = functools.partial(_score, config.best_metric)
    policies: list[Any] = [checkpoint_managers.LatestN(config.keep)]
    if config.best_metric:
      policies.append(checkpoint_managers.BestN(get_metric_fn=score, n=1))
    self._manager = ocp.CheckpointManager(
      directory(workdir),
      options=ocp.CheckpointManagerOptions(
        preservation_policy=checkpoint_managers.AnyPreservationPolicy(policies),
        # It decides nothing beside a policy, but without one Orbax writes no
        # metrics, and a resumed run forgets which of its checkpoints was best.
        best_fn=score,
        best_mode="max",
        cleanup_tmp_directories=True,
        async_options=ocp.AsyncOptions(barrier_sync_fn=_meet),
      ),
    )

  @property
  def latest_step(self) -> int | None:
    """The step of the last whole checkpoint."""
    return self._manager.latest_step()

  def save(
    self,
    state: TrainState,
    data_state: dict[str, Any],
    metrics: dict[str, float],
  ) -> None:
    """Copies to the host, then writes in the background."""
    host = jax.device_get(state)
    saved = _saved(host)
    seal = integrity.seal(saved, data_state, metrics, self._origins)
    self._manager.save(
      int(host.step),
      args=ocp.args.Composite(
        state=ocp.args.StandardSave(saved),
        data=ocp.args.JsonSave(data_state),
        config=ocp.args.JsonSave(self._config),
        **{integrity.ITEM: ocp.args.JsonSave(seal)},
      ),
      metrics=metrics,
    )

  def restore(self, state: TrainState) -> tuple[TrainState, dict[str, Any]]:
    """Returns what was found: a state like `state`, the place in the data.

    Works once: the arrays are then let go.
    """
    if self._found is None:
      raise ValueError("there is no checkpoint")
    found, self._found = self._found, None
    fields = dict.fromkeys(_OPTIONAL) | found.state
    return serialization.from_state_dict(state, fields), found.place

  def close(self) -> None:
    """Waits until everything is written."""
    self._manager.wait_until_finished()
    self._manager.close()


def _meet(*, key: str, timeout_ms: int) -> None:
  """Waits for the other processes of a pod, as Orbax does; not with an error.

  It would have whoever could not write wait for the others first, and they wait
  for what is to be written.
  """
  if error := sys.exc_info()[1]:
    raise error
  multihost.get_barrier_sync_fn()(key=key, timeout_ms=timeout_ms)


def _take_up(workdir: str) -> integrity.Saved | None:
  """Reads the newest checkpoint that is sound; None where there is none.

  Those that are not get another name, which says so.
  """
  saved = list_steps(workdir)
  if not saved:
    return None
  root = directory(workdir)
  found, faults = integrity.read_newest_sound(root, saved)
  # Which is best is asked of all of them, when the next one is saved.
  faults |= integrity.find_faults(root, [s for s in saved if s < found.step])
  if jax.process_index() == 0:
    for step in faults:
      integrity.set_aside(root, step)
    if faults:
      integrity.say(root, found.step, faults)
  pod.gather("damaged checkpoints have their names")
  return found


def _saved(state: TrainState) -> dict[str, Any]:
  """What is written of a state: earlier versions have not all of it."""
  fields: dict[str, Any] = serialization.to_state_dict(state)
  return {
    name: value
    for name, value in fields.items()
    if name not in _OPTIONAL or value is not None
  }


def _score(name: str, metrics: dict[str, float] | None) -> float:
  """Of a checkpoint; where it was not scored, any other is better."""
  return (metrics or {}).get(name, -math.inf)


def directory(workdir: str) -> pathlib.Path:
  """Returns WORKDIR/checkpoints."""
  return pathlib.Path(workdir).absolute() / "checkpoints"


def list_steps(workdir: str) -> list[int]:
  """Returns the steps of the checkpoints of a run, in order.

  They were written whole; whether they still are, only reading them says.
  """
  root = directory(workdir)
  if not root.is_dir():
    return []
  return sorted(int(p.name) for p in root.iterdir() if p.name.isdigit())


def find_best_step(workdir: str, best_metric: str) -> int:
  """Returns the step of the checkpoint with the highest score.

  Raises:
    UserError: none of them has been scored.
  """
  root = directory(workdir)
  scored = {}
  for step in list_steps(workdir):
    try:
      found = integrity.read_notes(root / str(step)).metrics
    except integrity.DamagedError as error:
      note(f"{root / str(step)}: {error}; it is passed over")
      continue
    if best_metric in found:
      scored[step] = found[best_metric]
  if not scored:
    raise UserError(
      f"no checkpoint of {workdir} has a {best_metric or 'score'}: --step=best"
      " needs a run with config.best_metric and config.held_out.images > 0"
    )
  return max(scored, key=lambda step: (scored[step], step))


def read_origins(workdir: str) -> dict[str, str] | None:
  """Returns the digests of what a run has learnt from, by name.

  None where it has no checkpoint yet, and nothing of earlier versions'.
  """
  root = directory(workdir)
  for step in reversed(list_steps(workdir)):
    with contextlib.suppress(integrity.DamagedError):
      return integrity.read_notes(root / str(step)).origins
  return {} if list_steps(workdir) else None


def is_sound(workdir: str, step: int) -> bool:
  """Whether a checkpoint is what was saved. It is read once a process."""
  folder = directory(workdir) / str(step)
  return _is_sound(folder, folder.stat().st_mtime_ns)


@functools.cache
def _is_sound(folder: pathlib.Path, changed: int) -> bool:
  del changed  # Another folder by the same name is another.
  try:
    integrity.read(folder)
  except integrity.DamagedError:
    return False
  return True


def load_newest(workdir: str) -> integrity.Saved:
  """Reads the newest checkpoint that is sound; says which are not.

  Raises:
    UserError: none is sound, or none there.
  """
  saved = list_steps(workdir)
  if not saved:
    raise UserError(f"{workdir} has no checkpoint yet")
  root = directory(workdir)
  found, faults = integrity.read_newest_sound(root, saved)
  if faults:
    integrity.say(root, found.step, faults)
  return found


def load(workdir: str, step: int) -> integrity.Saved:
  """Reads one checkpoint.

  Raises:
    UserError: it is damaged.
  """
  root = directory(workdir)
  try:
    return integrity.read(root / str(step))
  except integrity.DamagedError as error:
    raise UserError(
      f"the checkpoint {root / str(step)} is damaged ({error}); name another"
      " by --step, or none for the last that is sound"
    ) from None
