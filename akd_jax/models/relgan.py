"""RelGAN's generator and discriminator, at any width and depth.

RelGAN (Wu et al., ICCV 2019) as its PyTorch release has it
(elvisyjlin/RelGAN-PyTorch @8e432d0). The generator is given a relative vector
v, target minus original, and not a label; the discriminator answers three
questions: does a picture look real, does it follow v, and how far is it from
the nearer end of an interpolation? Taps are explained in models/taps.py.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

from akd_jax.models.layers import UPSAMPLE, Conv
from akd_jax.models.switch_norm import SwitchNorm
from akd_jax.models.taps import Activations, Interceptor, Taps

# nn.py:19-25: Xavier for convolutions, He for transposed ones, whose fan in
# counts output channels; no bias at first.
_XAVIER = nn.initializers.xavier_uniform()
_HE = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
_Conv = functools.partial(Conv, use_bias=True, kernel_init=_XAVIER)


class ConvBlock(nn.Module):
  """Convolution, SwitchNorm, ReLU."""

  features: int
  kernel_size: int
  resample: str = "same"
  dtype: jnp.dtype = jnp.float32
  axis_name: str | None = None

  @nn.compact
  def __call__(
    self, x: jax.Array, vector: jax.Array | None = None
  ) -> jax.Array:
    x = _Conv(
      self.features,
      self.kernel_size,
      self.resample,
      dtype=self.dtype,
      kernel_init=_HE if self.resample == "up" else _XAVIER,
      name="conv",
    )(x, vector)
    return nn.relu(SwitchNorm(self.axis_name, name="norm")(x))


class ResidualBlock(nn.Module):
  """x + SN(conv(ReLU(SN(conv(x))))); no ReLU after the sum."""

  index: int
  dtype: jnp.dtype = jnp.float32
  axis_name: str | None = None

  @nn.compact
  def __call__(self, x: jax.Array, intercept: Interceptor) -> jax.Array:
    y = x
    for i in range(2):
      y = _Conv(x.shape[-1], 3, dtype=self.dtype, name=f"conv_{i}")(y)
      y = SwitchNorm(self.axis_name, name=f"norm_{i}")(y)
      y = y if i else nn.relu(y)
    y = intercept(f"branch_{self.index}", y)
    return intercept(f"block_{self.index}", x + y)


class Generator(nn.Module):
  """RelGAN's generator: `(image, vector) -> image`.

  Attributes:
    width: channels of the first layer; 64 as published.
    blocks: residual blocks; 6 as published.
    dtype: of the computation; parameters are float32.
    axis_name: of pmap, where a batch is spread over devices.
    upsample: "transposed" convolutions, RelGAN's, or "resize", of doubled
      pixels, against checkerboards.
  """

  width: int = 64
  blocks: int = 6
  dtype: jnp.dtype = jnp.float32
  axis_name: str | None = None
  upsample: str = "transposed"

  @nn.compact
  def __call__(
    self,
    image: jax.Array,
    vector: jax.Array,
    taps: Taps | None = None,
  ) -> tuple[jax.Array, Activations]:
    """Translates.

    Args:
      image: [B, S, S, 3] in [-1, 1], S a multiple of 4.
      vector: [B, C], target minus original label, in [-1, 1]: 1 adds an
        attribute, -1 removes it, 0 leaves it, and parts of it do so in part.
      taps: what to add to the activations of these names.

    Returns:
      The translated image [B, S, S, 3] in [-1, 1], float32, and activations, in
      the order of the data flow: "down2" [B, S/4, S/4, 4 width], of each
      residual block "branch_i" and "block_i" of that shape, "up2"
      [B, S/2, S/2, 2 width] and "up1" [B, S, S, width].
    """
    intercept = Interceptor(taps)
    width = self.width
    block = functools.partial(
      ConvBlock, dtype=self.dtype, axis_name=self.axis_name
    )
    x = block(width, 7, name="encoder_0")(image, vector)
    x = block(2 * width, 4, "down", name="encoder_1")(x)
    x = block(4 * width, 4, "down", name="encoder_2")(x)
    x = intercept("down2", x)
    for i in range(self.blocks):
      x = ResidualBlock(i, self.dtype, self.axis_name, name=f"residual_{i}")(
        x, intercept
      )
    up = UPSAMPLE[self.upsample]
    x = block(2 * width, *up, name="decoder_0")(x)
    x = intercept("up2", x)
    x = block(width, *up, name="decoder_1")(x)
    x = intercept("up1", x)
    x = _Conv(3, 7, dtype=self.dtype, name="output")(x)
    intercept.check_all_used()
    return jnp.tanh(x.astype(jnp.float32)), intercept.activations


class MatchHead(nn.Module):
  """Says how well a translation follows a vector.

  Two convolutions of kernel 1 on [features of the original, features of the
  translation, vector tiled] (nn.py:358-362).
  """

  features: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(
    self, original: jax.Array, image: jax.Array, vectors: jax.Array
  ) -> jax.Array:
    """Asks of K vectors: [B, h, w, F] twice, [B, K, C] to [B, K, h, w].

    Only what the vector adds differs from one to the next.
    """
    both = jnp.concatenate([original, image], -1).astype(self.dtype)
    split = both.shape[-1]
    kernel = self.param(
      "kernel", _XAVIER, (1, 1, split + vectors.shape[-1], self.features)
    ).astype(self.dtype)[0, 0]
    bias = self.param("bias", nn.initializers.zeros, (self.features,)).astype(
      self.dtype
    )
    of_images = both @ kernel[:split]
    of_vectors = vectors.astype(self.dtype) @ kernel[split:] + bias[None, None]
    x = of_images[:, None] + of_vectors[:, :, None, None]
    x = nn.leaky_relu(x, 0.01).reshape(-1, *x.shape[2:])
    x = _Conv(1, 1, dtype=self.dtype, name="answer")(x)
    return x.reshape(*vectors.shape[:2], *x.shape[1:3]).astype(jnp.float32)


class Discriminator(nn.Module):
  """RelGAN's discriminator: one trunk and three heads.

  Attributes:
    width: channels of the first layer; 64 as published.
    layers: strided convolutions; 6 as published.
    match_width: channels between the two convolutions of the match head; 2048
      as published.
    interpolation_width: channels whose mean says how far the nearer end of an
      interpolation is; 16 in the PyTorch release, 64 in the Keras one.
    classes: number of attributes.
    dtype: of the computation; parameters are float32.
  """

  width: int = 64
  layers: int = 6
  match_width: int = 2048
  interpolation_width: int = 16
  classes: int = 17
  dtype: jnp.dtype = jnp.float32

  def setup(self) -> None:
    self.layer = [
      _Conv(self.width * 2**i, 4, "down", dtype=self.dtype)
      for i in range(self.layers)
    ]
    self.adversarial_head = _Conv(1, 1, dtype=self.dtype)
    self.match_head = MatchHead(self.match_width, self.dtype)
    self.interpolation_head = _Conv(
      self.interpolation_width, 1, dtype=self.dtype
    )

  def __call__(
    self, image: jax.Array
  ) -> tuple[tuple[jax.Array, None], Activations]:
    """Scores image [B, S, S, 3] in [-1, 1].

    Returns:
      (adversarial map [B, h, w, 1], float32, and None: it knows no classes),
      and the features, see `look`.
    """
    last, features = self.look(image)
    if self.is_initializing():
      self.match(last, last, jnp.zeros((len(last), 1, self.classes)))
      self.interpolate(last)
    return (self.judge(last), None), features

  def look(self, image: jax.Array) -> tuple[jax.Array, Activations]:
    """Looks at image [B, S, S, 3] in [-1, 1].

    Returns:
      What the heads see, [B, h, w, F], and the features of all layers:
      {"layer_i": [B, S/2^(i+1), S/2^(i+1), width 2^i]}.
    """
    if image.shape[1] % 2**self.layers:
      raise ValueError(
        f"image size {image.shape[1]} is not a multiple of 2^{self.layers}"
      )
    features: Activations = {}
    x = image
    for i, layer in enumerate(self.layer):
      x = features[f"layer_{i}"] = nn.leaky_relu(layer(x), 0.01)
    return x, features

  def judge(self, last: jax.Array) -> jax.Array:
    """Says how real pictures look, from their last features [B, h, w, F].

    Returns:
      [B, h, w, 1]: least squares draw it to 1 for real ones, else to 0.
    """
    return self.adversarial_head(last).astype(jnp.float32)

  def match(
    self, original: jax.Array, image: jax.Array, vectors: jax.Array
  ) -> jax.Array:
    """Says whether pictures follow vectors, see `MatchHead`: [B, K, h, w]."""
    return self.match_head(original, image, vectors)

  def interpolate(self, last: jax.Array) -> jax.Array:
    """Says how far pictures are from the nearer end of an interpolation.

    Returns:
      [B], from their last features [B, h, w, F]: 0 at both ends, 1/2 halfway.
    """
    x = self.interpolation_head(last).astype(jnp.float32)
    return jnp.mean(x, (1, 2, 3))
