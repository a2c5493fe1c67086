"""Turns state dicts of AttGAN's PyTorch port into our parameters and back.

After elvisyjlin/AttGAN-PyTorch @be2d6c6 (attgan.py, nn.py). Our AttGAN follows
the authors' TensorFlow code. What differs in the port travels with a converted
network: slopes and epsilons in the config, and in its weights the strength of
the label, since a label half as strong is a kernel half as large. Nothing here
needs PyTorch.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from akd_jax.interop.torch_weights import (
  Released,
  Weight,
  count_weights,
  from_torch,
  kernel_shape,
  nest,
  to_torch,
)

_GENERATOR, _DISCRIMINATOR = "AttGAN generator", "AttGAN discriminator"
# No layer has more channels (attgan.py:17).
_WIDEST = 1024
# The port's label is this and minus this, ours 1 and -1 (train.py:78, 148).
LABEL = np.float32(0.5)
# PyTorch's own slope and epsilons (nn.py:31-46), and the activation of the
# discriminator's dense layers, a ReLU (train.py:55).
CONSTANTS = {
  "generator.slope": 0.01,
  "generator.epsilon": 1e-5,
  "discriminator.slope": 0.01,
  "discriminator.epsilon": 1e-5,
  "discriminator.hidden_slope": 0.0,
}
# What its test program leaves one of (data.py:107-139).
EXCLUSIVE = (
  ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
  ("Straight_Hair", "Wavy_Hair"),
  ("Bald", "Bangs"),
  ("Receding_Hairline", "Bangs"),
  ("Mustache", "No_Beard"),
)


def _channels(width: int, level: int) -> int:
  return min(width * 2**level, _WIDEST)


def _norm(path: str, name: str, features: int) -> list[Weight]:
  return [
    Weight(f"{path}/scale", f"{name}.weight", (features,)),
    Weight(f"{path}/bias", f"{name}.bias", (features,)),
  ]


def _running_norm(path: str, name: str, features: int) -> list[Weight]:
  return [
    *_norm(path, name, features),
    Weight(f"{path}/mean", f"{name}.running_mean", (features,)),
    Weight(f"{path}/var", f"{name}.running_var", (features,)),
  ]


def list_generator_weights(
  width: int, layers: int, shortcut: int, inject: int, classes: int
) -> list[Weight]:
  """Returns every array of a generator, in the order of its state dict.

  The arguments are those of `models.attgan.Generator`.
  """
  weights, channels = [], 3
  for i in range(layers):
    path, name = f"encoder/layer_{i}", f"enc_layers.{i}.layers"
    features = _channels(width, i)
    shape = (features, channels, 4, 4)
    weights += [
      Weight(f"{path}/conv/kernel", f"{name}.0.weight", shape),
      *_running_norm(f"{path}/norm", f"{name}.1", features),
    ]
    channels = features
  channels += classes
  for i in range(layers - 1):
    path, name = f"decoder/layer_{i}", f"dec_layers.{i}.layers"
    features = _channels(width, layers - 1 - i)
    shape = (channels, features, 4, 4)
    weights += [
      Weight(f"{path}/conv/kernel", f"{name}.0.weight", shape),
      *_running_norm(f"{path}/norm", f"{name}.1", features),
    ]
    channels = features
    channels += (i < shortcut) * _channels(width, layers - 2 - i)
    channels += (i < inject) * classes
  name = f"dec_layers.{layers - 1}.layers.0"
  return [
    *weights,
    Weight("decoder/output/kernel", f"{name}.weight", (channels, 3, 4, 4)),
    Weight("decoder/output/bias", f"{name}.bias", (3,)),
  ]


def list_discriminator_weights(
  width: int, layers: int, hidden: int, classes: int, size: int
) -> list[Weight]:
  """Returns every array of a discriminator, in the order of its state dict.

  Args:
    width, layers, hidden, classes: as in `models.attgan.Discriminator`.
    size: side of the last map.
  """
  weights, channels = [], 3
  for i in range(layers):
    features, name = _channels(width, i), f"conv.{i}.layers"
    shape = (features, channels, 4, 4)
    weights += [
      Weight(f"layer_{i}/kernel", f"{name}.0.weight", shape),
      *_norm(f"norm_{i}", f"{name}.1", features),
    ]
    channels = features
  # A dense layer sees the map channel by channel, ours pixel by pixel.
  seen = (hidden, channels, size, size)
  for head, theirs, outputs in (
    ("critic", "fc_adv", 1),
    ("classifier", "fc_cls", classes),
  ):
    first, last = (f"{theirs}.{i}.layers.0" for i in range(2))
    flat = (hidden, channels * size * size)
    out = (outputs, hidden)
    weights += [
      Weight(f"{head}_hidden/kernel", f"{first}.weight", flat, seen),
      Weight(f"{head}_hidden/bias", f"{first}.bias", (hidden,)),
      Weight(f"{head}/kernel", f"{last}.weight", out, (*out, 1, 1)),
      Weight(f"{head}/bias", f"{last}.bias", (outputs,)),
    ]
  return weights


def read(
  generator: Mapping[str, Any], discriminator: Mapping[str, Any] | None
) -> Released:
  """Returns both networks of state dicts, and what they say of the config.

  Raises:
    UserError: one is no network of the port; names the first difference.
  """
  sizes, labels = _size_generator(generator)
  weights = list_generator_weights(classes=labels, **sizes)
  flat = from_torch(generator, weights, _GENERATOR)
  _strengthen(flat, sizes["inject"], sizes["layers"], labels, LABEL)
  drawing, statistics = nest(flat)
  classes = {"the generator's label": labels}
  fields = CONSTANTS | {f"generator.{x}": size for x, size in sizes.items()}
  if discriminator is None:
    # Pictures that the one can halve, the other could, to more than a pixel.
    fields["discriminator.layers"] = max(1, sizes["layers"] - 1)
    return Released(drawing, None, statistics, classes, fields, EXCLUSIVE)
  sizes, answers, side = _size_discriminator(discriminator)
  weights = list_discriminator_weights(classes=answers, size=side, **sizes)
  scoring, _ = nest(from_torch(discriminator, weights, _DISCRIMINATOR))
  classes["the discriminator"] = answers
  fields |= {f"discriminator.{x}": size for x, size in sizes.items()}
  fields["data.image_size"] = side * 2 ** sizes["layers"]
  return Released(drawing, scoring, statistics, classes, fields, EXCLUSIVE)


def generator_to_torch(
  flat: Mapping[str, Any], config: Mapping[str, Any], classes: int
) -> dict[str, np.ndarray]:
  """Returns the state dict that the port's generator loads strictly.

  Args:
    flat: our arrays by path, statistics among them.
    config: of a network that has the port's `CONSTANTS`.
    classes: how many the label has.

  Raises:
    UserError: it is no generator of this config.
  """
  names = ("width", "layers", "shortcut", "inject")
  sizes = {name: config["generator"][name] for name in names}
  weak = dict(flat)
  _strengthen(weak, sizes["inject"], sizes["layers"], classes, 1 / LABEL)
  weights = list_generator_weights(classes=classes, **sizes)
  return to_torch(weak, weights, _GENERATOR)


def discriminator_to_torch(
  flat: Mapping[str, Any], config: Mapping[str, Any], classes: int
) -> dict[str, np.ndarray]:
  """Returns the state dict of a discriminator; see generator_to_torch."""
  names = ("width", "layers", "hidden")
  sizes = {name: config["discriminator"][name] for name in names}
  side = config["data"]["image_size"] >> sizes["layers"]
  weights = list_discriminator_weights(classes=classes, size=side, **sizes)
  return to_torch(flat, weights, _DISCRIMINATOR)


def _strengthen(
  flat: dict[str, np.ndarray],
  inject: int,
  layers: int,
  classes: int,
  factor: np.floating,
) -> None:
  """Multiplies the kernels that see the label, as far as they see it."""
  # It stands behind all else that a layer of the decoder is given.
  for i in range(min(inject + 1, layers)):
    layer = "output" if i == layers - 1 else f"layer_{i}/conv"
    kernel = np.array(flat[f"decoder/{layer}/kernel"])
    kernel[..., -classes:] *= factor
    flat[f"decoder/{layer}/kernel"] = kernel


def _size_generator(state: Mapping[str, Any]) -> tuple[dict[str, int], int]:
  """Reads the sizes of a generator, and how many classes its label has."""

  def kernel(name: str) -> tuple[int, ...]:
    return kernel_shape(state, f"{name}.layers.0.weight", _GENERATOR)

  width = kernel("enc_layers.0")[0]
  layers = count_weights(state, r"enc_layers\.\d+\.layers\.0\.weight")
  classes = kernel("dec_layers.0")[0] - _channels(width, layers - 1)
  shortcut = inject = 0
  for i in range(1, layers):
    skip = _channels(width, layers - 1 - i)
    more = kernel(f"dec_layers.{i}")[0] - _channels(width, layers - i)
    shortcut += more in (skip, skip + classes)
    inject += more in (classes, skip + classes) and more != skip
  sizes = {
    "width": width,
    "layers": layers,
    "shortcut": shortcut,
    "inject": inject,
  }
  return sizes, classes


def _size_discriminator(
  state: Mapping[str, Any],
) -> tuple[dict[str, int], int, int]:
  """Reads a discriminator's sizes, its classes, and its last map's side."""
  width = kernel_shape(state, "conv.0.layers.0.weight", _DISCRIMINATOR)[0]
  layers = count_weights(state, r"conv\.\d+\.layers\.0\.weight")
  hidden, inputs = kernel_shape(
    state, "fc_adv.0.layers.0.weight", _DISCRIMINATOR, axes=2
  )
  last = "fc_cls.1.layers.0.weight"
  classes = kernel_shape(state, last, _DISCRIMINATOR, axes=2)[0]
  side = math.isqrt(inputs // max(_channels(width, layers - 1), 1))
  sizes = {"width": width, "layers": layers, "hidden": hidden}
  return sizes, classes, side
