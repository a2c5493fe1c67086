"""Signals that ask to stop are heard at once, whatever is going on.

Python calls a signal's handler between two of its own instructions: not while a
program is compiled, which may take minutes. A thread reads here which signals
came, and can answer, or end the process, meanwhile.
"""

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn, Protocol

from akd_jax.common import files

# Ctrl-C; what Slurm and Kubernetes send; a terminal that is closed.
ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Listener(Protocol):
  """Who is told of signals."""

  def hear(self, number: int) -> None:
    """Called in the main thread, between two of its instructions."""

  def notice(self, number: int) -> None:
    """Called at once, in another thread."""


_listeners: list[Listener] = []


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
  """Sends signals that ask to stop to a listener; the innermost has them all.

  SIGHUP that the process ignores, as under nohup, stays ignored. Does nothing
  in another thread than the main one.
  """
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  with contextlib.ExitStack() as stack:
    if not _listeners:
      stack.enter_context(_watching())
    _listeners.append(listener)
    stack.callback(_listeners.remove, listener)
    yield


def count_listeners() -> int:
  """Counts the listeners that there are, one inside the other."""
  return len(_listeners)


@contextlib.contextmanager
def _watching() -> Iterator[None]:
  ours, theirs = socket.socketpair()
  theirs.setblocking(False)
  wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
  before: dict[int, Any] = {}
  for asking in ASKING:
    handler = signal.getsignal(asking)
    # Under nohup. A shell that starts a command by & ignores Ctrl-C for it,
    # which the terminal alone is meant by.
    if asking != signal.SIGHUP or handler != signal.SIG_IGN:
      before[asking] = signal.signal(asking, _hear)
  thread = threading.Thread(target=_watch, args=(ours,), daemon=True)
  thread.start()
  try:
    yield
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
    signal.set_wakeup_fd(wakeup)
    theirs.close()
    thread.join()
    ours.close()


def _forget() -> None:
  """Lets a copy of this process, as a pool may start, end as any process."""
  if not _listeners:
    return
  _listeners.clear()
  signal.set_wakeup_fd(-1)
  for asking in ASKING:
    if signal.getsignal(asking) == _hear:
      signal.signal(asking, signal.SIG_DFL)


os.register_at_fork(after_in_child=_forget)


def _hear(number: int, frame: FrameType | None) -> None:
  del frame
  _listeners[-1].hear(number)


def _watch(source: socket.socket) -> None:
  while numbers := source.recv(64):
    for number in numbers:
      if number in ASKING and _listeners:
        _listeners[-1].notice(number)


def say(stream: int, text: str) -> None:
  """Writes a line to a file descriptor, if anybody is there to read it.

  Not print: another thread may be in the middle of one.
  """
  with contextlib.suppress(OSError):
    os.write(stream, f"{text}\n".encode(errors="backslashreplace"))


def leave(status: int) -> NoReturn:
  """Ends the process at once, leaving no half-written file behind.

  What is being compiled or read by other threads is not waited for: taken apart
  under their hands, the interpreter would crash.
  """
  files.remove_unfinished()
  # They would wait for this one forever.
  for child in multiprocessing.active_children():
    child.kill()
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(Exception):
      stream.flush()
  os._exit(status)
