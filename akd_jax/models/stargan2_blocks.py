"""The blocks of StarGAN v2: residual, normalised in a style or without norms.

As released (clovaai/stargan-v2 @875b70a, core/model.py).
"""

import functools
import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from akd_jax.models.layers import Conv, InstanceNorm, normalize
from akd_jax.models.taps import Activations

# utils.py:41-49: every kernel, those of dense layers too; no bias at first.
HE = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
StyleConv = functools.partial(Conv, use_bias=True, kernel_init=HE)
StyleDense = functools.partial(nn.Dense, kernel_init=HE)
# Side of the map that the style encoder and the discriminator end with.
END = 4

# (name, activation) -> the activation, with its tap.
Intercept = Callable[[str, jax.Array], jax.Array]


def relu(x: jax.Array) -> jax.Array:
  """Returns x where it is positive, and a fifth of it elsewhere."""
  return nn.leaky_relu(x, 0.2)


class AdaIN(nn.Module):
  """Normalises each picture by itself; its style says the scale and the bias.

  Huang and Belongie, Arbitrary Style Transfer in Real-time with Adaptive
  Instance Normalization (ICCV 2017).
  """

  @nn.compact
  def __call__(self, x: jax.Array, style: jax.Array) -> jax.Array:
    """Normalises x [B, H, W, C] in a style [B, D]."""
    both = StyleDense(2 * x.shape[-1], name="affine")(style)
    scale, bias = jnp.split(both, 2, axis=-1)
    return normalize(x, 1 + scale, bias)


class ResidualBlock(nn.Module):
  """(shortcut(x) + conv(ReLU(norm(conv(ReLU(norm(x))))))) / sqrt(2).

  Attributes:
    features: channels of what comes of it.
    inner: channels between its convolutions.
    resample: "same", or how its first convolution and its shortcut halve
      ("pool") or double ("resize") the picture.
    normalizes: whether it has norms: AdaIN where there is a style.
    dtype: of the computation.
  """

  features: int
  inner: int
  resample: str = "same"
  normalizes: bool = True
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(
    self,
    x: jax.Array,
    style: jax.Array | None = None,
    intercept: Intercept = lambda name, x: x,
  ) -> jax.Array:
    """Returns [B, H', W', features] of x [B, H, W, C] and a style [B, D].

    It names its activations "norm", after the second norm and before the ReLU;
    "branch", before the sum; and "block", after it.
    """
    y = relu(self._norm(x, style, "norm_0"))
    conv = functools.partial(StyleConv, dtype=self.dtype)
    y = conv(self.inner, 3, self.resample, name="conv_0")(y)
    y = intercept("norm", self._norm(y, style, "norm_1"))
    y = conv(self.features, 3, name="conv_1")(relu(y))
    y = intercept("branch", y)
    return intercept("block", (self._shortcut(x) + y) / math.sqrt(2))

  def _norm(
    self, x: jax.Array, style: jax.Array | None, name: str
  ) -> jax.Array:
    if not self.normalizes:
      return x
    if style is None:
      return InstanceNorm(name=name)(x)
    return AdaIN(name=name)(x, style)

  def _shortcut(self, x: jax.Array) -> jax.Array:
    """Convolves where the picture is smaller: both orders give the same."""
    if self.resample == "pool":
      height, width, channels = x.shape[1:]
      pairs = x.reshape(-1, height // 2, 2, width // 2, 2, channels)
      x = jnp.mean(pairs, axis=(2, 4))
    if x.shape[-1] != self.features:
      x = Conv(
        self.features, 1, kernel_init=HE, dtype=self.dtype, name="shortcut"
      )(x)
    if self.resample == "resize":
      x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
    return x


def list_widths(width: int, channels: int, halvings: int) -> list[int]:
  """Channels before the first halving and after each of them."""
  return [min(width * 2**i, max(width, channels)) for i in range(halvings + 1)]


class Trunk(nn.Module):
  """Halves pictures down to 4 x 4 pixels, and then sees all of them at once.

  Attributes:
    width: channels of the first layer.
    channels: the most that a layer has.
    dtype: of the computation.
  """

  width: int
  channels: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, image: jax.Array) -> tuple[jax.Array, Activations]:
    """Looks at image [B, S, S, 3], S 4 times a power of 2.

    Returns:
      What its heads see, [B, F], and {"layer_i": [B, S/2^i, S/2^i, K]}.
    """
    halvings = (image.shape[1] // END).bit_length() - 1
    if image.shape[1] != END << halvings:
      raise ValueError(f"image size {image.shape[1]} is not {END} * 2^n")
    widths = list_widths(self.width, self.channels, halvings)
    x = StyleConv(self.width, 3, dtype=self.dtype, name="from_rgb")(image)
    features: Activations = {"layer_0": x}
    for i, (inner, outer) in enumerate(zip(widths, widths[1:], strict=False)):
      x = ResidualBlock(
        outer, inner, "pool", False, self.dtype, name=f"block_{i}"
      )(x)
      features[f"layer_{i + 1}"] = x
    whole = nn.DenseGeneral(
      widths[-1], (1, 2, 3), kernel_init=HE, dtype=self.dtype, name="whole"
    )
    return relu(whole(relu(x))), features
