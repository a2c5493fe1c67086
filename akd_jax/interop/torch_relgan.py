"""Turns state dicts of RelGAN's PyTorch release into our parameters and back.

After elvisyjlin/RelGAN-PyTorch @8e432d0 (nn.py). Its networks are trained with
vectors of the other sign, original minus target (train.py:203); so the kernels
that see a vector change theirs here. Nothing here needs PyTorch.
"""

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

_GENERATOR, _DISCRIMINATOR = "RelGAN generator", "RelGAN discriminator"


def _conv(path: str, name: str, shape: tuple[int, ...], out: int) -> list:
  return [
    Weight(f"{path}/kernel", f"{name}.weight", shape),
    Weight(f"{path}/bias", f"{name}.bias", (out,)),
  ]


def _norm(path: str, name: str, features: int) -> list[Weight]:
  """SwitchNorm: the release keeps axes of one."""
  four, three = (1, features, 1, 1), (1, features, 1)
  flat = (features,)
  return [
    Weight(f"{path}/scale", f"{name}.weight", four, flat),
    Weight(f"{path}/bias", f"{name}.bias", four, flat),
    Weight(f"{path}/mean_weight", f"{name}.mean_weight", (3,)),
    Weight(f"{path}/var_weight", f"{name}.var_weight", (3,)),
    Weight(f"{path}/mean", f"{name}.running_mean", three, flat),
    Weight(f"{path}/var", f"{name}.running_var", three, flat),
  ]


def list_generator_weights(
  width: int, blocks: int, classes: int
) -> list[Weight]:
  """Returns every array of a generator, in the order of its state dict."""

  def layer(path: str, name: str, shape: tuple, features: int) -> list[Weight]:
    return [
      *_conv(f"{path}/conv", f"{name}.0", shape, features),
      *_norm(f"{path}/norm", f"{name}.1", features),
    ]

  w, inner = width, 4 * width
  weights = [
    *layer("encoder_0", "conv_in", (w, 3 + classes, 7, 7), w),
    *layer("encoder_1", "down1", (2 * w, w, 4, 4), 2 * w),
    *layer("encoder_2", "down2", (inner, 2 * w, 4, 4), inner),
  ]
  for i in range(blocks):
    path, name, shape = f"residual_{i}", f"resb.{i}.f", (inner, inner, 3, 3)
    for j in range(2):
      weights += [
        *_conv(f"{path}/conv_{j}", f"{name}.{3 * j}", shape, inner),
        *_norm(f"{path}/norm_{j}", f"{name}.{3 * j + 1}", inner),
      ]
  return [
    *weights,
    *layer("decoder_0", "up2", (inner, 2 * w, 4, 4), 2 * w),
    *layer("decoder_1", "up1", (2 * w, w, 4, 4), w),
    *_conv("output", "conv_out.0", (3, w, 7, 7), 3),
  ]


def list_discriminator_weights(
  width: int,
  layers: int,
  match_width: int,
  interpolation_width: int,
  classes: int,
) -> list[Weight]:
  """Returns every array of a discriminator, in the order of its state dict.

  The arguments are those of `models.relgan.Discriminator`.
  """
  weights, channels = [], 3
  for i in range(layers):
    features = width * 2**i
    shape = (features, channels, 4, 4)
    weights += _conv(f"layer_{i}", f"convs.{2 * i}", shape, features)
    channels = features
  last = (interpolation_width, channels, 1, 1)
  answer = (1, match_width, 1, 1)
  both = (match_width, 2 * channels + classes, 1, 1)
  return [
    *weights,
    *_conv("adversarial_head", "conv_adv", (1, channels, 1, 1), 1),
    *_conv("interpolation_head", "conv_int", last, interpolation_width),
    *_conv("match_head", "convs_cls.0", both, match_width),
    *_conv("match_head/answer", "convs_cls.2", answer, 1),
  ]


def read(
  generator: Mapping[str, Any], discriminator: Mapping[str, Any] | None
) -> Released:
  """Returns both networks of state dicts, and what they say of the config.

  Raises:
    UserError: one is no network of the release; names the first difference.
  """
  width, inputs = kernel_shape(generator, "conv_in.0.weight", _GENERATOR)[:2]
  blocks = count_weights(generator, r"resb\.\d+\.f\.0\.weight")
  # The vector stands behind the picture's three colours.
  classes = {"the generator's vector": inputs - 3}
  weights = list_generator_weights(width, blocks, inputs - 3)
  flat = from_torch(generator, weights, _GENERATOR)
  _change_sign(flat, "encoder_0/conv/kernel", 3)
  drawing, statistics = nest(flat)
  fields = {"generator.width": width, "generator.blocks": blocks}
  if discriminator is None:
    return Released(drawing, None, statistics, classes, fields)

  def kernel(name: str) -> tuple[int, ...]:
    return kernel_shape(discriminator, f"{name}.weight", _DISCRIMINATOR)

  layers = count_weights(discriminator, r"convs\.\d+\.weight")
  features = kernel("conv_adv")[1]
  match, inputs = kernel("convs_cls.0")[:2]
  classes["the discriminator"] = inputs - 2 * features
  sizes = {
    "width": kernel("convs.0")[0],
    "layers": layers,
    "match_width": match,
    "interpolation_width": kernel("conv_int")[0],
  }
  weights = list_discriminator_weights(
    classes=classes["the discriminator"], **sizes
  )
  flat = from_torch(discriminator, weights, _DISCRIMINATOR)
  # It stands behind the features of two pictures.
  _change_sign(flat, "match_head/kernel", 2 * features)
  fields |= {f"discriminator.{name}": size for name, size in sizes.items()}
  return Released(drawing, nest(flat)[0], statistics, classes, fields)


def generator_to_torch(
  flat: Mapping[str, Any], config: Mapping[str, Any], classes: int
) -> dict[str, np.ndarray]:
  """Returns the state dict that the released generator loads strictly.

  Args:
    flat: our arrays by path, statistics among them.
    config: of this network.
    classes: how many the vector has.

  Raises:
    UserError: it is no generator of this config.
  """
  sizes = {name: config["generator"][name] for name in ("width", "blocks")}
  turned = dict(flat)
  _change_sign(turned, "encoder_0/conv/kernel", 3)
  weights = list_generator_weights(classes=classes, **sizes)
  return to_torch(turned, weights, _GENERATOR)


def discriminator_to_torch(
  flat: Mapping[str, Any], config: Mapping[str, Any], classes: int
) -> dict[str, np.ndarray]:
  """Returns the state dict of a discriminator; see generator_to_torch."""
  names = ("width", "layers", "match_width", "interpolation_width")
  sizes = {name: config["discriminator"][name] for name in names}
  turned = dict(flat)
  last = sizes["width"] * 2 ** (sizes["layers"] - 1)
  _change_sign(turned, "match_head/kernel", 2 * last)
  weights = list_discriminator_weights(classes=classes, **sizes)
  return to_torch(turned, weights, _DISCRIMINATOR)


def _change_sign(flat: dict[str, np.ndarray], path: str, start: int) -> None:
  """Changes the sign of a kernel's inputs from `start` on."""
  kernel = np.array(flat[path])
  kernel[:, :, start:] *= -1
  flat[path] = kernel
