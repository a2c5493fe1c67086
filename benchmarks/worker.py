"""Processes that do a benchmark's work when asked, and whoever asks them.

Both speak JSON, one line a request and one a reply. A request names what it
wants: {"do": "time", "repeat": 7}. This file needs Python alone, since each
side may live in an environment of its own.
"""

import json
import os
import select
import signal
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple


class Unit(NamedTuple):
  """A piece of work that is repeated.

  Attributes:
    start: begins it; may return before the device is done.
    wait: returns when the device has done all that was begun.
  """

  start: Callable[[], None]
  wait: Callable[[], None]


def timed(unit, repeat):
  """Seconds of a unit, begun back to back, and of the call that begins it.

  The call's time is the least of all: later ones may wait for a queue that is
  full. Where there are several, one more before the clock starts wakes the
  device.
  """
  if repeat > 1:
    unit.start()
    unit.wait()
  begun, calls = time.perf_counter(), []
  for _ in range(repeat):
    called = time.perf_counter()
    unit.start()
    calls.append(time.perf_counter() - called)
  unit.wait()
  seconds = (time.perf_counter() - begun) / repeat
  return {"seconds": seconds, "host_seconds": min(calls)}


def one_line(error):
  """What went wrong, short enough for a row."""
  text = " ".join(str(error).split())
  return f"{type(error).__name__}: {text}"[:300]


def serve(answers):
  """Answers requests on standard input until it ends.

  What fails is answered, too, by {"error": ...}; its traceback goes to the
  standard error, as does all that libraries print.

  Args:
    answers: {name: function of the request's other fields -> the reply, or
      None}.
  """
  replies = os.fdopen(os.dup(1), "w")
  os.dup2(2, 1)
  for line in sys.stdin:
    request = json.loads(line)
    try:
      reply = answers[request.pop("do")](**request) or {}
    except Exception as error:
      traceback.print_exc()
      reply = {"error": one_line(error)}
    print(json.dumps(reply), file=replies, flush=True)


class WorkerError(Exception):
  """A worker could not do what it was asked."""


class Worker:
  """A process that `serve`s.

  Args:
    command: what starts it.
    log: where its standard error goes; None for ours.
  """

  def __init__(self, command, log=None):
    self.name = os.path.basename(command[1])
    self.process = subprocess.Popen(
      command,
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=log,
      text=True,
      start_new_session=True,
    )

  def ask(self, do, timeout=None, **fields):
    """Returns the reply; `send` and `receive` leave time in between."""
    self.send(do, **fields)
    return self.receive(timeout)

  def send(self, do, **fields):
    try:
      print(json.dumps({"do": do, **fields}), file=self.process.stdin)
      self.process.stdin.flush()
    except BrokenPipeError:
      self._raise_ended()

  def receive(self, timeout=None):
    """Raises WorkerError where it fails, ends or takes longer than `timeout`.

    A worker that is late is ended: its reply would be taken for the next.
    """
    if not select.select([self.process.stdout], [], [], timeout)[0]:
      self.end()
      raise WorkerError(f"{self.name} had no more time after {timeout:.0f} s")
    line = self.process.stdout.readline()
    if not line:
      self._raise_ended()
    reply = json.loads(line)
    if "error" in reply:
      raise WorkerError(reply["error"])
    return reply

  def alive(self):
    return self.process.poll() is None

  def _raise_ended(self):
    code = self.process.wait()
    raise WorkerError(f"{self.name} ended, exit code {code}: see its errors")

  def end(self):
    """Ends it and what it started."""
    if self.alive():
      os.killpg(self.process.pid, signal.SIGKILL)
      self.process.wait()


def in_turns(sides, rounds, timeout=None):
  """Works in turns, so that a machine whose speed drifts slows all sides.

  Args:
    sides: {"ours": (worker, repetitions a turn), "torch": likewise, where it
      is there}.
    rounds: turns of each.
    timeout: seconds that a turn may take.

  Returns:
    Medians, in seconds, and those of ours over PyTorch's, with least and most.
  """
  turns = [
    {
      name: worker.ask("time", timeout, repeat=repeat)
      for name, (worker, repeat) in sides.items()
    }
    for _ in range(rounds)
  ]
  row = {"rounds": rounds}
  for name in sides:
    for key, short in (("seconds", "s"), ("host_seconds", "host_s")):
      median = statistics.median(turn[name][key] for turn in turns)
      row[f"{name}_{short}"] = round(median, 6)
  if "torch" in sides:
    ratios = sorted(t["ours"]["seconds"] / t["torch"]["seconds"] for t in turns)
    row["ratio"] = round(statistics.median(ratios), 3)
    row["ratio_min"], row["ratio_max"] = (round(ratios[i], 3) for i in (0, -1))
  return row
