"""Where the numbers of training go: metrics.jsonl, TensorBoard, the terminal.

Imports clu's writers, hence TensorFlow: for training only.
"""

import time
from collections.abc import Mapping
from typing import Any

from clu import metric_writers

from akd_jax.training import metrics_file
from akd_jax.training.metrics_file import ACCURACY
from akd_jax.training.pace import format_duration

# Terms that the terminal shows first.
_FIRST = ("d_loss_cls", "g_loss_cls", "g_loss_rec")
# Terms that it never shows; every other g_loss_ term it does.
_HIDDEN = ("g_loss_fake", "g_loss_mask")
# Of how many attributes it shows the held-out score: the lowest ones.
_LOWEST = 3


class _ScalarWriter(metric_writers.MultiWriter):
  """A writer (to nowhere) of everything that is not a scalar."""

  def __init__(self) -> None:
    super().__init__([])


class JsonLinesWriter(_ScalarWriter):
  """Appends one line a step to metrics.jsonl."""

  def __init__(self, workdir: str):
    super().__init__()
    self._workdir = workdir
    self._step: int | None = None
    self._row: dict[str, Any] = {}

  def write_scalars(self, step: int, scalars: Mapping[str, Any]) -> None:
    if step != self._step:
      self.flush()
      self._step = step
      self._row = {"step": step, "time": round(time.time(), 3)}
    self._row |= {name: float(value) for name, value in scalars.items()}

  def flush(self) -> None:
    if self._row:
      metrics_file.append(self._workdir, self._row)
      self._row = {}
      self._step = None

  def close(self) -> None:
    self.flush()


class TerminalWriter(_ScalarWriter):
  """One line a logging step: how far, how fast, how long, how well."""

  def __init__(self, steps: int):
    super().__init__()
    self._steps = steps
    self._rate: float | None = None
    # Step and time of the first line: what came before was compilation.
    self._first: tuple[int, float] | None = None

  def write_scalars(self, step: int, scalars: Mapping[str, Any]) -> None:
    if ACCURACY in scalars:
      print(f"step {step:,}/{self._steps:,}  {_say_score(scalars)}", flush=True)
    self._rate = scalars.get("steps_per_sec", self._rate)
    others = [
      name
      for name in sorted(scalars)
      if name.startswith("g_loss_") and name not in _FIRST + _HIDDEN
    ]
    shown = [name for name in (*_FIRST, *others) if name in scalars]
    if not shown:
      return
    terms = "  ".join(f"{name} {float(scalars[name]):.3g}" for name in shown)
    print(
      f"step {step:,}/{self._steps:,}  {terms}  {self._pace(step)}", flush=True
    )

  def _pace(self, step: int) -> str:
    now = time.monotonic()
    if self._first is None:
      self._first = step, now
    first, started = self._first
    if not self._rate:
      return ""
    # Over all since the first line, pictures and checkpoints included: the
    # rate of the last few steps foretells much less.
    each = (now - started) / (step - first) if step > first else 1 / self._rate
    left = each * (self._steps - step)
    return f"{self._rate:.2f} steps/s  {format_duration(left)} left"


def _say_score(scalars: Mapping[str, Any]) -> str:
  """Says on how many held-out pictures the classifier sees what was set.

  An attribute that never appears is then known long before the evaluation.
  """
  of_each = sorted(
    (float(value), name.removeprefix(f"{ACCURACY}/"))
    for name, value in scalars.items()
    if name.startswith(f"{ACCURACY}/")
  )
  lowest = ", ".join(f"{name} {100 * x:.0f} %" for x, name in of_each[:_LOWEST])
  of_them = f"; lowest {lowest}" if len(of_each) > 1 else ""
  return f"held out: accuracy {100 * float(scalars[ACCURACY]):.0f} %{of_them}"


def create_writer(workdir: str, steps: int) -> metric_writers.MetricWriter:
  """Creates all three, for the process that writes; scalars and images."""
  return metric_writers.MultiWriter(
    [
      TerminalWriter(steps),
      JsonLinesWriter(workdir),
      metric_writers.SummaryWriter(workdir),
    ]
  )
