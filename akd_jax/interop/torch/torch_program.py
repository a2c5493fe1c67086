r"""Runs an exported generator in PyTorch: its metadata say what to do.

`akd_jax.export --format=torch --out=DIR` writes this file, which may be copied
away, beside a network that no released PyTorch code can draw:

  from torch_program import load
  network = load("DIR/network.npz")
  label = network.label(Blond_Hair=1)[None]
  with torch.no_grad():
    translated = network(image, label)

It is a Module like any other: it moves to a GPU, is trained on, and is saved by
its state_dict.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

# The format of files that have a program, and where JSON may end: a program is
# some thousand letters.
FORMAT, _LARGEST = 3, 2**20
_NO_PROGRAM = "{} has no program: export it by --format=torch --out=DIR"
# What is measured and not learnt.
_STATISTICS = ("mean", "var")
Step = Mapping[str, Any]


class Network(nn.Module):
  """A generator.

  Attributes:
    metadata: what is known of it: "attributes", "image_size", "label_rule", ...
    arrays: its parameters by path; kernels are [out, in, k, k], those of
      transposed convolutions [in, out, k, k].
  """

  def __init__(self, arrays: Mapping[str, np.ndarray], metadata: Step):
    super().__init__()
    self.metadata = dict(metadata)
    self.arrays = nn.ParameterDict(
      {
        path: nn.Parameter(
          torch.from_numpy(np.ascontiguousarray(_to_torch(x))),
          requires_grad=not path.endswith(_STATISTICS),
        )
        for path, x in arrays.items()
      }
    )
    # Of each step, where its parameters are, by their last names.
    self._steps = [
      (step, _under(step.get("at"), arrays)) for step in metadata["program"]
    ]

  def label(self, **wanted: float) -> Tensor:
    """Returns a label, float32 [C]: attributes by name; what is not named is 0.

    Raises:
      KeyError: there is no such attribute.
    """
    names = self.metadata["attributes"]
    if unknown := set(wanted) - {*names}:
      raise KeyError(f"{unknown.pop()} is none of {', '.join(names)}")
    return torch.tensor([float(wanted.get(name, 0)) for name in names])

  def forward(
    self,
    image: Tensor,
    label: Tensor,
    own: Tensor | None = None,
    edits: Tensor | float = 1.0,
  ) -> Tensor:
    """Translates pictures; returns float32 [B, 3, H, W] in [-1, 1].

    Args:
      image: float32 [B, 3, H, W] in [-1, 1], RGB; H and W are multiples of
        metadata["multiple"].
      label: [B, C], 0 or 1, in the order of metadata["attributes"].
      own: [B, C], the pictures' own labels, which a network that is told what
        is to change needs.
      edits: [B, C], 1 where an attribute was set, 0 where it changes because of
        another.

    Raises:
      ValueError: it needs `own`.
    """
    of_label, of_own, constant = self.metadata["given"]
    further = self.metadata["test_strength"] - 1
    if own is None and (of_own or further):
      raise ValueError("this network is told what pictures have: give `own`")
    own = torch.zeros_like(label) if own is None else own
    label = label + further * edits * (label - own)
    given = of_label * label + of_own * own + constant
    values = {"image": image, "given": given.expand(len(image), -1)}
    for step, own_paths in self._steps:
      taken = [values[name] for name in step["of"]]
      parameters = {name: self.arrays[x] for name, x in own_paths.items()}
      values[step["to"]] = OPERATIONS[step["do"]](taken, parameters, step)
    return values["picture"]


def load(path: str) -> Network:
  """Reads a network; nothing in the file is run.

  Raises:
    OSError, ValueError: the file cannot be read, is damaged, or has no program.
  """
  try:
    metadata, arrays = _read(path)
  except OSError:
    raise
  except Exception as error:  # There is no end to what damage may raise.
    raise ValueError(_NO_PROGRAM.format(path)) from error
  if metadata.get("format") != FORMAT:
    raise ValueError(_NO_PROGRAM.format(path))
  return Network(arrays, metadata)


def _read(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
  """Reads the metadata of a file, and its arrays by name."""
  with np.load(path, allow_pickle=False) as found:
    if found["metadata"].nbytes > 4 * _LARGEST:
      raise ValueError("its metadata is too large")
    names = [name for name in found.files if name != "metadata"]
    arrays = {name: found[name].astype(np.float32) for name in names}
    return json.loads(str(found["metadata"])), arrays


def _under(place: str | None, paths: Iterable[str]) -> dict[str, str]:
  start = f"{place}/"
  return {x.removeprefix(start): x for x in paths if x.startswith(start)}


def _to_torch(x: np.ndarray) -> np.ndarray:
  """Returns a kernel [k, k, I, O] as PyTorch has it; all else as it is."""
  return x.transpose(3, 2, 0, 1) if x.ndim == 4 else x


def _channels(x: Tensor) -> Tensor:
  """Returns one number a channel, [K], as [K, 1, 1]."""
  return x[:, None, None]


def _normalize(x: Tensor, own: Mapping[str, Tensor], epsilon: float) -> Tensor:
  """By running statistics where there are any, else by the picture's own."""
  if "mean_weight" in own:
    mean, var = _mixture(x, own)
  elif "mean" in own:
    mean, var = _channels(own["mean"]), _channels(own["var"])
  else:
    return functional.instance_norm(x, weight=own["scale"], bias=own["bias"])
  factor = _channels(own["scale"]) / torch.sqrt(var + epsilon)
  return (x - mean) * factor + _channels(own["bias"])


