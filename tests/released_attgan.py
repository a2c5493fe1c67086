"""Arrays of the released AttGAN and STGAN under our names.

Their PyTorch ports name layers alike: AttGAN's `enc_layers.0.layers.1.weight`
is STGAN's `encoder.0.1.weight`.
"""

import re

import numpy as np
from flax import traverse_util

# What only one of the two says, in the words of the patterns below.
_WORDS = {
  "enc_layers": "encoder", "dec_layers": "decoder", ".layers": "",
  "fc_adv": "critic", "fc_cls": "classifier", "fc_att": "classifier",
  "_gate.0": "", "hidden.0": "hidden", "stu": "unit",
}  # fmt: skip
# The layer of a name but for its last word: the layer in our paths.
_LAYERS = {
  r"(encoder|decoder)\.(\d)\.0": r"\1/layer_\2/conv",
  r"(encoder|decoder)\.(\d)\.1": r"\1/layer_\2/norm",
  r"unit\.(\d)\.(upsample|reset|update|hidden)": r"unit_\1/\2",
  r"conv\.(\d)\.0": r"layer_\1",
  r"conv\.(\d)\.1": r"norm_\1",
  r"(critic|classifier)\.0(\.0)?": r"\1_hidden",
  r"(critic|classifier)\.[12](\.0)?": r"\1",
}
_NORM = {
  "weight": "scale", "bias": "bias", "running_mean": "mean",
  "running_var": "var",
}  # fmt: skip
_OTHERS = {"weight": "kernel", "bias": "bias"}


def parameters(state):
  """Our nested parameters of a state dict, or of its gradient."""
  return _nested({k: x for k, x in state.items() if "running" not in k})


def statistics(state):
  """The running statistics that are in a state dict, nested as ours."""
  return _nested({k: x for k, x in state.items() if "running" in k})


def _nested(state):
  flat = {_path(name): _ours(array) for name, array in state.items()}
  # The decoder's last layer draws the picture, without a norm.
  layers = [x for x in flat if re.match(r"decoder/layer_\d/conv", x)]
  last = max(layers, default="").removesuffix("/kernel")
  flat = {
    path.replace(last, "decoder/output") if last else path: array
    for path, array in flat.items()
  }
  for name in ("critic_hidden/kernel", "classifier_hidden/kernel"):
    if name in flat:
      flat[name] = _flattened_last(flat[name], _widest(flat))
  return traverse_util.unflatten_dict(flat, sep="/")


def _path(name):
  for theirs, ours in _WORDS.items():
    name = name.replace(theirs, ours)
  layer, _, end = name.rpartition(".")
  for pattern, path in _LAYERS.items():
    if found := re.fullmatch(pattern, layer):
      path = found.expand(path)
      return f"{path}/{(_NORM if 'norm' in path else _OTHERS)[end]}"
  raise KeyError(name)


def _ours(array):
  if array.ndim == 4:
    return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
  return array.T


def _widest(flat):
  """Channels of the discriminator's last map."""
  return max(x.shape[-1] for path, x in flat.items() if "layer_" in path)


def _flattened_last(kernel, channels):
  """[C h w, K] to [h w C, K]: we flatten a map's channels last."""
  kernel = kernel.reshape(channels, -1, kernel.shape[-1])
  return kernel.swapaxes(0, 1).reshape(-1, kernel.shape[-1])
