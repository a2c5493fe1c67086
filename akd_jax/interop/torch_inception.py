"""Turns pytorch-fid's InceptionV3 state dict, NumPy arrays, into our variables.

`Mixed_5b.branch1x1.bn.running_mean` is `batch_stats` of
`Mixed_5b/branch1x1/bn/mean`: modules have the same names, the last word is
renamed. Needs no torch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from akd_jax.common.errors import UserError
from akd_jax.interop import torch_weights
from akd_jax.interop.torch_file import read_state_dict
from akd_jax.interop.torch_weights import Weight

# pytorch-fid's file, ported from the network of the first FID. Distances are
# comparable with published ones only by these weights.
URL = (
  "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
  "pt_inception-2015-12-05-6726825d.pth"
)
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"

# The end of a path in our variables, and of the name in the state dict.
_TORCH = {
  "kernel": "weight",
  "scale": "weight",
  "bias": "bias",
  "mean": "running_mean",
  "var": "running_var",
}
# Of no use to FID: the classifiers.
_IGNORED = ("fc.", "AuxLogits.")


def list_weights(shapes: Mapping[str, Any]) -> list[Weight]:
  """Returns every array of a network whose variables have these shapes."""
  return [
    Weight(
      "/".join(path),
      ".".join((*path[1:-1], _TORCH[path[-1]])),
      tuple(leaf.shape[axis] for axis in (3, 2, 0, 1))
      if leaf.ndim == 4
      else leaf.shape,
    )
    for path, leaf in flatten_dict(shapes).items()
  ]


def from_torch(
  state: Mapping[str, np.ndarray], shapes: Mapping[str, Any]
) -> dict[str, Any]:
  """Returns the variables of InceptionV3 out of a state dict.

  Args:
    state: arrays by the names of pytorch-fid.
    shapes: of the variables, nested as they are (models.inception.shapes()).

  Raises:
    UserError: a name is missing or foreign, or a shape is another network's.
  """
  used = {k: x for k, x in state.items() if not k.startswith(_IGNORED)}
  weights = list_weights(shapes)
  flat = torch_weights.from_torch(used, weights, "FID's InceptionV3")
  return unflatten_dict(
    {path: np.ascontiguousarray(x, np.float32) for path, x in flat.items()},
    sep="/",
  )


def read(path: str | Path, shapes: Mapping[str, Any]) -> dict[str, Any]:
  """Reads pytorch-fid's file into variables; see from_torch.

  Raises:
    UserError: the file is missing or another one; says where to get it.
  """
  try:
    return from_torch(read_state_dict(path, SHA256), shapes)
  except UserError as error:
    raise UserError(f"{error}; get pytorch-fid's file from {URL}") from error