def _mixture(x: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
  """SwitchNorm: of the picture, of all its channels, and running ones."""
  var, mean = torch.var_mean(x, (2, 3), keepdim=True)
  every = mean.mean(1, keepdim=True)
  variance = (var + (mean - every) ** 2).mean(1, keepdim=True)
  running = _channels(own["mean"]), _channels(own["var"])
  means, variances = (mean, every, running[0]), (var, variance, running[1])
  mixed = []
  for name, parts in (("mean_weight", means), ("var_weight", variances)):
    weights = torch.softmax(own[name], 0)
    mixed.append(sum(w * part for w, part in zip(weights, parts, strict=True)))
  return mixed[0], mixed[1]


def _tile(label: Tensor, plane: Tensor) -> Tensor:
  return label[:, :, None, None].expand(-1, -1, *plane.shape[2:])


def _append(label: Tensor, numbers: list[float]) -> Tensor:
  more = torch.tensor(numbers, dtype=label.dtype, device=label.device)
  return torch.cat([label, more.expand(len(label), -1)], 1)


Operation = Callable[[list[Tensor], Mapping[str, Tensor], Step], Tensor]
# As in numpy_program.py: (what it is done to, its parameters, the step) -> what
# comes of it, [B, K, H, W].
OPERATIONS: dict[str, Operation] = {
  "append": lambda x, _, step: _append(x[0], step["numbers"]),
  "tile": lambda x, _, step: _tile(x[0], x[1]),
  "concat": lambda x, _, step: torch.cat(x, 1),
  "take": lambda x, _, step: x[0][:, step["first"] : step["last"]],
  "conv": lambda x, own, step: functional.conv2d(
    x[0],
    own["kernel"],
    own.get("bias"),
    step.get("stride", 1),
    (own["kernel"].shape[-1] - 1) // 2,
  ),
  "up": lambda x, own, step: functional.conv_transpose2d(
    x[0], own["kernel"], own.get("bias"), stride=2, padding=1
  ),
  "norm": lambda x, own, step: _normalize(x[0], own, step.get("epsilon", 1e-5)),
  "relu": lambda x, _, step: torch.maximum(x[0], step.get("slope", 0) * x[0]),
  "tanh": lambda x, _, step: torch.tanh(x[0]),
  "sigmoid": lambda x, _, step: torch.sigmoid(x[0]),
  "add": lambda x, _, step: x[0] + x[1],
  "multiply": lambda x, _, step: x[0] * x[1],
  "mix": lambda x, _, step: x[0] * x[1] + (1 - x[0]) * x[2],
}
