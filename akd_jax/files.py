"""Files that are there whole or not at all, and names for what is kept."""

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


def digest(*parts: Any) -> str:
  """A short name for what the parts, plain JSON, describe."""
  text = json.dumps(parts, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:16]
