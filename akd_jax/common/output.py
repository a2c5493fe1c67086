"""What is printed: no library's notes, and nothing that stops work."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

# The reader is gone, and does not come back.
_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)


def quiet_libraries() -> None:
  """Keeps XLA and TensorFlow, once imported, from printing pages of notes."""
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def note(line: str) -> None:
  """Prints a line on standard error at once: results are on the other."""
  print(line, file=sys.stderr, flush=True)


def show_progress(what: str, count: int) -> Any:
  """Returns tqdm's bar of long work; in a log it is drawn twice a minute.

  Args:
    what: is done.
    count: of how many.
  """
  from tqdm import tqdm

  often = 1 if sys.stderr.isatty() else 30
  return tqdm(
    total=count, desc=what, mininterval=often, maxinterval=often, leave=False
  )


class Patient:
  """A text stream that takes whatever cannot be written for written."""

  def __init__(self, stream: Any):
    self._stream = stream

  def __getattr__(self, name: str) -> Any:
    return getattr(self._stream, name)

  def write(self, text: str) -> int:
    with self._patience():
      self._stream.write(text)
    return len(text)

  def flush(self) -> None:
    with self._patience():
      self._stream.flush()

  @contextlib.contextmanager
  def _patience(self) -> Iterator[None]:
    try:
      yield
    except OSError as error:
      if error.errno in _GONE:
        # For those who write to the descriptor itself, too.
        _send_nowhere(self._stream)


def _send_nowhere(stream: Any) -> None:
  with contextlib.suppress(OSError, ValueError):
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextlib.contextmanager
def make_patient() -> Iterator[None]:
  """Makes standard output and error go on where a pipe or terminal is closed.

  A full disk behind them loses the lines that do not fit.
  """
  before = sys.stdout, sys.stderr
  for stream in before:
    # The name of a file may have bytes that are no text.
    if isinstance(stream, io.TextIOWrapper):
      stream.reconfigure(errors="backslashreplace")
  sys.stdout, sys.stderr = Patient(before[0]), Patient(before[1])  # type: ignore[assignment]
  try:
    yield
  finally:
    sys.stdout, sys.stderr = before
    for stream in before:
      try:
        stream.flush()
      except OSError:
        # Else Python fails to do so at its end, and says 120.
        _send_nowhere(stream)
