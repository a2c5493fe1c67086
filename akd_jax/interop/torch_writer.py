"""Writes state dicts as torch.save does, without torch.

The file is the zip of PyTorch 1.6 and later: data.pkl, which rebuilds every
tensor, beside the bytes of their storages. The few instructions of the pickle
are written by hand, as interop/torch_pickle.py follows them by hand.
"""

import itertools
import struct
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO

import numpy as np

_ORDERED_DICT = b"ccollections\nOrderedDict\n)R"  # An empty one.
# Storages begin at multiples of it, so that PyTorch can map the file.
_ALIGNMENT = 64
# Of a zip member: its header before the name, and that of its extra field.
_HEADER, _EXTRA = 30, 4


def write_state_dict(
  file: IO[bytes], state: Mapping[str, np.ndarray], comment: str = ""
) -> None:
  """Writes what `torch.load(..., weights_only=True)` reads.

  Args:
    file: open for writing.
    state: float32 arrays by name, in the order of the state dict.
    comment: kept with the zip file, where PyTorch does not look (`unzip -z`).

  Raises:
    ValueError: an array is not float32.
  """
  _write(file, _state_dict(state, 0), [state], comment)


def write_checkpoint(
  file: IO[bytes],
  states: Mapping[str, Mapping[str, np.ndarray]],
  comment: str,
) -> None:
  """Writes several state dicts by their names; see `write_state_dict`."""
  parts = {}
  count = 0
  for name, state in states.items():
    parts[name] = _state_dict(state, count)
    count += len(state)
  _write(file, _ordered_dict(parts), states.values(), comment)


def _write(
  file: IO[bytes],
  content: bytes,
  states: Iterable[Mapping[str, np.ndarray]],
  comment: str,
) -> None:
  """Writes the pickle of an object, and beside it the tensors' bytes."""
  # Protocol 2.
  members = {"data.pkl": b"\x80\x02" + content + b".", "byteorder": b"little"}
  arrays = itertools.chain.from_iterable(x.values() for x in states)
  for i, array in enumerate(arrays):
    members[f"data/{i}"] = array.astype("<f4", copy=False).tobytes()
  members["version"] = b"3\n"
  with zipfile.ZipFile(file, "w") as archive:
    archive.comment = comment.encode()
    for name, content in members.items():
      info = zipfile.ZipInfo(f"archive/{name}")  # Of 1980: always the same.
      start = file.tell() + _HEADER + len(info.filename) + _EXTRA
      padding = -start % _ALIGNMENT
      info.extra = struct.pack("<2sH", b"FB", padding) + bytes(padding)
      archive.writestr(info, content)


def write_npz(
  file: IO[bytes], state: Mapping[str, np.ndarray], comment: str = ""
) -> None:
  """Writes the same as NumPy's .npz; `file` is open for reading, too."""
  np.savez(file, **state)  # type: ignore[arg-type]
  with zipfile.ZipFile(file, "a") as archive:
    archive.comment = comment.encode()


def _state_dict(state: Mapping[str, np.ndarray], first: int) -> bytes:
  """Returns the instructions for tensors whose storages count from `first`."""
  return _ordered_dict(
    {
      name: _tensor(str(i), array)
      for i, (name, array) in enumerate(state.items(), first)
    }
  )


def _ordered_dict(items: Mapping[str, bytes]) -> bytes:
  """Returns the instructions that leave an OrderedDict on the stack."""
  # Filled with the items from the mark on.
  content = b"".join(_text(name) + item for name, item in items.items())
  return _ORDERED_DICT + b"(" + content + b"u"


def _tensor(key: str, array: np.ndarray) -> bytes:
  """Returns the instructions that leave a tensor on the stack.

  They call _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad,
  hooks) with the storage that a persistent id names.
  """
  if array.dtype != np.float32:
    raise ValueError(f"an array is {array.dtype}, not float32")
  strides = np.cumprod((1, *array.shape[:0:-1]))[::-1][: array.ndim]
  storage = b"(%bctorch\nFloatStorage\n%b%b%btQ" % (
    _text("storage"),
    _text(key),
    _text("cpu"),
    _integer(array.size),
  )
  return b"ctorch._utils\n_rebuild_tensor_v2\n(%b%b%b%b\x89%btR" % (
    storage,
    _integer(0),
    _tuple(array.shape),
    _tuple(strides),
    _ORDERED_DICT,
  )


def _text(text: str) -> bytes:
  return b"X" + struct.pack("<I", len(text.encode())) + text.encode()


def _integer(value: int) -> bytes:
  return b"J" + struct.pack("<i", value)


def _tuple(values: tuple[int, ...] | np.ndarray) -> bytes:
  return b"(" + b"".join(map(_integer, values)) + b"t"
