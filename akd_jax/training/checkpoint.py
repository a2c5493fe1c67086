"""Checkpoints: a run can be stopped at any moment and taken up exactly.

They are Orbax's, of host NumPy arrays: it refuses pmap's host-local ones on a
pod. Each holds the training state, the place in the data, and the config with
the names of the attributes.
"""

import functools
import json
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import orbax.checkpoint as ocp
from flax import serialization
from ml_collections import ConfigDict
from orbax.checkpoint import checkpoint_managers

from akd_jax.common.errors import UserError
from akd_jax.training.state import TrainState

# Fields of the state that are left out where they are None.
_OPTIONAL = ("learnt", "learnt_moments")


class Checkpoints:
  """The checkpoints of a run: the last few, and the best by a score."""

  def __init__(self, workdir: str, config: ConfigDict):
    """Opens (and creates) WORKDIR/checkpoints.

    Args:
      workdir: the run's directory.
      config: resolved. The last `config.keep` are kept, and the one with the
        highest `config.best_metric` of those given to `save`; "" keeps none
        for that.
    """
    self._config = json.loads(config.to_json_best_effort())
    score = functools.partial(_score, config.best_metric)
    policies: list[Any] = [checkpoint_managers.LatestN(config.keep)]
    if config.best_metric:
      policies.append(checkpoint_managers.BestN(get_metric_fn=score, n=1))
    self._manager = ocp.CheckpointManager(
      _directory(workdir),
      options=ocp.CheckpointManagerOptions(
        preservation_policy=checkpoint_managers.AnyPreservationPolicy(policies),
        # It decides nothing beside a policy, but without one Orbax writes no
        # metrics, and a resumed run forgets which of its checkpoints was best.
        best_fn=score,
        best_mode="max",
        cleanup_tmp_directories=True,
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
    self._manager.save(
      int(host.step),
      args=ocp.args.Composite(
        state=ocp.args.StandardSave(_saved(host)),
        data=ocp.args.JsonSave(data_state),
        config=ocp.args.JsonSave(self._config),
      ),
      metrics=metrics,
    )

  def restore(self, state: TrainState) -> tuple[TrainState, dict[str, Any]]:
    """Restores the last checkpoint: like `state`, and the place in the data."""
    restored = self._manager.restore(
      self.latest_step,
      args=ocp.args.Composite(
        state=ocp.args.StandardRestore(_saved(jax.device_get(state))),
        data=ocp.args.JsonRestore(),
      ),
    )
    found = dict.fromkeys(_OPTIONAL) | restored["state"]
    host = serialization.from_state_dict(state, found)
    return host, restored["data"]

  def close(self) -> None:
    """Waits until everything is written."""
    self._manager.wait_until_finished()
    self._manager.close()


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


def _directory(workdir: str) -> pathlib.Path:
  return pathlib.Path(workdir).absolute() / "checkpoints"


def steps_saved(workdir: str) -> Sequence[int]:
  """Returns the steps of the whole checkpoints of a run, in order."""
  root = _directory(workdir)
  if not root.is_dir():
    return []
  return sorted(int(p.name) for p in root.iterdir() if p.name.isdigit())


def best_step(workdir: str, best_metric: str) -> int:
  """Returns the step of the checkpoint with the highest score.

  Raises:
    UserError: none of them has been scored.
  """
  with ocp.CheckpointManager(
    _directory(workdir), item_names=("metrics",)
  ) as manager:
    scores = {step: manager.metrics(step) for step in steps_saved(workdir)}
  scored = {
    step: found[best_metric]
    for step, found in scores.items()
    if found and best_metric in found
  }
  if not scored:
    raise UserError(
      f"no checkpoint of {workdir} has a {best_metric or 'score'}: --step=best"
      " needs a run with config.best_metric and config.held_out.images > 0"
    )
  return max(scored, key=lambda step: (scored[step], step))


def load_state(workdir: str, step: int) -> dict[str, Any]:
  """Reads the training state of a checkpoint: nested dictionaries of arrays."""
  with ocp.CheckpointManager(_directory(workdir)) as manager:
    return manager.restore(
      step, args=ocp.args.Composite(state=ocp.args.StandardRestore())
    )["state"]
