"""What cannot be written, in one line: where, why, and what to do about it."""

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from akd_jax.common.errors import UserError, WriteError

_FREE = "free space there, or choose a directory on another disk"
_ELSEWHERE = "choose another directory"
_REMEDIES = {
  errno.ENOSPC: _FREE,
  errno.EDQUOT: _FREE,
  errno.EFBIG: _ELSEWHERE,
  errno.EROFS: _ELSEWHERE,
  errno.EACCES: _ELSEWHERE,
  errno.EPERM: _ELSEWHERE,
  errno.ENOTDIR: _ELSEWHERE,
  errno.EEXIST: _ELSEWHERE,
  errno.EISDIR: _ELSEWHERE,
  errno.ENAMETOOLONG: _ELSEWHERE,
  errno.ENOENT: "put the directory back, or choose another",
  errno.ESTALE: "mount it again, or choose another directory",
  errno.EIO: "look after the disk, or choose another directory",
}
# These come from nothing but writing.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


# What TensorStore's errors begin with, and what they have of the system's.
_OF_TENSORSTORE = re.compile(r"^[A-Z_]{5,}: |\[os_error_code='\d+'")


def writing(
  where: str | os.PathLike,
) -> contextlib.AbstractContextManager[None]:
  """Turns what goes wrong with a disk into a `WriteError`; all else passes.

  Libraries hide the error in an error of their own, whose text has the reason.

  Args:
    where: what is written, for the message.
  """
  return _turning(tuple(_REMEDIES), where)


def noticing_full_disks() -> contextlib.AbstractContextManager[None]:
  """Turns an error that comes from nothing but writing into a `WriteError`."""
  return _turning(_DISK, None)


@contextlib.contextmanager
def _turning(
  numbers: Collection[int], where: str | os.PathLike | None
) -> Iterator[None]:
  """Turns errors of these numbers; None is the file that an error names."""
  try:
    yield
  except (UserError, WriteError):
    raise
  except Exception as error:
    number = _number(error, numbers)
    if number is None:
      raise
    what = where or getattr(error, "filename", None) or "a file"
    raise WriteError(
      f"cannot write {what}: {os.strerror(number)}; {_REMEDIES[number]}"
    ) from error


def is_full(error: WriteError) -> bool:
  """Whether nothing else can be written there either: a disk, not a name."""
  return _number(error, (*_DISK, errno.EIO, errno.ESTALE)) is not None


def _number(
  error: BaseException | None, numbers: Collection[int]
) -> int | None:
  """Returns the errno that an error is about, or one of those it came from."""
  while error is not None:
    if isinstance(error, OSError) and error.errno in numbers:
      return error.errno
    for number in numbers:
      if _tells(error, os.strerror(number)):
        return number
    error = error.__cause__ or error.__context__
  return None


def _tells(error: BaseException, reason: str) -> bool:
  """Whether an error that a library has made tells a reason of the disk's.

  Not one that quotes the name of a file: 'Permission denied.jpg' is one, too.
  """
  text = str(error)
  if isinstance(error, KeyError | TypeError):
    return False
  # Python's own; TensorStore raises it of all that is wrong.
  if isinstance(error, ValueError) and not _OF_TENSORSTORE.search(text):
    return False
  return bool(re.search(rf"(^|: |[\[\]] ?){reason}\b|{reason}$", text))


def check_writable(folder: str | os.PathLike) -> None:
  """Writes a little where a folder is or will be, and takes it away again.

  Raises:
    WriteError: that is not possible.
  """
  path = Path(folder).absolute()
  with writing(folder):
    there = path
    while not there.exists():
      there = there.parent
    with tempfile.TemporaryDirectory(prefix=".writable-", dir=there) as trial:
      Path(trial, "file").write_bytes(bytes(4096))
