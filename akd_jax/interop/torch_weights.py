"""Arrays of a released network under its names, and under ours.

A state dict maps names to arrays: what `torch.load` gives, or the same as NumPy
arrays. Each release says in a list of `Weight` which of its arrays is which of
ours. Nothing here needs PyTorch.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from akd_jax.common import npz
from akd_jax.common.errors import UserError, suggest

# What a release keeps beside its weights, and may never use.
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
# Running statistics under our names: last words of their paths.
_STATISTICS = ("mean", "var")
# What PyTorch's DataParallel puts before every name.
_WRAPPED = "module."


class Weight(NamedTuple):
  """One array under both of its names.

  Attributes:
    path: where it is in our parameters, `residual_0/conv_0/kernel`.
    name: its name in the state dict, `main.9.main.0.weight`.
    shape: its shape in the state dict.
    view: the shape that its elements are seen as, if that is another: a dense
      layer of a map is a kernel as large as the map. Four axes are a kernel:
      OIHW there, HWIO here. PyTorch has the transposed convolutions as IOHW,
      which is the OIHW of the strided convolution they transpose, and that
      one's HWIO is what we store; so the same permutation serves both.
  """

  path: str
  name: str
  shape: tuple[int, ...]
  view: tuple[int, ...] | None = None

  def our_shape(self) -> tuple[int, ...]:
    """Returns the shape that it has in our parameters."""
    view = self.view or self.shape
    if len(view) < 4:
      return view
    o, i, h, w = view
    return (h * w * i, o) if len(self.shape) == 2 else (h, w, i, o)

  def to_ours(self, array: Any) -> np.ndarray:
    """Returns a state dict's array as our parameters have it."""
    array = np.asarray(array).reshape(self.view or self.shape)
    if array.ndim == 4:
      array = np.ascontiguousarray(array.transpose(2, 3, 1, 0))
    return array.reshape(self.our_shape())

  def to_theirs(self, array: Any) -> np.ndarray:
    """Returns an array of our parameters as the state dict has it."""
    array, view = np.asarray(array), self.view or self.shape
    if len(view) == 4:
      o, i, h, w = view
      array = array.reshape(h, w, i, o).transpose(3, 2, 0, 1)
    return np.ascontiguousarray(array.reshape(self.shape))


class Released(NamedTuple):
  """A released pair of networks, as ours.

  Attributes:
    generator: nested parameters.
    discriminator: nested parameters; None where it was not given.
    statistics: running statistics of the generator; None where it has none.
    classes: {which network: how many classes it has}.
    fields: {dotted name of a config's field: its value} of all that the arrays
      and the release's code say.
    exclusive: groups of attributes of which the release's test program leaves
      one at most; None is our own rule.
  """

  generator: dict[str, Any]
  discriminator: dict[str, Any] | None
  statistics: dict[str, Any] | None
  classes: dict[str, int]
  fields: dict[str, Any]
  exclusive: tuple[tuple[str, ...], ...] | None = None


def unwrap(state: Mapping[str, Any]) -> dict[str, Any]:
  """Returns a state dict as it is without DataParallel."""
  return {name.removeprefix(_WRAPPED): x for name, x in state.items()}


def from_torch(
  state: Mapping[str, Any], weights: list[Weight], what: str
) -> dict[str, np.ndarray]:
  """Returns our arrays by path, in single precision.

  Args:
    state: names to arrays (NumPy's, or tensors on the CPU).
    weights: of the network; running statistics that are none of these, and
      counts of batches, are left out.
    what: network it should be, for errors.

  Raises:
    UserError: it is another, or a weight is no number that single precision
      has; names the first of them.
  """
  known = {w.name: w.shape for w in weights}
  state = {
    name: x
    for name, x in state.items()
    if name in known or name.rpartition(".")[2] not in _BUFFERS
  }
  check(state, known, what)
  return {w.path: w.to_ours(_single(state, w.name, what)) for w in weights}


def _single(state: Mapping[str, Any], name: str, what: str) -> np.ndarray:
  """Returns a weight in single precision, whatever a file has it in."""
  found = np.asarray(state[name])
  if found.dtype.kind in "biu":
    raise UserError(f"{what}: {name!r} is of {found.dtype}, no weights")
  with np.errstate(over="ignore"):
    single = found.astype(np.float32)
  try:
    npz.check_numbers(name, single)
  except ValueError as error:
    raise UserError(f"{what}: {error}") from None
  return single


def to_torch(
  flat: Mapping[str, Any], weights: list[Weight], what: str
) -> dict[str, np.ndarray]:
  """Returns a state dict of our arrays by path; see `from_torch`."""
  check(flat, {w.path: w.our_shape() for w in weights}, what)
  return {w.name: w.to_theirs(flat[w.path]) for w in weights}


def nest(flat: Mapping[str, Any]) -> tuple[dict[str, Any], dict | None]:
  """Returns nested parameters, and running statistics, None where none are."""
  from flax import traverse_util

  def part(statistics: bool) -> dict[str, Any]:
    paths = [
      path
      for path in flat
      if (path.rpartition("/")[2] in _STATISTICS) is statistics
    ]
    return traverse_util.unflatten_dict({p: flat[p] for p in paths}, sep="/")

  return part(False), part(True) or None


def kernel_shape(
  arrays: Mapping[str, Any], name: str, what: str, axes: int = 4
) -> tuple[int, ...]:
  """Returns the sizes of a kernel, from which the network's follow.

  Raises:
    UserError: it is not there, or has not so many axes.
  """
  if name not in arrays:
    raise UserError(f"{what}: {name!r} is missing{suggest(name, arrays)}")
  shape = tuple(np.shape(arrays[name]))
  if len(shape) != axes:
    number = {2: "two", 4: "four"}[axes]
    raise UserError(
      f"{what}: {name!r} is {shape}, not a kernel of {number} axes"
    )
  return shape


def count_weights(state: Mapping[str, Any], pattern: str) -> int:
  """Counts the arrays whose name is like a regular expression, whole."""
  return sum(re.fullmatch(pattern, name) is not None for name in state)


def check(
  arrays: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], what: str
) -> None:
  """Raises UserError about the first array that `shapes` do not expect."""
  for name, shape in shapes.items():
    if name not in arrays:
      raise UserError(f"{what}: {name!r} {shape} is missing")
    if np.shape(arrays[name]) != shape:
      found = np.shape(arrays[name])
      raise UserError(f"{what}: {name!r} is {found} and should be {shape}")
  for name in arrays:
    if name not in shapes:
      raise UserError(f"{what}: {name!r} is unknown{suggest(name, shapes)}")
