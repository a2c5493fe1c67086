"""Processes that work for this one, and end with it, whichever way it does."""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import resource_tracker


@contextlib.contextmanager
def start_workers(count: int) -> Iterator[ProcessPoolExecutor]:
  """Gives processes to share work among; an error does not wait for the rest.

  Spawned: a fork of a process that runs JAX may hang. An executor, whose map
  ends with an error where a Pool restarts a broken worker for ever.

  Args:
    count: how many.
  """
  _remove_silently()
  context = multiprocessing.get_context("spawn")
  with ProcessPoolExecutor(
    count, context, initializer=_end_with_parent
  ) as pool:
    try:
      yield pool
    finally:
      pool.shutdown(cancel_futures=True)


def _remove_silently() -> None:
  """Starts what removes semaphores of a process that was ended.

  It warns of each, which nobody can do anything about: ended at once, a process
  leaves them behind.
  """
  name = "PYTHONWARNINGS"
  before = os.environ.get(name)
  quiet = "ignore:resource_tracker"
  os.environ[name] = f"{before},{quiet}" if before else quiet
  try:
    resource_tracker.ensure_running()
  finally:
    if before is None:
      del os.environ[name]
    else:
      os.environ[name] = before


def _end_with_parent() -> None:
  """Has this process end when the one that started it is killed.

  It would wait for its next job for ever.
  """
  parent = multiprocessing.parent_process()

  def end() -> None:
    if parent is not None:
      parent.join()
      os._exit(1)

  threading.Thread(target=end, daemon=True).start()
