"""What tells arrays from others: a digest of their names and of every bit."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def digest_arrays(tree: Mapping[str, Any]) -> str:
  """Returns the SHA-256, in hexadecimal, of nested dictionaries of arrays.

  It depends on the arrays' names, types, shapes and bits, and on nothing else:
  not on the order of the names, nor on dictionaries that hold no array, nor on
  entries that are None.
  """
  digest = hashlib.sha256()
  for name, array in sorted(_named_arrays(tree, ""), key=lambda x: x[0]):
    array = np.asarray(array, order="C")
    digest.update(f"{name!r} {array.dtype.str} {array.shape}\n".encode())
    # As bytes: some types, bfloat16 among them, have no buffer of their own.
    digest.update(array.reshape(-1).view(np.uint8).data)
  return digest.hexdigest()


def _named_arrays(
  tree: Mapping[str, Any], start: str
) -> Iterator[tuple[str, Any]]:
  for name, value in tree.items():
    if isinstance(value, Mapping):
      yield from _named_arrays(value, f"{start}{name}/")
    elif value is not None:
      yield f"{start}{name}", value
