"""Notices that the run is asked to stop, so that it can save first."""

import os
import signal
from types import FrameType

import jax
from jax.experimental import multihost_utils


class Interruption:
  """A context in which SIGTERM and the first Ctrl-C only raise a flag.

  The second Ctrl-C ends the program at once. On a pod the coordination
  service hears SIGTERM on any host, and all processes stop at the same step.
  """

  def __init__(self) -> None:
    self._signal: int | None = None
    self._previous: dict[int, object] = {}

  def __enter__(self) -> "Interruption":
    # On a pod JAX's own handler of SIGTERM must stay.
    heard = [signal.SIGINT] + [signal.SIGTERM] * (jax.process_count() == 1)
    for number in heard:
      self._previous[number] = signal.signal(number, self._hear)
    return self

  def __exit__(self, *exception: object) -> None:
    for number, handler in self._previous.items():
      signal.signal(number, handler)  # type: ignore[arg-type]

  def _hear(self, number: int, frame: FrameType | None) -> None:
    del frame
    if self._signal is not None and number == signal.SIGINT:
      raise KeyboardInterrupt
    self._signal = number
    if jax.process_count() > 1:
      os.kill(os.getpid(), signal.SIGTERM)  # which all processes agree on
    # Not print: the signal may have come in the middle of one.
    os.write(2, b"stopping after this step; Ctrl-C ends at once\n")

  def requested(self, step: int) -> bool:
    """Whether to stop after `step`: the same answer on all processes."""
    if jax.process_count() > 1:
      return multihost_utils.reached_preemption_sync_point(step)
    return self._signal is not None
