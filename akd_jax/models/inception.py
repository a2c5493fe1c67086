"""FID's InceptionV3, as pytorch-fid has it: pooled features, no classes.

Modules carry torchvision's names, so that its weights map by rule
(akd_jax/interop/torch_inception.py). The network is torchvision's but for the
pooling of its branches: it was trained in TensorFlow, whose average pooling
leaves the padding out of its count, and its last block takes the maximum.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from akd_jax.models.convolutions import on_cpu
from akd_jax.models.pixels import to_unit

Variables = dict[str, Any]

_SIDE = 299


class BasicConv2d(nn.Module):
  """Convolution, normalisation by the running averages, ReLU."""

  features: int
  kernel: tuple[int, int]
  stride: int = 1
  padding: str = "SAME"

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    padding: Any = self.padding
    shape = x.shape[1:3]
    if padding == "VALID" and on_cpu():
      # Without padding, XLA takes up to five times as long on a CPU: what a
      # row and a column more give is cut off.
      padding = ((0, 1), (0, 1))
    # Distances are compared across machines: an accelerator's shorter
    # products, the default of JAX, would move them.
    x = nn.Conv(
      self.features,
      self.kernel,
      strides=self.stride,
      padding=padding,
      use_bias=False,
      precision=jax.lax.Precision.HIGHEST,
      name="conv",
    )(x)
    if self.padding == "VALID":
      height, width = (
        (size - kernel) // self.stride + 1
        for size, kernel in zip(shape, self.kernel, strict=True)
      )
      x = x[:, :height, :width]
    norm = nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="bn")
    return nn.relu(norm(x))


def _conv(
  x: jax.Array,
  name: str,
  features: int,
  kernel: tuple[int, int] = (1, 1),
  stride: int = 1,
  padding: str = "SAME",
) -> jax.Array:
  return BasicConv2d(features, kernel, stride, padding, name=name)(x)


def _average(x: jax.Array) -> jax.Array:
  """Mean of the 3x3 neighbours that lie in the map."""
  return nn.avg_pool(x, (3, 3), padding="SAME", count_include_pad=False)


def _halve(x: jax.Array) -> jax.Array:
  """Largest of 3x3 neighbours, every second one."""
  return nn.max_pool(x, (3, 3), strides=(2, 2))


class InceptionA(nn.Module):
  """35x35 maps."""

  pool_features: int

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    one = _conv(x, "branch1x1", 64)
    five = _conv(x, "branch5x5_1", 48)
    five = _conv(five, "branch5x5_2", 64, (5, 5))
    double = _conv(x, "branch3x3dbl_1", 64)
    double = _conv(double, "branch3x3dbl_2", 96, (3, 3))
    double = _conv(double, "branch3x3dbl_3", 96, (3, 3))
    pool = _conv(_average(x), "branch_pool", self.pool_features)
    return jnp.concatenate([one, five, double, pool], axis=-1)


class InceptionB(nn.Module):
  """35x35 maps to 17x17."""

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    three = _conv(x, "branch3x3", 384, (3, 3), 2, "VALID")
    double = _conv(x, "branch3x3dbl_1", 64)
    double = _conv(double, "branch3x3dbl_2", 96, (3, 3))
    double = _conv(double, "branch3x3dbl_3", 96, (3, 3), 2, "VALID")
    return jnp.concatenate([three, double, _halve(x)], axis=-1)


class InceptionC(nn.Module):
  """17x17 maps; `width` is that of the inner convolutions."""

  width: int

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    one = _conv(x, "branch1x1", 192)
    seven = _conv(x, "branch7x7_1", self.width)
    seven = _conv(seven, "branch7x7_2", self.width, (1, 7))
    seven = _conv(seven, "branch7x7_3", 192, (7, 1))
    double = _conv(x, "branch7x7dbl_1", self.width)
    double = _conv(double, "branch7x7dbl_2", self.width, (7, 1))
    double = _conv(double, "branch7x7dbl_3", self.width, (1, 7))
    double = _conv(double, "branch7x7dbl_4", self.width, (7, 1))
    double = _conv(double, "branch7x7dbl_5", 192, (1, 7))
    pool = _conv(_average(x), "branch_pool", 192)
    return jnp.concatenate([one, seven, double, pool], axis=-1)


class InceptionD(nn.Module):
  """17x17 maps to 8x8."""

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    three = _conv(x, "branch3x3_1", 192)
    three = _conv(three, "branch3x3_2", 320, (3, 3), 2, "VALID")
    seven = _conv(x, "branch7x7x3_1", 192)
    seven = _conv(seven, "branch7x7x3_2", 192, (1, 7))
    seven = _conv(seven, "branch7x7x3_3", 192, (7, 1))
    seven = _conv(seven, "branch7x7x3_4", 192, (3, 3), 2, "VALID")
    return jnp.concatenate([three, seven, _halve(x)], axis=-1)


class InceptionE(nn.Module):
  """8x8 maps; `largest` pools by the maximum, not the mean."""

  largest: bool

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    one = _conv(x, "branch1x1", 320)
    three = _conv(x, "branch3x3_1", 384)
    double = _conv(x, "branch3x3dbl_1", 448)
    double = _conv(double, "branch3x3dbl_2", 384, (3, 3))
    if self.largest:
      pool = nn.max_pool(x, (3, 3), padding="SAME")
    else:
      pool = _average(x)
    branches = [
      one,
      _conv(three, "branch3x3_2a", 384, (1, 3)),
      _conv(three, "branch3x3_2b", 384, (3, 1)),
      _conv(double, "branch3x3dbl_3a", 384, (1, 3)),
      _conv(double, "branch3x3dbl_3b", 384, (3, 1)),
      _conv(pool, "branch_pool", 192),
    ]
    return jnp.concatenate(branches, axis=-1)


def resize(image: jax.Array) -> jax.Array:
  """Resizes images [B, H, W, 3] to the side that the network expects, 299.

  As torch's interpolate with mode="bilinear" and align_corners=False, which
  blurs no image that it makes smaller.
  """
  shape = (len(image), _SIDE, _SIDE, 3)
  return jax.image.resize(image, shape, "bilinear", antialias=False)


class InceptionV3(nn.Module):
  """Pooled features [B, 2048] of images [B, H, W, 3] in [-1, 1]."""

  @nn.compact
  def __call__(self, image: jax.Array) -> jax.Array:
    x = _conv(resize(image), "Conv2d_1a_3x3", 32, (3, 3), 2, "VALID")
    x = _conv(x, "Conv2d_2a_3x3", 32, (3, 3), padding="VALID")
    x = _halve(_conv(x, "Conv2d_2b_3x3", 64, (3, 3)))
    x = _conv(x, "Conv2d_3b_1x1", 80)
    x = _halve(_conv(x, "Conv2d_4a_3x3", 192, (3, 3), padding="VALID"))
    x = InceptionA(32, name="Mixed_5b")(x)
    x = InceptionA(64, name="Mixed_5c")(x)
    x = InceptionA(64, name="Mixed_5d")(x)
    x = InceptionB(name="Mixed_6a")(x)
    x = InceptionC(128, name="Mixed_6b")(x)
    x = InceptionC(160, name="Mixed_6c")(x)
    x = InceptionC(160, name="Mixed_6d")(x)
    x = InceptionC(192, name="Mixed_6e")(x)
    x = InceptionD(name="Mixed_7a")(x)
    x = InceptionE(largest=False, name="Mixed_7b")(x)
    x = InceptionE(largest=True, name="Mixed_7c")(x)
    return jnp.mean(x, axis=(1, 2))


def shapes() -> Variables:
  """Returns the shapes of InceptionV3's variables, nested as they are."""
  image = jnp.zeros((1, _SIDE, _SIDE, 3))
  found: Variables = jax.eval_shape(
    InceptionV3().init, jax.random.key(0), image
  )
  return found


@jax.jit
def embed(variables: Variables, images: jax.Array) -> jax.Array:
  """Returns the features [B, 2048] of uint8 images [B, H, W, 3]."""
  features: Any = InceptionV3().apply(variables, to_unit(images))
  return features
