"""Reads a file of weights without torch, and runs nothing that is in it.

Read are PyTorch's checkpoints of a state dict or of several, both the zip files
of version 1.6 and later and the files from before, .safetensors and .npz.
"""

import functools
import hashlib
import json
import math
import os
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import jax.numpy as jnp
import numpy as np

from akd_jax.common import npz
from akd_jax.common.errors import UserError, reason_of
from akd_jax.interop.torch_pickle import Storage, Tensor, interpret

_ZIP_MAGIC, _PICKLE_MAGIC = b"PK\x03\x04", b"\x80"
# What files from before PyTorch 1.6 begin with: two pickled numbers.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
# How many times the same numbers may be in a state dict.
_SHARED = 8

_SAFETENSORS = {
  "BF16": jnp.bfloat16,
  "BOOL": np.bool_,
  "F16": np.float16,
  "F32": np.float32,
  "F64": np.float64,
  "I16": np.int16,
  "I32": np.int32,
  "I64": np.int64,
  "I8": np.int8,
  "U8": np.uint8,
}


def read_state_dict(
  path: str | Path, sha256: str | None = None
) -> dict[str, np.ndarray]:
  """Reads the arrays of a file by their names, as they are in it.

  Args:
    path: .npz, .safetensors, or under any other name a PyTorch checkpoint of
      a state dict: a flat mapping of names to tensors.
    sha256: the file's digest in hexadecimal, or the first digits of it.

  Raises:
    UserError: there is no such file, its digest differs, it is damaged, it is
      anything else than a state dict, or a weight is not finite.
  """
  return _read(path, lambda state: {"": _tensors(state)}, sha256)[""]


def read_checkpoint(path: str | Path) -> dict[str, dict[str, np.ndarray]]:
  """Reads every state dict of a file by its name; "" is a file that is one.

  What else training keeps, such as an optimizer's, is left out.

  Args:
    path: as of `read_state_dict`; a PyTorch checkpoint may be a mapping of
      state dicts.

  Raises:
    UserError: see `read_state_dict`.
  """
  return _read(path, _state_dicts)


# By the name of a state dict, then of an array.
_Arrays = dict[str, dict[str, np.ndarray]]
_Tensors = dict[str, dict[str, Tensor]]


def _read(
  path: str | Path,
  choose: Callable[[Any], _Tensors],
  sha256: str | None = None,
) -> _Arrays:
  """Reads what is chosen of that which a file describes."""
  try:
    with open(path, "rb") as file:
      if sha256:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(sha256):
          raise UserError(
            f"{path} is damaged or another file: its sha256 is {found}, but"
            f" should begin with {sha256}"
          )
        file.seek(0)
      parts = _reader(Path(path), file)(file, choose)
      for arrays in parts.values():
        for name, value in arrays.items():
          npz.check_numbers(name, value)
      return parts
  except UserError:
    raise
  except OSError as error:
    raise UserError(f"cannot read {path}: {reason_of(error)}") from error
  except Exception as error:  # There is no end to what damage may raise.
    # Other kinds have Python's words, which say nothing of the file.
    ours = type(error) is ValueError
    reason = str(error) if ours else "it is cut short or was changed"
    raise UserError(f"{path} is no state dict, or damaged: {reason}") from error


def digest_in_name(path: str | Path) -> str | None:
  """Returns the first digits of a file's sha256, which PyTorch names it by.

  "resnet50-0676ba61.pth" gives "0676ba61", for `read_state_dict` to check; a
  name without digits gives None.
  """
  match = re.search(r"-([0-9a-f]{8,64})\.\w+$", Path(path).name)
  return match and match[1]


def _reader(
  path: Path, file: IO[bytes]
) -> Callable[[IO[bytes], Callable[[Any], _Tensors]], _Arrays]:
  start = file.read(len(_ZIP_MAGIC))
  file.seek(0)
  if not start:
    raise ValueError("it is empty")
  # These hold arrays by name, and nothing else.
  if path.suffix == ".npz":
    return lambda file, choose: {"": _read_npz(file)}
  if path.suffix == ".safetensors":
    return lambda file, choose: {"": _read_safetensors(file)}
  if start == _ZIP_MAGIC:
    return _read_zip
  if not start.startswith(_PICKLE_MAGIC):
    raise ValueError("it is none of PyTorch's files")
  return _read_legacy


def _read_npz(file: IO[bytes]) -> dict[str, np.ndarray]:
  with zipfile.ZipFile(file) as archive:
    return npz.read_every_array(archive)


