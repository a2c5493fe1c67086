"""Turns torchvision's ResNet state dict into our variables and back.

`layer1.0.bn1.running_mean` is `batch_stats` of `layer1_0/bn1/mean`: a number
in a name joins the word before it, the last word is renamed. A state dict maps
names to NumPy arrays; nothing here needs torch.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict

from akd_jax.common.errors import UserError

_MODULE = re.compile(
  r"(conv1|bn1|fc|layer\d\.\d+\.(conv\d|bn\d|downsample\.[01]))"
)
# Last word of a normalisation's name: ours and its collection.
_NORM = {
  "weight": ("params", "scale"),
  "bias": ("params", "bias"),
  "running_mean": ("batch_stats", "mean"),
  "running_var": ("batch_stats", "var"),
}
_TORCH = {ours: torch for torch, (_, ours) in _NORM.items()}
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
# Ours -> torch's: HWIO to OIHW, and [in, out] to [out, in].
_TO_TORCH = {4: (3, 2, 0, 1), 2: (1, 0)}
_FROM_TORCH = {4: (2, 3, 1, 0), 2: (1, 0)}


def from_torch(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
  """Returns the variables of akd_jax.models.resnet.ResNet of a state dict.

  Raises:
    UserError: a name is none of a ResNet's.
  """
  variables: dict[str, Any] = {"params": {}, "batch_stats": {}}
  for name, value in state.items():
    prefix, _, last = name.rpartition(".")
    if last == "num_batches_tracked":
      continue
    if not _MODULE.fullmatch(prefix) or last not in _NORM:
      raise UserError(f"{name!r} is not a name of torchvision's ResNet")
    collection, leaf = _NORM[last]
    if value.ndim > 1:
      leaf, value = "kernel", value.transpose(_FROM_TORCH[value.ndim])
    module = variables[collection]
    for part in re.sub(r"\.(\d+)", r"_\1", prefix).split("."):
      module = module.setdefault(part, {})
    module[leaf] = np.ascontiguousarray(value)
  return variables


def from_imagenet(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
  """Returns the variables of ImageNet weights, for images in [-1, 1].

  torchvision's networks are given (x - mean) / deviation of x in [0, 1]. The
  scale goes into the first kernel, the shift into the mean that the first norm
  subtracts; only the padding is then another grey.

  Raises:
    UserError: a name is none of a ResNet's.
  """
  variables = from_torch(state)
  first = variables["params"]["conv1"]
  running = variables["batch_stats"]["bn1"]
  shift = (0.5 - _IMAGENET_MEAN) / _IMAGENET_DEVIATION
  running["mean"] = running["mean"] - np.einsum(
    "hwio,i->o", first["kernel"], shift
  )
  first["kernel"] = first["kernel"] / (2 * _IMAGENET_DEVIATION[:, None])
  return variables


def to_torch(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns the state dict that torchvision's ResNet loads strictly."""
  state: dict[str, np.ndarray] = {}
  for collection in ("params", "batch_stats"):
    for path, value in flatten_dict(variables[collection]).items():
      *modules, leaf = path
      value = np.asarray(value)
      if leaf == "kernel":
        leaf, value = "weight", value.transpose(_TO_TORCH[value.ndim])
      else:
        leaf = _TORCH[leaf]
      prefix = re.sub(r"_(\d+)", r".\1", ".".join(modules))
      state[f"{prefix}.{leaf}"] = np.ascontiguousarray(value)
      if leaf == "running_mean":
        state[f"{prefix}.num_batches_tracked"] = np.array(0, np.int64)
  return state
