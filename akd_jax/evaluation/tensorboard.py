"""An evaluation's figures for TensorBoard, beside the curves of training."""

import pathlib
import time
from collections.abc import Mapping
from typing import Any

from akd_jax.common.files import write_whole
from akd_jax.evaluation.metrics import METRICS

# The evaluation's own, so that another one replaces it.
_NAME = "events.out.tfevents.evaluation"


def write(result: Mapping[str, Any], workdir: pathlib.Path) -> None:
  """Writes every figure of every network at the step that was evaluated.

  Args:
    result: evaluation.json.
    workdir: the run's directory.
  """
  # Here, since few modules need it; none of them is TensorFlow.
  from tensorboard.compat.proto.event_pb2 import Event
  from tensorboard.compat.proto.summary_pb2 import Summary
  from tensorboard.summary.writer.record_writer import RecordWriter

  values = []
  for title, network in result["networks"].items():
    for name, metric in METRICS.items():
      figure = metric.read(network, None).value
      if figure is not None:
        values.append(
          Summary.Value(tag=f"evaluation_{title}/{name}", simple_value=figure)
        )
  now = time.time()
  with (
    write_whole(workdir / _NAME) as temporary,
    open(temporary, "wb") as file,
  ):
    records = RecordWriter(file)
    # The first record names the format.
    for event in (
      Event(wall_time=now, file_version="brain.Event:2"),
      Event(wall_time=now, step=result["step"], summary=Summary(value=values)),
    ):
      records.write(event.SerializeToString())
