"""Files that are there whole or not at all, folders for one process alone."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock


@contextlib.contextmanager
def written_whole(path: str | os.PathLike) -> Iterator[Path]:
  """Gives a temporary name beside `path`, and renames that file at the end.

  Nobody ever sees half of the file. If the writing fails, what was there stays.
  The folder is made where there is none.
  """
  path = Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_name(f".{path.name}.{os.getpid()}")
  try:
    yield temporary
    temporary.replace(path)
  finally:
    temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(folder: str | os.PathLike, wait: bool = False) -> Iterator[bool]:
  """Gives whether this process has `folder` to itself until the end.

  A folder that another process has to itself is free again when that process
  ends, whichever way. It is made where there is none.

  Args:
    folder: holds the lock, a file named .lock.
    wait: whether to wait until the folder is free, and say so on standard
      error, instead of giving False.
  """
  path = Path(folder, ".lock")
  path.parent.mkdir(parents=True, exist_ok=True)
  lock = filelock.FileLock(path)
  try:
    lock.acquire(timeout=0)
  except filelock.Timeout:
    if not wait:
      yield False
      return
    say = f"{folder}: another process works here; waiting until it is done"
    print(say, file=sys.stderr, flush=True)
    lock.acquire()
  try:
    yield True
  finally:
    lock.release()


def digest(*parts: Any) -> str:
  """Returns a short name for what the parts, plain JSON, describe."""
  text = json.dumps(parts, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:16]
