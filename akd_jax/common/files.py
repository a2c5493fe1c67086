"""Files that are there whole or not at all, claims, names for what is kept."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def written_whole(path: str | os.PathLike) -> Iterator[Path]:
  """Gives a temporary name beside `path`, which takes its place at the end.

  Nobody ever sees half of the file; if the writing fails, what was there stays.
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

  Other processes that ask the same are told not, or wait for their turn. The
  system takes a dead process's claim back.
  """
  # Imported here: Windows has none, and all else works there.
  import fcntl

  path = Path(folder, ".lock")
  path.parent.mkdir(parents=True, exist_ok=True)
  with open(path, "w") as file:
    try:
      fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
      yield False
    else:
      yield True


def digest(*parts: Any) -> str:
  """A short name for what the parts, plain JSON, describe."""
  text = json.dumps(parts, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:16]
