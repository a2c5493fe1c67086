"""StarGAN's generator and discriminator, at any width and depth.

Both are pure functions of their parameters and return an output and their
named activations; taps are explained in models/taps.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from akd_jax.models.layers import UPSAMPLE, Conv, InstanceNorm
from akd_jax.models.taps import Activations, Interceptor, Taps

# What a generator's last layer gives: the picture, or a picture and where it
# is to be seen.
OUTPUTS = ("image", "blend")
MASK = "mask"
# How long StarGAN's mask vector is: a number for each of two label sets.
LABEL_SET_PLANES = 2


def with_label_set(label: jax.Array, second: int) -> jax.Array:
  """Returns labels [B, C] with StarGAN's mask vector: [B, C + 2].

  It says which of two label sets is meant: (1, 0) the first, whose classes come
  first, or (0, 1) the second, of which a label has exactly one class (Choi et
  al., 2018, section 3.3).

  Args:
    label: of one set or the other, 0 for the classes of the other one.
    second: how many of the last classes are of the second set.
  """
  classes = label.shape[-1]
  of_second = jnp.sum(label[:, classes - second :], axis=1, keepdims=True)
  if second in (0, classes):
    # There is no other: also of a label between two, or beyond one.
    of_second = jnp.full_like(of_second, second > 0)
  return jnp.concatenate([label, 1 - of_second, of_second], axis=1)


class ConvBlock(nn.Module):
  """Convolution, InstanceNorm, ReLU."""

  features: int
  kernel_size: int
  resample: str = "same"
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array, label: jax.Array | None = None) -> jax.Array:
    x = Conv(
      self.features,
      self.kernel_size,
      self.resample,
      dtype=self.dtype,
      name="conv",
    )(x, label)
    return nn.relu(InstanceNorm(name="norm")(x))


class ResidualBlock(nn.Module):
  """x + IN(conv(ReLU(IN(conv(x))))); no ReLU after the sum."""

  index: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array, intercept: Interceptor) -> jax.Array:
    width = x.shape[-1]
    y = Conv(width, 3, dtype=self.dtype, name="conv_0")(x)
    y = nn.relu(InstanceNorm(name="norm_0")(y))
    y = Conv(width, 3, dtype=self.dtype, name="conv_1")(y)
    y = intercept(f"conv_{self.index}", y)
    y = intercept(f"branch_{self.index}", InstanceNorm(name="norm_1")(y))
    return intercept(f"block_{self.index}", x + y)


class Generator(nn.Module):
  """StarGAN's generator: `(image, label) -> image`.

  Attributes:
    width: channels of the first layer; 64 for the teacher, 32 and 16 for the
      papers' students.
    blocks: residual blocks; 6, 3 and 1.
    dtype: of the computation; parameters are float32.
    output: "image", StarGAN's, or "blend", GANimation's: colours c and a mask
      m in [0, 1], of which m x + (1 - m) c is the picture (Pumarola et al.,
      2018, eq. 1). What is not to change is copied and not drawn again.
    upsample: "transposed" convolutions, StarGAN's, or "resize", of doubled
      pixels, against checkerboards (paper 2, section IV-D).
    second: of two label sets, how many of the last classes are of the second;
      None where there is one set.
  """

  width: int = 64
  blocks: int = 6
  dtype: jnp.dtype = jnp.float32
  output: str = "image"
  upsample: str = "transposed"
  second: int | None = None

  @nn.compact
  def __call__(
    self, image: jax.Array, label: jax.Array, taps: Taps | None = None
  ) -> tuple[jax.Array, Activations]:
    """Translates.

    Args:
      image: [B, S, S, 3] in [-1, 1], S a multiple of 4.
      label: [B, C], the wanted attributes, 0 or 1.
      taps: what to add to the activations of these names.

    Returns:
      The translated image [B, S, S, 3] in [-1, 1], float32, and every residual
      activation [B, S/4, S/4, 4 width], named "{hook}_{block}"; "decode_0"
      [B, S/2, S/2, 2 width] and "decode_1" [B, S, S, width] of the decoder; of
      a blend its "mask" [B, S, S, 1], too, which starts near a half.
    """
    intercept = Interceptor(taps)
    width, dtype = self.width, self.dtype
    if self.second is not None:
      label = with_label_set(label, self.second)
    stem = ConvBlock(width, 7, dtype=dtype, name="encoder_0")
    x = stem(image, label)
    x = ConvBlock(2 * width, 4, "down", dtype=dtype, name="encoder_1")(x)
    x = ConvBlock(4 * width, 4, "down", dtype=dtype, name="encoder_2")(x)
    for i in range(self.blocks):
      x = ResidualBlock(i, dtype=dtype, name=f"residual_{i}")(x, intercept)
    up = UPSAMPLE[self.upsample]
    for i, features in enumerate((2 * width, width)):
      x = ConvBlock(features, *up, dtype=dtype, name=f"decoder_{i}")(x)
      x = intercept(f"decode_{i}", x)
    x = self._to_image(x, image, intercept)
    intercept.check_all_used()
    return x, intercept.activations

  def _to_image(
    self, x: jax.Array, image: jax.Array, intercept: Interceptor
  ) -> jax.Array:
    """Returns the picture of the decoder's last features."""
    blends = self.output == "blend"
    x = Conv(3 + blends, 7, dtype=self.dtype, name="output")(x)
    x = x.astype(jnp.float32)
    colours = jnp.tanh(x[..., :3])
    if not blends:
      return colours
    mask = intercept(MASK, nn.sigmoid(x[..., 3:]))
    return mask * image + (1 - mask) * colours


class Discriminator(nn.Module):
  """StarGAN's discriminator: does it look real, and which classes has it?

  Attributes:
    width: channels of the first layer.
    layers: strided convolutions; the last feature map is S / 2^layers wide.
    classes: number of attributes.
    dtype: of the computation; parameters are float32.
  """

  width: int = 64
  layers: int = 6
  classes: int = 5
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(
    self, image: jax.Array
  ) -> tuple[tuple[jax.Array, jax.Array], Activations]:
    """Scores image [B, S, S, 3] in [-1, 1].

    Returns:
      (critic map [B, h, h, 1], class logits [B, classes]), float32, and the
      features {"layer_i": [B, S/2^(i+1), S/2^(i+1), width 2^i]}.
    """
    if image.shape[1] % 2**self.layers:
      raise ValueError(
        f"image size {image.shape[1]} is not a multiple of 2^{self.layers}"
      )
    features: Activations = {}
    x = image
    for i in range(self.layers):
      x = Conv(
        self.width * 2**i,
        4,
        "down",
        use_bias=True,
        dtype=self.dtype,
        name=f"layer_{i}",
      )(x)
      x = features[f"layer_{i}"] = nn.leaky_relu(x, 0.01)
    # Saved files have the name, after the paper's D_src.
    critic = Conv(1, 3, dtype=self.dtype, name="source")(x)
    logits = Conv(
      self.classes,
      x.shape[1],
      padding=0,
      dtype=self.dtype,
      name="classifier",
    )(x)
    return (
      critic.astype(jnp.float32),
      logits[:, 0, 0].astype(jnp.float32),
    ), features
