"""Many photos, one after the other: what became of each, counted."""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import TextIO

from akd_jax.common.errors import UserError, WriteError


class Tally:
  """Says what becomes of each photo of many, and counts them.

  Attributes:
    failed: photos that could not be read or written.
    warned: photos whose results are doubtful.
  """

  def __init__(self, total: int):
    from tqdm import tqdm

    self.failed = self.warned = 0
    self._unwritten = False
    self._total, self._start = total, time.monotonic()
    # Of one photo there is nothing to wait for; in a file, the lines say it.
    self._bar = tqdm(
      total=total,
      unit="photo",
      mininterval=1,
      leave=False,
      disable=True if total == 1 else None,
    )

  def done(self, written: str, warnings: Sequence[str]) -> None:
    """Says what was written of a photo, and what is doubtful about it."""
    self.warned += bool(warnings)
    self._say([written, *(f"  warning: {x}" for x in warnings)], sys.stdout)

  def fail(self, why: object) -> None:
    """Says why a photo failed."""
    self.failed += 1
    self._unwritten |= isinstance(why, WriteError)
    self._say([f"failed: {why}"], sys.stderr)

  def end(self) -> None:
    """Says how many were translated.

    Raises:
      UserError: not all.
      WriteError: not all, and some could not be written.
    """
    self._bar.close()
    good, seconds = self._total - self.failed, time.monotonic() - self._start
    warned = f", {self.warned} of them with a warning" if self.warned else ""
    print(f"{good} of {self._total} translated in {seconds:.1f} s{warned}")
    if self.failed:
      kind = WriteError if self._unwritten else UserError
      raise kind(
        f"{self.failed} of {self._total} photos failed; each is named above"
      )

  def _say(self, lines: Iterable[str], stream: TextIO) -> None:
    for line in lines:
      # A name may have bytes that are no text.
      text = line.encode(errors="backslashreplace").decode()
      self._bar.write(text.replace("\n", "\\n"), stream)
    self._bar.update()
