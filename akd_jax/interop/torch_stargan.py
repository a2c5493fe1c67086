"""Turns StarGAN's PyTorch state dicts into our parameters and back.

Networks may have any size. Nothing here needs PyTorch.

The released code declares running statistics for its InstanceNorm layers
(`track_running_stats=True`) and never uses them, as it never calls `.eval()`.
They are ignored where we read, and written as PyTorch initialises them, so that
the released `restore_model`, which loads strictly, takes our files.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from akd_jax.interop.torch_weights import (
  Released,
  Weight,
  from_torch,
  kernel_shape,
  nest,
  to_torch,
)

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
  width, channels = kernel_shape(state, "main.0.weight", what)[:2]
  blocks = sum(name.endswith(".main.0.weight") for name in state)
  weights = list_generator_weights(width, blocks, channels - 3)
  return nest(from_torch(state, weights, what))[0]


def generator_to_torch(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns the state dict that the released generator loads strictly.

  The running statistics of its norms are in it, but for `num_batches_tracked`:
  PyTorch before 0.4.1 does not know it, and later versions do without.

  Raises:
    UserError: `params` are not a generator's; names the first difference.
  """
  from flax import traverse_util

  what = "generator parameters"
  flat = traverse_util.flatten_dict(params, sep="/")
  channels, width = kernel_shape(flat, "encoder_0/conv/kernel", what)[2:]
  blocks = sum(path.endswith("/conv_0/kernel") for path in flat)
  weights = list_generator_weights(width, blocks, channels - 3)
  state = {}
  for name, array in to_torch(flat, weights, what).items():
    state[name] = array
    if name.endswith(".bias"):  # Only norms have one.
      norm = name.removesuffix("bias")
      state[norm + "running_mean"] = np.zeros_like(array)
      state[norm + "running_var"] = np.ones_like(array)
  return state


def discriminator_from_torch(state: Mapping[str, Any]) -> dict:
  """Returns the parameters of a discriminator; see generator_from_torch."""
  what = "StarGAN discriminator"
  width = kernel_shape(state, "main.0.weight", what)[0]
  classes, _, size, _ = kernel_shape(state, "conv2.weight", what)
  layers = sum(
    name.startswith("main.") and name.endswith(".weight") for name in state
  )
  weights = list_discriminator_weights(width, layers, classes, size)
  return nest(from_torch(state, weights, what))[0]


def discriminator_to_torch(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns the state dict that the released discriminator loads strictly.

  Raises:
    UserError: `params` are not a discriminator's; names the first difference.
  """
  from flax import traverse_util

  what = "discriminator parameters"
  flat = traverse_util.flatten_dict(params, sep="/")
  width = kernel_shape(flat, "layer_0/kernel", what)[3]
  size, _, _, classes = kernel_shape(flat, "classifier/kernel", what)
  layers = sum(
    path.startswith("layer_") and path.endswith("/kernel") for path in flat
  )
  return to_torch(
    flat, list_discriminator_weights(width, layers, classes, size), what
  )


def read(
  generator: Mapping[str, Any], discriminator: Mapping[str, Any] | None
) -> Released:
  """Returns both networks of state dicts, and what they say of the config.

  Raises:
    UserError: one is no network of StarGAN; names the first difference.
  """
  drawing = generator_from_torch(generator)
  first = drawing["encoder_0"]["conv"]["kernel"]
  # The label stands behind the picture's three colours.
  classes = {"the generator's label": first.shape[2] - 3}
  fields = {
    "generator.width": first.shape[-1],
    "generator.blocks": sum(x.startswith("residual_") for x in drawing),
  }
  if discriminator is None:
    # The generator's pictures are multiples of 4, and no discriminator asks for
    # more.
    fields["discriminator.layers"] = 2
    return Released(drawing, None, None, classes, fields)
  scoring = discriminator_from_torch(discriminator)
  classifier = scoring["classifier"]["kernel"]
  classes["the discriminator"] = classifier.shape[-1]
  layers = sum(x.startswith("layer_") for x in scoring)
  fields |= {
    "discriminator.width": scoring["layer_0"]["kernel"].shape[-1],
    "discriminator.layers": layers,
    "data.image_size": classifier.shape[0] * 2**layers,
  }
  return Released(drawing, scoring, None, classes, fields)
