"""Checkpoints: a run can be stopped at any moment and taken up exactly.

They are Orbax's, of host NumPy arrays: it refuses pmap's host-local ones on a
pod. Each holds the training state, the place in the data, and the config with
the names of the attributes.
"""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import orbax.checkpoint as ocp
from flax import serialization
from ml_collections import ConfigDict
from orbax.checkpoint import checkpoint_managers

from akd_jax.training.state import TrainState


class Checkpoints:
  """The checkpoints of a run: the last few, and the best by a metric."""

  def __init__(self, workdir: str, config: ConfigDict):
    """Opens (and creates) WORKDIR/checkpoints.

    Args:
      workdir: the run's directory.
      config: resolved. The last `config.keep` are kept, and the one with the
        lowest `config.best_metric` of those given to `save`; "" keeps none
        for that.
    """
    self._config = json.loads(config.to_json_best_effort())
    best_metric = config.best_metric
    policies: list[Any] = [checkpoint_managers.LatestN(config.keep)]
    if best_metric:
      best = checkpoint_managers.BestN(
        get_metric_fn=lambda metrics: metrics[best_metric], reverse=True, n=1
      )
      policies.append(best)
    self._manager = ocp.CheckpointManager(
      _directory(workdir),
      options=ocp.CheckpointManagerOptions(
        preservation_policy=checkpoint_managers.AnyPreservationPolicy(policies),
        # It decides nothing beside a policy, but without one Orbax writes no
        # metrics, and a resumed run forgets which of its checkpoints was best.
        best_fn=lambda metrics: metrics[best_metric],
        best_mode="min",
        cleanup_tmp_directories=True,
      ),
    )

  @property
  def latest_step(self) -> int | None:
    """Step of the last whole checkpoint."""
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
        state=ocp.args.StandardSave(serialization.to_state_dict(host)),
        data=ocp.args.JsonSave(data_state),
        config=ocp.args.JsonSave(self._config),
      ),
      metrics=metrics,
    )

  def restore(self, state: TrainState) -> tuple[TrainState, dict[str, Any]]:
    """The last checkpoint, in the shape of `state`, and the data's place."""
    restored = self._manager.restore(
      self.latest_step,
      args=ocp.args.Composite(
        state=ocp.args.StandardRestore(
          serialization.to_state_dict(jax.device_get(state))
        ),
        data=ocp.args.JsonRestore(),
      ),
    )
    host = serialization.from_state_dict(state, restored["state"])
    return host, restored["data"]

  def close(self) -> None:
    """Waits until everything is written."""
    self._manager.wait_until_finished()
    self._manager.close()


def _directory(workdir: str) -> pathlib.Path:
  return pathlib.Path(workdir).absolute() / "checkpoints"


def steps_saved(workdir: str) -> Sequence[int]:
  """Steps of the whole checkpoints of a run, in order."""
  root = _directory(workdir)
  if not root.is_dir():
    return []
  return sorted(int(p.name) for p in root.iterdir() if p.name.isdigit())


def load_state(workdir: str, step: int) -> dict[str, Any]:
  """The training state of a checkpoint, as nested dictionaries of arrays."""
  with ocp.CheckpointManager(_directory(workdir)) as manager:
    return manager.restore(
      step, args=ocp.args.Composite(state=ocp.args.StandardRestore())
    )["state"]
