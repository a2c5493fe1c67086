"""ResNet as torchvision's: the network of the attribute classifier.

Modules carry torchvision's names, `layer1.0.conv1` being `layer1_0/conv1`, so
that its weights map by rule (akd_jax/interop/torch_resnet.py).
"""

import functools
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

Variables = dict[str, Any]


def _convolve(
  x: jax.Array, features: int, size: int, name: str, stride: int = 1
) -> jax.Array:
  """A convolution without bias, padded by half its kernel on each side."""
  arguments: dict[str, Any] = {}
  if x.shape[1] <= stride * (size - 1):
    arguments["conv_general_dilated"] = _convolve_as_product
  return nn.Conv(
    features,
    (size, size),
    strides=stride,
    padding=size // 2,
    use_bias=False,
    name=name,
    **arguments,
  )(x)


def _convolve_as_product(
  x: jax.Array,
  kernel: jax.Array,
  strides: Sequence[int],
  padding: Sequence[tuple[int, int]],
  **_: Any,
) -> jax.Array:
  """The convolution as patches times a matrix, for maps of few pixels.

  Where a kernel is larger than its map, as in the last stage at 64 px, XLA
  takes 15 to 60 times as long on a CPU.
  """
  x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
  height, width = kernel.shape[:2]
  rows, columns = x.shape[1] - height + 1, x.shape[2] - width + 1
  patches = [
    x[:, i : i + rows : strides[0], j : j + columns : strides[1]]
    for i in range(height)
    for j in range(width)
  ]
  return jnp.concatenate(patches, axis=-1) @ kernel.reshape(
    -1, kernel.shape[-1]
  )


def _norm(train: bool, name: str) -> nn.BatchNorm:
  """Batch statistics in training, running averages otherwise.

  Flax's momentum 0.9 is PyTorch's 0.1.
  """
  return nn.BatchNorm(
    use_running_average=not train, momentum=0.9, epsilon=1e-5, name=name
  )


class BasicBlock(nn.Module):
  """Two 3x3 convolutions beside a shortcut."""

  width: int
  stride: int
  expansion = 1

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    y = _convolve(x, self.width, 3, "conv1", self.stride)
    y = nn.relu(_norm(train, "bn1")(y))
    y = _convolve(y, self.width, 3, "conv2")
    y = _norm(train, "bn2")(y)
    return nn.relu(y + _shortcut(x, y.shape[-1], self.stride, train))


class Bottleneck(nn.Module):
  """1x1, 3x3 and 1x1 convolutions beside a shortcut; the 3x3 has the stride."""

  width: int
  stride: int
  expansion = 4

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    y = _convolve(x, self.width, 1, "conv1")
    y = nn.relu(_norm(train, "bn1")(y))
    y = _convolve(y, self.width, 3, "conv2", self.stride)
    y = nn.relu(_norm(train, "bn2")(y))
    y = _convolve(y, self.width * self.expansion, 1, "conv3")
    y = _norm(train, "bn3")(y)
    return nn.relu(y + _shortcut(x, y.shape[-1], self.stride, train))


def _shortcut(
  x: jax.Array, features: int, stride: int, train: bool
) -> jax.Array:
  """`x` itself, or its projection where the block changes its shape."""
  if stride == 1 and x.shape[-1] == features:
    return x
  x = _convolve(x, features, 1, "downsample_0", stride)
  return _norm(train, "downsample_1")(x)


def _max_pool(x: jax.Array, axis: int) -> jax.Array:
  """Largest of 3 neighbours along `axis`, every second one; for x >= 0.

  The gradient of nn.max_pool takes six times as long on a CPU.
  """
  size = x.shape[axis]
  padding = [(0, 0)] * x.ndim
  padding[axis] = (1, 1)
  x = jnp.pad(x, padding)
  neighbours = (
    jax.lax.slice_in_dim(x, start, start + size, 2, axis) for start in range(3)
  )
  return functools.reduce(jnp.maximum, neighbours)


class ResNet(nn.Module):
  """Classifier of images [B, H, W, 3] in [-1, 1].

  Returns logits [B, classes] and the pooled features [B, F] they come from.
  """

  stage_sizes: Sequence[int]
  block: type[BasicBlock] | type[Bottleneck]
  classes: int
  width: int = 64

  @nn.compact
  def __call__(
    self, image: jax.Array, train: bool = False
  ) -> tuple[jax.Array, jax.Array]:
    x = _convolve(image, self.width, 7, "conv1", 2)
    x = nn.relu(_norm(train, "bn1")(x))
    x = _max_pool(_max_pool(x, 1), 2)
    for stage, blocks in enumerate(self.stage_sizes):
      for index in range(blocks):
        stride = 2 if stage > 0 and index == 0 else 1
        name = f"layer{stage + 1}_{index}"
        x = self.block(self.width * 2**stage, stride, name=name)(x, train)
    features = jnp.mean(x, axis=(1, 2))
    return nn.Dense(self.classes, name="fc")(features), features


resnet18 = functools.partial(ResNet, (2, 2, 2, 2), BasicBlock)
resnet50 = functools.partial(ResNet, (3, 4, 6, 3), Bottleneck)


def draw_variables(network: ResNet, seed: int) -> Variables:
  """Draws variables to start training from, as torchvision does.

  NumPy does it: to compile JAX's draws, one for each shape, takes a CPU longer
  than to compile the training step. fc's bias, for simplicity, is 0.
  """
  shapes = jax.eval_shape(
    network.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3))
  )
  rng = np.random.default_rng(seed)

  def draw(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> np.ndarray:
    shape, name = leaf.shape, path[-1].key
    if name in ("scale", "var"):
      return np.ones(shape, np.float32)
    if len(shape) == 4:
      scale = np.sqrt(2 / (shape[0] * shape[1] * shape[3]))
      return rng.standard_normal(shape, np.float32) * np.float32(scale)
    if len(shape) == 2:
      bound = 1 / np.sqrt(shape[0])
      return rng.uniform(-bound, bound, shape).astype(np.float32)
    return np.zeros(shape, np.float32)

  return jax.tree_util.tree_map_with_path(draw, shapes)
