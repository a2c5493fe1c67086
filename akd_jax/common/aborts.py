"""A pod that has lost a process says so in one line, not in a core dump.

JAX's coordination service notices it, and then ends the other processes by
abort(), with pages of C++ on standard error. No exception and no handler of
Python's comes in between; the callback that JAX has for it takes the process
down itself (std::bad_cast, seen with 0.10.2). So a handler of C's is set here,
and what C++ writes is read before it is shown.
"""

import ctypes
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from akd_jax.common import output, signals

# The first line of what C++ has to say: severity, date, time, thread, place.
_RECORD = re.compile(rb"[IWEF]\d{4} [\d:.]+ +\d+ (\S+)")
_COORDINATION = re.compile(
  rb"coordination|preemption_sync|distributed/client\.h|^client\.h"
)
# JAX's own words, by which a lost process is known.
_SILENT = re.compile(rb"stopped sending heartbeats\):\s*((?:\d+\s+)+)")
_LEADER = re.compile(rb"leader task|Failed to send RPC to coordination")

# What must not be collected: C calls it.
_kept: list[Any] = []


def explain(end: Callable[[int | None], None]) -> None:
  """Has `end` called where JAX would abort for want of another process.

  From here on descriptor 2 is read by a thread, which shows all but what the
  coordination service writes; Python's standard error goes past it.

  Args:
    end: is given the number of the process that was lost, or None where JAX
      does not say; it has to end this one. It runs in whatever thread aborts.
  """
  shown = os.dup(2)
  source, written = os.pipe()
  os.dup2(written, 2)
  os.close(written)
  sys.stderr = output.Patient(open(shown, "w", buffering=1))  # noqa: SIM115
  told: list[bytes] = []
  threading.Thread(
    target=_show, args=(source, shown, told), daemon=True
  ).start()

  def on_abort(number: int) -> None:
    time.sleep(0.2)  # Until the thread has read all of it.
    if told:
      end(_lost(b"".join(told)))
    libc.signal(number, None)  # A fault of another kind: as ever.

  libc = ctypes.CDLL(None)
  handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(on_abort)
  libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
  libc.signal.restype = ctypes.c_void_p
  libc.signal(signal.SIGABRT, ctypes.cast(handler, ctypes.c_void_p))
  _kept.append(handler)


def _show(source: int, shown: int, told: list[bytes]) -> None:
  """Copies lines, but for the coordination service's, which are collected."""
  kept_back = False
  with open(source, "rb") as lines:
    for line in lines:
      if found := _RECORD.match(line):
        kept_back = bool(_COORDINATION.search(found[1]))
      if kept_back:
        told.append(line)
      else:
        signals.say(shown, line.decode(errors="replace").rstrip("\n"))


def _lost(told: bytes) -> int | None:
  if found := _SILENT.search(told):
    return int(found[1].split()[0])
  return 0 if _LEADER.search(told) else None
