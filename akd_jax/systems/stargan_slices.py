"""A narrow StarGAN or RelGAN generator cut out of a wide one.

Pruning by the size of filters (Li et al., Pruning Filters for Efficient
ConvNets, 2017, section 3.1): of each layer the channels whose kernels are
largest stay. A residual sum adds the same channels in every block, so that all
blocks share one choice; of a deep generator the last blocks stay, which are
nearest to what is drawn.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.models.layers import RESIZE_KERNEL
from akd_jax.models.stargan import LABEL_SET_PLANES

Params = Mapping[str, Any]


def slice_generator(wide: Params, narrow: Params) -> dict[str, Any]:
  """Returns the narrow generator's parameters, cut out of the wide one's.

  Args:
    wide: of a generator of `models.stargan` or `models.relgan`, whose layers
      have the same names.
    narrow: fresh ones, of another width, depth or output: they say the sizes.
      A mask that the wide one lacks starts at a half: its kernel is 0. Of a
      wide one of two label sets the mask vector is left out where the narrow
      one has none. It then draws otherwise than the wide one's channels: of
      planes that are the same everywhere the norm takes out the middle, but not
      the border, behind which zeros are.

  Raises:
    UserError: the narrow one is the wider, the deeper, or knows other labels.
  """
  _check(wide, narrow)
  sliced: dict[str, Any] = {}
  # The picture and the label are as they are.
  kept = np.arange(_planes(narrow))
  for i in range(3):
    name = f"encoder_{i}"
    chosen = find_largest(wide[name]["conv"]["kernel"], 3, _width(narrow[name]))
    sliced[name] = {
      "conv": cut_conv(wide[name]["conv"], kept, chosen),
      "norm": cut_norm(wide[name]["norm"], chosen),
    }
    kept = chosen
  blocks = _blocks(narrow)
  for i in range(blocks):
    block = wide[f"residual_{_blocks(wide) - blocks + i}"]
    inner = find_largest(block["conv_0"]["kernel"], 3, len(kept))
    sliced[f"residual_{i}"] = {
      "conv_0": cut_conv(block["conv_0"], kept, inner),
      "norm_0": cut_norm(block["norm_0"], inner),
      "conv_1": cut_conv(block["conv_1"], inner, kept),
      "norm_1": cut_norm(block["norm_1"], kept),
    }
  for i in range(2):
    name = f"decoder_{i}"
    conv = wide[name]["conv"]
    kernel, axis = find_doubling(conv)
    chosen = find_largest(conv[kernel], axis, _width(narrow[name]))
    sliced[name] = {
      "conv": cut_conv(conv, kept, chosen, transposed=axis == 2),
      "norm": cut_norm(wide[name]["norm"], chosen),
    }
    kept = chosen
  output = np.asarray(wide["output"]["kernel"])[:, :, kept]
  lacking = np.shape(narrow["output"]["kernel"])[3] - output.shape[3]
  output = np.pad(output, ((0, 0), (0, 0), (0, 0), (0, max(lacking, 0))))
  # A narrow one that draws pictures needs no mask.
  last = output.shape[3] + min(lacking, 0)
  sliced["output"] = dict(wide["output"]) | {"kernel": output[..., :last]}
  return sliced


def _check(wide: Params, narrow: Params) -> None:
  for name in ("encoder_0", "encoder_1", "encoder_2"):
    if _width(narrow[name]) > _width(wide[name]):
      raise UserError(
        f"config.init='sliced' takes a generator of width"
        f" {_width(narrow['encoder_0'])} from one of width"
        f" {_width(wide['encoder_0'])}: it can not be the wider one"
      )
  if _blocks(narrow) > _blocks(wide):
    raise UserError(
      f"config.init='sliced' takes a generator of {_blocks(narrow)} blocks from"
      f" one of {_blocks(wide)}: it can not be the deeper one"
    )
  ways = [_upsample(x) for x in (narrow, wide)]
  if ways[0] != ways[1]:
    raise UserError(
      f"config.init='sliced' takes a generator of"
      f" config.generator.upsample={ways[0]!r} from one of {ways[1]!r}: they"
      " must be the same"
    )
  labels = [_planes(x) - 3 for x in (narrow, wide)]
  if labels[1] - labels[0] not in (0, LABEL_SET_PLANES):
    raise UserError(
      f"config.init='sliced' takes a generator of {labels[0]} attributes from"
      f" one of {labels[1]}: they must know the same"
    )


def _planes(params: Params) -> int:
  """Counts what a generator is given: a picture's channels, and a label's."""
  planes: int = np.shape(params["encoder_0"]["conv"]["kernel"])[2]
  return planes


def _width(layer: Params) -> int:
  return len(np.asarray(layer["norm"]["scale"]))


def _upsample(params: Params) -> str:
  resizes = RESIZE_KERNEL in params["decoder_0"]["conv"]
  return "resize" if resizes else "transposed"


def _blocks(params: Params) -> int:
  return sum(name.startswith("residual_") for name in params)


def find_doubling(conv: Params) -> tuple[str, int]:
  """Finds the kernel of a layer that doubles pictures, and its output's axis.

  A transposed convolution's is [k, k, out, in], a resize-convolution's
  [k, k, in, out].
  """
  return (RESIZE_KERNEL, 3) if RESIZE_KERNEL in conv else ("kernel", 2)


def find_largest(kernel: Any, axis: int, count: int) -> np.ndarray:
  """Returns the `count` channels of an axis with the largest l1 norm."""
  others = tuple(i for i in range(4) if i != axis)
  sizes = np.abs(np.asarray(kernel)).sum(others)
  return np.sort(np.argsort(-sizes, kind="stable")[:count])


def cut(kernel: Any, first: np.ndarray, second: np.ndarray) -> np.ndarray:
  """Returns the chosen channels of a kernel's third and fourth axis."""
  return np.asarray(kernel)[:, :, first][:, :, :, second]


def cut_conv(
  conv: Params,
  incoming: np.ndarray,
  outgoing: np.ndarray,
  transposed: bool = False,
) -> dict[str, np.ndarray]:
  """Returns the chosen channels of a convolution, and of its bias if any."""
  axes = (outgoing, incoming) if transposed else (incoming, outgoing)
  return {
    name: np.asarray(x)[outgoing] if name == "bias" else cut(x, *axes)
    for name, x in conv.items()
  }


def cut_norm(norm: Params, chosen: np.ndarray) -> dict[str, np.ndarray]:
  """Returns the chosen channels of all that a norm has.

  The weights by which a SwitchNorm mixes are no channels'.
  """
  return {
    name: np.asarray(x) if name.endswith("_weight") else np.asarray(x)[chosen]
    for name, x in norm.items()
  }
