"""Follows the pickle of a PyTorch state dict, and calls nothing it asks for.

A pickle is a program that may call anything. The machine here knows the
instructions that a state dict is written with, and by name the functions that
rebuild its tensors; it refuses all others, and nothing is ever unpickled.
"""

import pickletools
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple

import jax.numpy as jnp
import numpy as np


class Storage(NamedTuple):
  """Where the elements of tensors are: several tensors may share a storage.

  Attributes:
    dtype: of each element.
    key: its name in the file.
    size: how many elements it has.
  """

  dtype: np.dtype
  key: str
  size: int


class Tensor(NamedTuple):
  """A view of a storage; offset and strides count elements."""

  storage: Storage
  offset: int
  shape: tuple[int, ...]
  strides: tuple[int, ...]


def _storage(
  kind: str,
  dtype: np.dtype,
  key: str,
  location: str,
  size: int,
  view: None = None,
) -> Storage:
  """Returns the storage that a persistent id stands for."""
  del location  # The device it was on.
  # Not written out: a tuple of tuples may be endless.
  if kind != "storage" or view is not None:
    raise ValueError("it has something of another kind than a storage")
  if not isinstance(key, str) or not _are_counts((size,)):
    raise ValueError("it has a storage without a name or a size")
  return Storage(dtype, key, size)


def _are_counts(values: Any) -> bool:
  return isinstance(values, tuple) and all(
    isinstance(x, int) and x >= 0 for x in values
  )


def _rebuild_tensor(
  storage: Storage, offset: int, shape: Any, strides: Any, *_: Any
) -> Tensor:
  if not all(map(_are_counts, (shape, strides, (offset,)))):
    raise ValueError("it has a tensor whose shape is no whole numbers from 0")
  return Tensor(storage, offset, shape, strides)


def _rebuild_parameter(tensor: Tensor, *_: Any) -> Tensor:
  return tensor


def _ordered_dict(pairs: Any = ()) -> dict[Any, Any]:
  """Returns a dict of pairs, which Python 2 has given; else it is empty yet."""
  found: dict[Any, Any] = {}
  for pair in pairs:
    _set_items(found, [*pair])
  return found


# All that a file can refer to. PyTorch's storages are classes, here dtypes.
_GLOBALS: dict[str, Any] = {
  "collections OrderedDict": _ordered_dict,
  "torch._utils _rebuild_parameter": _rebuild_parameter,
  "torch._utils _rebuild_tensor": _rebuild_tensor,  # Before PyTorch 0.4.
  "torch._utils _rebuild_tensor_v2": _rebuild_tensor,
  "torch BFloat16Storage": np.dtype(jnp.bfloat16),
  "torch BoolStorage": np.dtype(np.bool_),
  "torch ByteStorage": np.dtype(np.uint8),
  "torch CharStorage": np.dtype(np.int8),
  "torch DoubleStorage": np.dtype(np.float64),
  "torch FloatStorage": np.dtype(np.float32),
  "torch HalfStorage": np.dtype(np.float16),
  "torch IntStorage": np.dtype(np.int32),
  "torch LongStorage": np.dtype(np.int64),
  "torch ShortStorage": np.dtype(np.int16),
}

# Instructions that push a new value, and those that push their argument.
_CONSTANTS: dict[str, Callable[[], Any]] = {
  "EMPTY_DICT": dict,
  "EMPTY_LIST": list,
  "EMPTY_TUPLE": tuple,
  "NEWFALSE": lambda: False,
  "NEWTRUE": lambda: True,
  "NONE": lambda: None,
}
_ARGUMENTS = {
  "BINFLOAT",
  "BININT",
  "BININT1",
  "BININT2",
  "BINSTRING",  # A name, where Python 2 wrote the file.
  "BINUNICODE",
  "LONG1",
  "SHORT_BINSTRING",
}


def interpret(
  file: IO[bytes], storages: dict[str, Storage] | None = None
) -> Any:
  """Returns what a pickle describes; reads from here to its end.

  Args:
    file: open for reading.
    storages: is given all that the pickle names, by their keys.

  Returns:
    Numbers, strings, tuples, lists and dicts, with a Tensor for each tensor.

  Raises:
    ValueError: the pickle does what no state dict's does, or is damaged. As
      damage may do anything, so may IndexError, KeyError, TypeError and more.
  """
  # Of all values that come to the stack, only those of _GLOBALS can be called.
  stack: list[Any] = []
  marks: list[int] = []
  memo: dict[int, Any] = {}
  argument: Any

  def pop_from(start: int) -> list[Any]:
    items = stack[start:]
    del stack[start:]
    return items

  for opcode, argument in _instructions(file):
    match opcode.name:
      case "PROTO":
        pass
      case name if name in _CONSTANTS:
        stack.append(_CONSTANTS[name]())
      case name if name in _ARGUMENTS:
        stack.append(argument)
      case "BINPUT" | "LONG_BINPUT":
        memo[argument] = stack[-1]
      case "BINGET" | "LONG_BINGET":
        stack.append(memo[argument])
      case "MARK":
        marks.append(len(stack))
      case "TUPLE":
        stack.append(tuple(pop_from(marks.pop())))
      case "TUPLE1" | "TUPLE2" | "TUPLE3" as name:
        stack.append(tuple(pop_from(-int(name[-1]))))
      case "APPEND":
        item = stack.pop()
        stack[-1].append(item)
      case "APPENDS":
        items = pop_from(marks.pop())
        stack[-1].extend(items)
      case "SETITEM":
        items = pop_from(-2)
        _set_items(stack[-1], items)
      case "SETITEMS":
        items = pop_from(marks.pop())
        _set_items(stack[-1], items)
      case "GLOBAL":
        if argument not in _GLOBALS:
          raise ValueError(f"it refers to {argument.replace(' ', '.')!r}")
        stack.append(_GLOBALS[argument])
      case "BINPERSID":
        storage = _storage(*stack.pop())
        stack.append(storage)
        if storages is not None:
          storages[storage.key] = storage
      case "REDUCE":
        function, arguments = pop_from(-2)
        stack.append(function(*arguments))
      case "BUILD":
        stack.pop()  # The versions of the modules, attached to the dict.
      case "STOP":
        return stack.pop()
      case name:
        raise ValueError(f"it has the pickle instruction {name}")
  raise ValueError("its pickle has no end")


def _instructions(file: IO[bytes]) -> Iterator[tuple[Any, Any]]:
  """Yields what a pickle does, each with its argument."""
  try:
    for opcode, argument, _ in pickletools.genops(file):
      yield opcode, argument
  except ValueError as error:
    raise ValueError("its pickle is cut short or was changed") from error


def _set_items(target: Any, items: list[Any]) -> None:
  """Adds keys and values, one after the other, to a dict.

  A key is a text, or a number of an optimizer's parameter: to compare tuples of
  tuples may take forever.
  """
  keys = items[::2]
  if not all(isinstance(key, str | int) for key in keys):
    raise ValueError("it has a name that is no text")
  target.update(zip(keys, items[1::2], strict=True))
