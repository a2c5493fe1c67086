"""Notices that the run is asked to stop, so that it can save first."""

import contextlib
import signal
from typing import Any

from akd_jax.common import pod, signals


class Interruption:
  """A context in which a request to stop only raises a flag.

  SIGTERM, SIGHUP (a terminal that is closed) and the first Ctrl-C ask. The
  second Ctrl-C ends a command at once. In any other program, such as a
  notebook, it raises KeyboardInterrupt. On a pod a signal to any host stops all
  of them, at the same step.
  """

  def __init__(self, programs: int = 1) -> None:
    """Prepares to listen.

    Args:
      programs: after how many steps each program has run, and was compiled.
    """
    self._heard = False
    self._noticed = False
    self._programs = programs
    self._steps = 0
    self._listening: contextlib.AbstractContextManager[None] | None = None

  def __enter__(self) -> "Interruption":
    self._listening = signals.listening(self)
    self._listening.__enter__()
    return self

  def __exit__(self, *exception: Any) -> None:
    if self._listening is not None:
      self._listening.__exit__(*exception)

  def hear(self, number: int) -> None:
    if self._heard and number == signal.SIGINT and not _in_command():
      raise KeyboardInterrupt
    self._heard = True

  def notice(self, number: int) -> None:
    if self._noticed and number == signal.SIGINT:
      if _in_command():
        pod.end(128 + signal.SIGINT, "error: interrupted")
      return
    self._noticed = True
    moment = "this step"
    if pod.is_joined():
      moment = "the next line of metrics"
    elif not self._steps:
      moment = "the first step, once it is compiled"
    elif self._steps < self._programs:
      moment = "this step, which may have to be compiled first"
    signals.say(2, f"stopping after {moment}; Ctrl-C ends at once")

  def requested(self, all_ask: bool) -> bool:
    """Whether to stop now: the same answer on all processes.

    Args:
      all_ask: on a pod, every process asks after this step. (JAX's
        reached_preemption_sync_point was seen to answer differently on two
        processes, which then wait for each other forever.)
    """
    self._steps += 1
    if not pod.is_joined():
      return self._heard
    return all_ask and any(pod.gather(self._heard))


def _in_command() -> bool:
  """Whether a command listens, too: its process may be ended."""
  return signals.count_listeners() > 1
