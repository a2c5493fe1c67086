"""What a person at the terminal is meant to read: three exceptions."""

import contextlib
import difflib
import re
from collections.abc import Container, Iterable, Iterator

# Letters of a message.
_LONGEST = 1_500


class _Told(Exception):
  """What a command prints as one line, without a traceback."""

  def __init__(self, message: str):
    """Makes one line of a message, which quotes what is in damaged files."""
    line = " ".join(message.splitlines()).strip()
    super().__init__(
      line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
    )


class UserError(_Told, ValueError):
  """Bad input: its message is one line that names the field, file or value.

  Commands print it without a traceback and exit with status 2.
  """


class WriteError(_Told):
  """Something cannot be written: one line that says where, and what to do.

  Commands print it without a traceback and exit with status 74.
  """


class Stopped(_Told):
  """Work was interrupted and saved; the same command goes on with it.

  Commands print it and exit with status 75.
  """


@contextlib.contextmanager
def naming_data(
  section: str, fields: Container[str] | None = None
) -> Iterator[None]:
  """Rewrites config.data.FIELD in errors as SECTION.FIELD.

  Args:
    section: where those are: "config.data.second".
    fields: that differ from those of config.data; None is any.
  """

  def named(match: re.Match) -> str:
    differs = fields is None or match[1] in fields
    return f"{section}.{match[1]}" if differs else match[0]

  try:
    yield
  except UserError as error:
    said = re.sub(r"config\.data\.(\w+)", named, str(error))
    raise UserError(said) from None


def reason_of(error: Exception) -> str:
  """Returns why something failed: the system's words, or the error's own."""
  return getattr(error, "strerror", None) or str(error)


def suggest(name: str, known: Iterable[str]) -> str:
  """Returns "; did you mean X?" for the known name nearest to `name`, or ""."""
  close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
  return f"; did you mean {close[0]!r}?" if close else ""
