"""Files that are there whole or not at all, in one or in parts; claims; names
for what is kept."""

import contextlib
import glob
import hashlib
import io
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


def write_parts(content: bytes, path: str | os.PathLike, limit: int) -> None:
  """Writes PATH.1-of-3, PATH.2-of-3, ... of at most `limit` bytes each.

  All are written before the first takes its name; what an earlier call wrote
  in another number of parts goes.
  """
  pieces = [content[i : i + limit] for i in range(0, len(content), limit)]
  names = _names(Path(path), len(pieces))
  with contextlib.ExitStack() as stack:
    temporary = [stack.enter_context(written_whole(name)) for name in names]
    for name, piece in zip(temporary, pieces, strict=True):
      name.write_bytes(piece)
  for earlier in set(_parts(Path(path))) - set(names):
    earlier.unlink()


def whole(path: str | os.PathLike) -> Path | io.BytesIO:
  """What to read a file from: itself, or its parts where only they are there.

  Raises:
    ValueError: a part is missing, or one too many is there.
  """
  path = Path(path)
  found = _parts(path)
  if path.exists() or not found:
    return path
  names = _names(path, int(found[0].name.rpartition("-")[2]))
  if sorted(names) != found:
    raise ValueError(
      f"it is in {len(names)} parts, of which there are"
      f" {', '.join(part.name for part in found)}"
    )
  return io.BytesIO(b"".join(name.read_bytes() for name in names))


def _names(path: Path, count: int) -> list[Path]:
  return [
    path.with_name(f"{path.name}.{number}-of-{count}")
    for number in range(1, count + 1)
  ]


def _parts(path: Path) -> list[Path]:
  pattern = f"{glob.escape(path.name)}.[1-9]*-of-[1-9]*"
  return sorted(path.parent.glob(pattern))


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
