"""Files that are there whole or not at all, folders for one process alone.

A whole may also lie in parts.
"""

import atexit
import contextlib
import glob
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import socket
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from akd_jax.common.output import note
from akd_jax.common.writing import writing

# Signs that mean something in a path, on one system or another.
_QUOTED = frozenset('%/\\:*?"<>|')
# Bytes of a file's name, so that there is room for that of a temporary one.
_LONGEST = 200
# Signs of a temporary file's name that say whose it is.
_SHORT = 40
# How the name of a part ends.
_PART = r"[1-9][0-9]*-of-[1-9][0-9]*"

# Temporary files and folders of this process.
_unfinished: set[Path] = set()


@contextlib.contextmanager
def mark_unfinished(path: Path) -> Iterator[None]:
  """Has a temporary file or folder go, should the process end meanwhile."""
  _unfinished.add(path)
  try:
    yield
  finally:
    _unfinished.discard(path)


@contextlib.contextmanager
def write_whole(
  path: str | os.PathLike, durable: bool = True
) -> Iterator[Path]:
  """Gives a temporary name beside `path`, and renames that file at the end.

  Nobody ever sees half of the file. If the writing fails, what was there stays.
  The folder is made where there is none.

  Args:
    path: where the file is to be.
    durable: whether a power cut must not leave it empty. That takes some
      milliseconds.

  Raises:
    WriteError: the disk is full, or nobody may write there.
  """
  path = Path(path)
  # Processes of several machines, and of containers, may have the same number.
  own = f"{os.getpid()}-{secrets.token_hex(4)}"
  # No whole name, which may leave no room; nor its ending, which is looked for.
  temporary = path.with_name(f".{path.stem[:_SHORT]}.{own}")
  with mark_unfinished(temporary), writing(path):
    try:
      path.parent.mkdir(parents=True, exist_ok=True)
      yield temporary
      if durable:
        _store(temporary)
      temporary.replace(path)
    finally:
      # Where the folder is gone, so is the file.
      with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)


def _store(path: Path) -> None:
  """Waits until a file is on the disk.

  Else, after a power cut, its new name may be there and its content not.
  """
  with path.open("rb") as file:
    os.fsync(file.fileno())


def remove_at_end(path: Path) -> None:
  """Has a temporary folder go when the process ends, whichever way it does."""
  _unfinished.add(path)
  atexit.register(shutil.rmtree, path, ignore_errors=True)


def remove_unfinished() -> None:
  """Removes what is temporary of this process, which is about to end."""
  for temporary in list(_unfinished):
    with contextlib.suppress(OSError):
      if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
      else:
        temporary.unlink(missing_ok=True)


def write_parts(content: bytes, path: str | os.PathLike, limit: int) -> None:
  """Writes PATH.1-of-3, PATH.2-of-3, ... of at most `limit` bytes each.

  All are written before the first takes its name; what an earlier call wrote
  in another number of parts goes.
  """
  pieces = [content[i : i + limit] for i in range(0, len(content), limit)]
  names = _names(Path(path), len(pieces))
  with contextlib.ExitStack() as stack:
    temporary = [stack.enter_context(write_whole(name)) for name in names]
    for name, piece in zip(temporary, pieces, strict=True):
      name.write_bytes(piece)
  for earlier in set(_parts(Path(path))) - set(names):
    earlier.unlink()


def join_parts(path: str | os.PathLike) -> Path | io.BytesIO:
  """Returns what to read a file from: itself, or its parts if only they exist.

  Raises:
    ValueError: a part is missing, or one too many is there; or it is a folder.
  """
  path = Path(path)
  if path.is_dir():
    raise ValueError("it is a folder")
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
  found = path.parent.glob(f"{glob.escape(path.name)}.*-of-*")
  # Not one that lies beside them under a name like theirs, as a copy does.
  start = len(path.name) + 1
  return sorted(x for x in found if re.fullmatch(_PART, x.name[start:]))


# Folders that this process has to itself.
_ours: set[str] = set()


@contextlib.contextmanager
def lock_folder(
  folder: str | os.PathLike, wait: bool = False
) -> Iterator[bool]:
  """Gives whether this process has `folder` to itself until the end.

  A folder that another process has to itself is free again when that process
  ends, whichever way. It is made where there is none.

  Args:
    folder: holds the lock, a file named .lock, and .holder, who has it.
    wait: whether to wait until the folder is free, and say so on standard
      error, instead of giving False.

  Raises:
    WriteError: the lock cannot be written.
  """
  # Imported here: what only reads files runs without it.
  import filelock

  path = Path(folder, ".lock")
  # Asked for twice, the second time by what the first one calls.
  name = os.path.realpath(path)
  if name in _ours:
    yield True
    return
  with writing(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path)
    with contextlib.suppress(filelock.Timeout):
      lock.acquire(timeout=0)
  if not lock.is_locked:
    if not wait:
      yield False
      return
    whose = read_holder(folder)
    note(f"{folder}: {whose} works here; waiting until it is done")
    lock.acquire()
  _ours.add(name)
  # Only who waits wants to read it.
  with contextlib.suppress(OSError):
    path.with_name(".holder").write_text(
      f"process {os.getpid()} on {socket.gethostname()}, since"
      f" {time.strftime('%Y-%m-%d %H:%M:%S')}"
    )
  try:
    yield True
  finally:
    _ours.discard(name)
    with contextlib.suppress(OSError):
      path.with_name(".holder").unlink()
    lock.release()


def read_holder(folder: str | os.PathLike) -> str:
  """Returns who has a folder that is not free: process, host, since when."""
  try:
    return Path(folder, ".holder").read_text().strip() or "another process"
  except (OSError, UnicodeDecodeError):
    return "another process"


def name_file(text: str, suffix: str = "") -> str:
  """Returns a name for a file or folder that is called after some text.

  It is one name, of no path, whatever the text is; so is what lies inside. It
  is readable where it can be, and two texts have two names. One that no file
  system would take is cut short, and ends with a digest.
  """
  name = "".join(
    sign if sign.isprintable() and sign not in _QUOTED else _quoted(sign)
    for sign in text
  )
  # Hidden, or a folder itself or the one above it.
  if name.startswith("."):
    name = f"%2E{name[1:]}"
  if len(os.fsencode(name + suffix)) > _LONGEST:
    end = f"~{digest(text)}"
    while len(os.fsencode(name + end + suffix)) > _LONGEST:
      name = name[:-1]
    name += end
  return name + suffix


def strip_suffix(path: str | os.PathLike) -> str:
  """Returns a path without its name's ending; dots that begin it are none."""
  # Unlike Path.with_suffix, which fails where nothing but a dot is left.
  return os.path.splitext(os.fspath(path))[0]


def _quoted(sign: str) -> str:
  # A file's name may have bytes that are no UTF-8.
  return quote(sign.encode(errors="surrogateescape"), safe="")


def is_same_place(first: str, second: str) -> bool:
  """Whether two paths lead to one place, whether or not anything is there."""

  def resolved(path: str) -> str:
    found = os.path.realpath(os.path.expanduser(path))
    return unicodedata.normalize("NFC", found)

  return first == second or resolved(first) == resolved(second)


def lies_in(path: str | os.PathLike, folder: str | os.PathLike) -> bool:
  """Whether a path leads to a folder, or into it; links are followed."""
  # Unlike Path.resolve, which fails of links that go round and round.
  return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def digest(*parts: Any) -> str:
  """Returns a short name for what the parts, plain JSON, describe."""
  text = json.dumps(parts, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:16]
