"""Turns StarGAN's PyTorch state dicts into our parameters and back.

A state dict maps names to arrays: what `torch.load` gives, or the same as NumPy
arrays. Networks may have any size. Nothing here needs PyTorch.

The released code declares running statistics for its InstanceNorm layers
(`track_running_stats=True`) and never uses them, as it never calls `.eval()`.
They are ignored where we read, and written as PyTorch initialises them, so that
the released `restore_model`, which loads strictly, takes our files.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util

from akd_jax.common.errors import UserError, nearest

_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")

# What `.eval()` needs in PyTorch: the second line says it to every module.
EVAL_LINES = (
  "for module in G.modules():",
  "  module.track_running_stats = False",
)
EVAL_NOTE = "\n".join(
  (
    "StarGAN's norms use the statistics of each picture itself. After .eval(),",
    "the released code uses the running statistics of the file instead and",
    "draws another picture. Once the weights are loaded, run these two lines:",
    *(f"  {line}" for line in EVAL_LINES),
  )
)


class Weight(NamedTuple):
  """One array under both of its names.

  Attributes:
    path: where it is in our parameters, `residual_0/conv_0/kernel`.
    name: its name in the state dict, `main.9.main.0.weight`.
    shape: its shape in the state dict. Four axes are a kernel: OIHW there,
      HWIO here. PyTorch has the transposed convolutions as IOHW, which is the
      OIHW of the strided convolution they transpose, and that one's HWIO is
      what we store; so the same permutation serves both.
  """

  path: str
  name: str
  shape: tuple[int, ...]

  def our_shape(self) -> tuple[int, ...]:
    if len(self.shape) < 4:
      return self.shape
    o, i, h, w = self.shape
    return h, w, i, o


def list_generator_weights(
  width: int, blocks: int, classes: int
) -> list[Weight]:
  """Returns every array of a generator, in the order of its state dict."""

  def norm(path: str, name: str, features: int) -> list[Weight]:
    return [
      Weight(f"{path}/scale", f"{name}.weight", (features,)),
      Weight(f"{path}/bias", f"{name}.bias", (features,)),
    ]

  def layer(path: str, index: int, shape: tuple, features: int) -> list[Weight]:
    conv = Weight(f"{path}/conv/kernel", f"main.{index}.weight", shape)
    return [conv, *norm(f"{path}/norm", f"main.{index + 1}", features)]

  w, end = width, 9 + blocks
  weights = [
    *layer("encoder_0", 0, (w, 3 + classes, 7, 7), w),
    *layer("encoder_1", 3, (2 * w, w, 4, 4), 2 * w),
    *layer("encoder_2", 6, (4 * w, 2 * w, 4, 4), 4 * w),
  ]
  for i in range(blocks):
    for j in range(2):
      path, name = f"residual_{i}", f"main.{9 + i}.main"
      shape = (4 * w, 4 * w, 3, 3)
      weights += [
        Weight(f"{path}/conv_{j}/kernel", f"{name}.{3 * j}.weight", shape),
        *norm(f"{path}/norm_{j}", f"{name}.{3 * j + 1}", 4 * w),
      ]
  return [
    *weights,
    *layer("decoder_0", end, (4 * w, 2 * w, 4, 4), 2 * w),
    *layer("decoder_1", end + 3, (2 * w, w, 4, 4), w),
    Weight("output/kernel", f"main.{end + 6}.weight", (3, w, 7, 7)),
  ]


def list_discriminator_weights(
  width: int, layers: int, classes: int, size: int
) -> list[Weight]:
  """Returns every array of a discriminator, in the order of its state dict.

  Args:
    width, layers, classes: as in `models.stargan.Discriminator`.
    size: width of the last feature map, which the classifier's kernel covers.
  """
  weights, channels = [], 3
  for i in range(layers):
    features = width * 2**i
    path, name = f"layer_{i}", f"main.{2 * i}"
    weights += [
      Weight(f"{path}/kernel", f"{name}.weight", (features, channels, 4, 4)),
      Weight(f"{path}/bias", f"{name}.bias", (features,)),
    ]
    channels = features
  head = (classes, channels, size, size)
  return [
    *weights,
    Weight("source/kernel", "conv1.weight", (1, channels, 3, 3)),
    Weight("classifier/kernel", "conv2.weight", head),
  ]


def generator_from_torch(state: Mapping[str, Any]) -> dict:
  """Returns the parameters of a StarGAN generator.

  Args:
    state: its state dict, names to arrays (NumPy's, or tensors on the CPU).

  Returns:
    The nested parameters of `models.stargan.Generator`, NumPy arrays. Width,
    blocks and classes are read from the shapes.

  Raises:
    UserError: `state` is not a StarGAN generator; names the first difference.
  """
  what = "StarGAN generator"
  width, channels = _kernel(state, "main.0.weight", what)[:2]
  blocks = sum(name.endswith(".main.0.weight") for name in state)
  return _from_torch(
    state, list_generator_weights(width, blocks, channels - 3), what
  )


def generator_to_torch(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns the state dict that the released generator loads strictly.

  The running statistics of its norms are in it, but for `num_batches_tracked`:
  PyTorch before 0.4.1 does not know it, and later versions do without.

  Raises:
    UserError: `params` are not a generator's; names the first difference.
  """
  what = "generator parameters"
  flat = traverse_util.flatten_dict(params, sep="/")
  channels, width = _kernel(flat, "encoder_0/conv/kernel", what)[2:]
  blocks = sum(path.endswith("/conv_0/kernel") for path in flat)
  weights = list_generator_weights(width, blocks, channels - 3)
  state = {}
  for name, array in _to_torch(flat, weights, what).items():
    state[name] = array
    if name.endswith(".bias"):  # Only norms have one.
      norm = name.removesuffix("bias")
      state[norm + "running_mean"] = np.zeros_like(array)
      state[norm + "running_var"] = np.ones_like(array)
  return state


def discriminator_from_torch(state: Mapping[str, Any]) -> dict:
  """Returns the parameters of a discriminator; see generator_from_torch."""
  what = "StarGAN discriminator"
  width = _kernel(state, "main.0.weight", what)[0]
  classes, _, size, _ = _kernel(state, "conv2.weight", what)
  layers = sum(
    name.startswith("main.") and name.endswith(".weight") for name in state
  )
  return _from_torch(
    state, list_discriminator_weights(width, layers, classes, size), what
  )


def discriminator_to_torch(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns the state dict that the released discriminator loads strictly.

  Raises:
    UserError: `params` are not a discriminator's; names the first difference.
  """
  what = "discriminator parameters"
  flat = traverse_util.flatten_dict(params, sep="/")
  width = _kernel(flat, "layer_0/kernel", what)[3]
  size, _, _, classes = _kernel(flat, "classifier/kernel", what)
  layers = sum(
    path.startswith("layer_") and path.endswith("/kernel") for path in flat
  )
  return _to_torch(
    flat, list_discriminator_weights(width, layers, classes, size), what
  )


def _from_torch(
  state: Mapping[str, Any], weights: list[Weight], what: str
) -> dict:
  state = {
    name: np.asarray(array)
    for name, array in state.items()
    if name.rpartition(".")[2] not in _BUFFERS
  }
  _check(state, {w.name: w.shape for w in weights}, what)
  flat = {w.path: _permuted(state[w.name], (2, 3, 1, 0)) for w in weights}
  return traverse_util.unflatten_dict(flat, sep="/")


def _to_torch(
  flat: Mapping[str, Any], weights: list[Weight], what: str
) -> dict[str, np.ndarray]:
  _check(flat, {w.path: w.our_shape() for w in weights}, what)
  return {w.name: _permuted(flat[w.path], (3, 2, 0, 1)) for w in weights}


def _permuted(array: Any, axes: tuple[int, ...]) -> np.ndarray:
  array = np.asarray(array)
  if array.ndim != 4:
    return array
  return np.ascontiguousarray(array.transpose(axes))


def _kernel(arrays: Mapping[str, Any], name: str, what: str) -> tuple[int, ...]:
  """Returns the four sizes of a kernel, from which the network's follow."""
  if name not in arrays:
    raise UserError(f"{what}: {name!r} is missing{nearest(name, arrays)}")
  shape = tuple(np.shape(arrays[name]))
  if len(shape) != 4:
    raise UserError(f"{what}: {name!r} is {shape}, not a kernel of four axes")
  return shape


def _check(
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
      raise UserError(f"{what}: {name!r} is unknown{nearest(name, shapes)}")