def _read_safetensors(file: IO[bytes]) -> dict[str, np.ndarray]:
  """Reads the length of a header, the header in JSON, the tensors' bytes."""
  data = file.read()
  begin = 8 + int.from_bytes(data[:8], "little")
  header = json.loads(data[8:begin], object_pairs_hook=_without_repeats)
  header.pop("__metadata__", None)
  arrays = {}
  place = 0
  # As the format asks: one after the other, without a gap.
  for name, entry in sorted(
    header.items(), key=lambda item: item[1]["data_offsets"]
  ):
    start, end = entry["data_offsets"]
    if start != place or end < start:
      raise ValueError(f"{name!r} is at {start} to {end}, not from {place} on")
    place = end
    if (kind := entry["dtype"]) not in _SAFETENSORS:
      raise ValueError(f"{name!r} is of {kind}, which is not read")
    if min(entry["shape"], default=0) < 0:
      raise ValueError(f"{name!r} has the shape {entry['shape']}")
    values = np.frombuffer(
      data, _SAFETENSORS[kind], math.prod(entry["shape"]), begin + start
    )
    if values.nbytes != end - start:
      raise ValueError(f"{name!r} has {end - start} bytes")
    arrays[name] = values.reshape(entry["shape"]).copy()
  if begin + place != len(data):
    raise ValueError(f"it has {len(data) - begin} bytes, not {place}")
  return arrays


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  if len(dict(pairs)) < len(pairs):
    raise ValueError("it has a name twice")
  return dict(pairs)


def _read_zip(file: IO[bytes], choose: Callable[[Any], _Tensors]) -> _Arrays:
  """Reads a folder: the pickle, data.pkl, and a file for each storage."""
  with zipfile.ZipFile(file) as archive:
    npz.check(archive)
    names = archive.namelist()
    found = [name for name in names if re.fullmatch(r"[^/]+/data\.pkl", name)]
    if len(found) != 1:
      raise ValueError("it is a zip file without a data.pkl")
    folder = found[0].removesuffix("data.pkl")
    order = folder + "byteorder"
    if order in names and archive.read(order) != b"little":
      raise ValueError("its numbers are big-endian")
    with archive.open(found[0]) as program:
      tensors = choose(interpret(program))
    _check_total(tensors, sum(x.file_size for x in archive.infolist()))
    read = functools.cache(lambda key: archive.read(f"{folder}data/{key}"))
    return _arrays(tensors, read)


def _read_legacy(file: IO[bytes], choose: Callable[[Any], _Tensors]) -> _Arrays:
  """Reads pickles one by one, then each storage: its length, its bytes."""
  if interpret(file) != _LEGACY_MAGIC or interpret(file) != _LEGACY_VERSION:
    raise ValueError("it does not begin as PyTorch's files do")
  if not interpret(file)["little_endian"]:
    raise ValueError("its numbers are big-endian")
  storages: dict[str, Storage] = {}
  tensors = choose(interpret(file, storages))
  _check_total(tensors, os.fstat(file.fileno()).st_size)
  wanted = {x.storage.key for part in tensors.values() for x in part.values()}
  data = {}
  for key in interpret(file):
    storage = storages[key]
    (size,) = struct.unpack("<q", file.read(8))
    if size != storage.size or size < 0:
      raise ValueError(f"its storage {key} has {size} elements")
    content = file.read(size * storage.dtype.itemsize)
    if len(content) != size * storage.dtype.itemsize:
      raise ValueError(f"its storage {key} is cut short")
    if key in wanted:
      data[key] = content
  return _arrays(tensors, data.__getitem__)


def _state_dicts(state: Any) -> _Tensors:
  """Finds the state dicts in a mapping of them and of other things."""
  if not isinstance(state, dict):
    return {"": _tensors(state)}
  found = {
    name: value
    for name, value in state.items()
    if isinstance(name, str)
    and isinstance(value, dict)
    and value
    and all(isinstance(x, str) for x in value)
    and all(isinstance(x, Tensor) for x in value.values())
  }
  return found or {"": _tensors(state)}


def _tensors(state: Any) -> dict[str, Tensor]:
  """Checks that a pickle held a state dict."""
  if not isinstance(state, dict):
    raise ValueError(
      f"what it holds is of type {type(state).__name__}, not a dict"
    )
  for name, value in state.items():
    # A name of another type may be endless when it is written out.
    if not isinstance(name, str):
      raise ValueError(f"one of its names is of type {type(name).__name__}")
    if not isinstance(value, Tensor):
      kind = type(value).__name__
      raise ValueError(f"{name!r} is of type {kind}, not a tensor")
  return state


def _check_total(tensors: _Tensors, size: int) -> None:
  """Refuses tensors that together are far larger than what is in the file.

  A few may share their numbers; a bomb makes gigabytes of a few of them.
  """
  total = sum(
    math.prod(tensor.shape) * tensor.storage.dtype.itemsize
    for part in tensors.values()
    for tensor in part.values()
  )
  if total > _SHARED * size:
    raise ValueError(f"its {size:,} bytes would become {total:,}")


def _arrays(tensors: _Tensors, read: Callable[[str], bytes]) -> _Arrays:
  """Copies all tensors out of their storages, which are read by their keys."""
  return {
    part: {
      name: _array(tensor, read(tensor.storage.key))
      for name, tensor in inside.items()
    }
    for part, inside in tensors.items()
  }


def _array(tensor: Tensor, data: bytes) -> np.ndarray:
  """Copies a tensor out; NumPy refuses a view that would leave the data."""
  dtype = tensor.storage.dtype
  strides = [stride * dtype.itemsize for stride in tensor.strides]
  offset = tensor.offset * dtype.itemsize
  return np.ndarray(tensor.shape, dtype, data, offset, strides).copy()
