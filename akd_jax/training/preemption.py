"""Notices that the run is asked to stop, so that it can save first."""

import os
import signal
from types import FrameType

import jax
import numpy as np
from jax.experimental import multihost_utils


class Interruption:
  """A context in which SIGTERM and the first Ctrl-C only raise a flag.

  The second Ctrl-C ends the program at once. On a pod a signal to any host
  stops all of them, at the same step.
  """

  def __init__(self) -> None:
    self._signal: int | None = None
    self._previous: dict[int, object] = {}

  def __enter__(self) -> "Interruption":
    for number in (signal.SIGINT, signal.SIGTERM):
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
    # Not print: the signal may have come in the middle of one.
    alone = jax.process_count() == 1
    moment = b"this step" if alone else b"the next line of metrics"
    os.write(2, b"stopping after " + moment + b"; Ctrl-C ends at once\n")

  def requested(self, all_ask: bool) -> bool:
    """Whether to stop now: the same answer on all processes.

    Args:
      all_ask: on a pod, every process asks after this step, and none has a
        step still running, whose collectives would meet this one. (JAX's
        reached_preemption_sync_point needs no such wait, but was seen to answer
        differently on two processes, which then wait for each other forever.)
    """
    heard = self._signal is not None
    if jax.process_count() == 1:
      return heard
    return all_ask and bool(
      multihost_utils.process_allgather(np.array([heard])).any()
    )
