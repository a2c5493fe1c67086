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

Params = Mapping[str, Any]


def slice_generator(wide: Params, narrow: Params) -> dict[str, Any]:
  """Returns the narrow generator's parameters, cut out of the wide one's.

  Args:
    wide: of a generator of `models.stargan` or `models.relgan`, whose layers
      have the same names.
    narrow: fresh ones, of another width, depth or output: they say the sizes.
      A mask that the wide one lacks starts at a half: its kernel is 0.

  Raises:
    UserError: the narrow one is the wider, the deeper, or knows other labels.
  """
  _check(wide, narrow)
  sliced: dict[str, Any] = {}
  # The picture and the label are as they are.
  kept = np.arange(np.shape(wide["encoder_0"]["conv"]["kernel"])[2])
  for i in range(3):
    name = f"encoder_{i}"
    chosen = _largest(wide[name]["conv"]["kernel"], 3, _width(narrow[name]))
    sliced[name] = {
      "conv": _cut_conv(wide[name]["conv"], kept, chosen),
      "norm": _cut_norm(wide[name]["norm"], chosen),
    }
    kept = chosen
  blocks = _blocks(narrow)
  for i in range(blocks):
    block = wide[f"residual_{_blocks(wide) - blocks + i}"]
    inner = _largest(block["conv_0"]["kernel"], 3, len(kept))
    sliced[f"residual_{i}"] = {
      "conv_0": _cut_conv(block["conv_0"], kept, inner),
      "norm_0": _cut_norm(block["norm_0"], inner),
      "conv_1": _cut_conv(block["conv_1"], inner, kept),
      "norm_1": _cut_norm(block["norm_1"], kept),
    }
  for i in range(2):
    name = f"decoder_{i}"
    # A transposed convolution's kernel is [k, k, out, in].
    chosen = _largest(wide[name]["conv"]["kernel"], 2, _width(narrow[name]))
    sliced[name] = {
      "conv": _cut_conv(wide[name]["conv"], kept, chosen, transposed=True),
      "norm": _cut_norm(wide[name]["norm"], chosen),
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
  labels = [
    np.shape(x["encoder_0"]["conv"]["kernel"])[2] - 3 for x in (narrow, wide)
  ]
  if labels[0] != labels[1]:
    raise UserError(
      f"config.init='sliced' takes a generator of {labels[0]} attributes from"
      f" one of {labels[1]}: they must know the same"
    )


def _width(layer: Params) -> int:
  return len(np.asarray(layer["norm"]["scale"]))


def _blocks(params: Params) -> int:
  return sum(name.startswith("residual_") for name in params)


def _largest(kernel: Any, axis: int, count: int) -> np.ndarray:
  """The `count` channels of an axis with the largest l1 norm, in order."""
  others = tuple(i for i in range(4) if i != axis)
  sizes = np.abs(np.asarray(kernel)).sum(others)
  return np.sort(np.argsort(-sizes, kind="stable")[:count])


def _cut_conv(
  conv: Params,
  incoming: np.ndarray,
  outgoing: np.ndarray,
  transposed: bool = False,
) -> dict[str, np.ndarray]:
  """The chosen channels of a convolution, and of its bias if it has one."""
  axes = (outgoing, incoming) if transposed else (incoming, outgoing)
  kernel = np.asarray(conv["kernel"])[:, :, axes[0]][:, :, :, axes[1]]
  bias = {k: np.asarray(x)[outgoing] for k, x in conv.items() if k == "bias"}
  return {"kernel": kernel} | bias


def _cut_norm(norm: Params, chosen: np.ndarray) -> dict[str, np.ndarray]:
  """The chosen channels of a norm; weights of a mixture are no channels'."""
  return {
    name: np.asarray(x) if name.endswith("_weight") else np.asarray(x)[chosen]
    for name, x in norm.items()
  }
