"""JSON that was written to a file, which may be damaged in any way."""

import json
from typing import Any


def parse(text: str) -> Any:
  """Returns what a text says, as `json.loads` does.

  Raises:
    ValueError: it is not JSON, or nested too deeply to be read, which Python
      tells as a RecursionError.
  """
  try:
    return json.loads(text)
  except RecursionError as error:
    raise ValueError(str(error)) from None
