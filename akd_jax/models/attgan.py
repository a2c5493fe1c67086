"""AttGAN's generator (He et al., 2019), as released.

Sizes and norms are those of LynnHo/AttGAN-Tensorflow (v2, module.py:14-114),
layers and their initialisation those of tf_slim. STGAN's encoder and decoder
are these, too.
"""

import functools
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from akd_jax.models.layers import UPSAMPLE, BatchNorm, Conv
from akd_jax.models.taps import Activations, Interceptor, Taps

# What slim's layers start as; their biases start at 0.
XAVIER_UNIFORM = nn.initializers.xavier_uniform()
# No layer has more channels.
WIDEST = 1024
BOTTLENECK = "bottleneck"


def channels(width: int, level: int) -> int:
  """Returns the channels of a layer whose map has been halved level + 1 times.

  They double at each level, up to WIDEST (AttGAN, module.py:29, 57, 88).
  """
  return min(width * 2**level, WIDEST)


def append_label(x: jax.Array, label: jax.Array) -> jax.Array:
  """Returns x [B, h, w, K] with label [B, C] as further channels, tiled."""
  tiled = jnp.broadcast_to(
    label[:, None, None].astype(x.dtype), (*x.shape[:3], label.shape[-1])
  )
  return jnp.concatenate([x, tiled], axis=-1)


class NormedLayer(nn.Module):
  """Convolution, BatchNorm, activation.

  Attributes:
    features: channels.
    kernel_size: side of the kernel.
    resample: "down" halves the picture, "up" and "resize" double it.
    activation: what comes last.
    epsilon: beside the variance, in the root.
  """

  features: int
  kernel_size: int
  resample: str
  activation: Callable[[jax.Array], jax.Array]
  epsilon: float
  dtype: jnp.dtype = jnp.float32
  axis_name: str | None = None

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    x = Conv(
      self.features,
      self.kernel_size,
      self.resample,
      kernel_init=XAVIER_UNIFORM,
      dtype=self.dtype,
      name="conv",
    )(x)
    norm = BatchNorm(self.epsilon, axis_name=self.axis_name, name="norm")
    return self.activation(norm(x))


class Encoder(nn.Module):
  """Pictures to their encodings, one a layer.

  Attributes:
    slope: of its leaky ReLUs.
    epsilon: of its norms.
  """

  width: int
  layers: int
  slope: float
  epsilon: float
  dtype: jnp.dtype = jnp.float32
  axis_name: str | None = None

  @nn.compact
  def __call__(self, image: jax.Array) -> list[jax.Array]:
    """Returns [B, S/2^(i+1), S/2^(i+1), width 2^i] of each layer i."""
    encodings, x = [], image
    for i in range(self.layers):
      x = NormedLayer(
        channels(self.width, i),
        4,
        "down",
        functools.partial(nn.leaky_relu, negative_slope=self.slope),
        self.epsilon,
        self.dtype,
        self.axis_name,
        name=f"layer_{i}",
      )(x)
      encodings.append(x)
    return encodings


class Decoder(nn.Module):
  """The deepest encoding, a label and skips to a picture.

  Attributes:
    inject: how many layers' outputs are given the label again.
    epsilon: of its norms.
    upsample: how each of its layers doubles the picture, one of UPSAMPLE.
  """

  width: int
  layers: int
  inject: int
  epsilon: float
  dtype: jnp.dtype = jnp.float32
  axis_name: str | None = None
  upsample: str = "transposed"

  @nn.compact
  def __call__(
    self,
    x: jax.Array,
    skips: Sequence[jax.Array],
    label: jax.Array,
    intercept: Interceptor,
  ) -> jax.Array:
    """Draws [B, S, S, 3] in [-1, 1], float32.

    Args:
      x: the deepest encoding.
      skips: what the first layers' outputs go on with, the deepest first.
      label: [B, C].
      intercept: sees each layer's output, "decode_i", before anything joins it.
    """
    up = UPSAMPLE[self.upsample]
    x = append_label(x, label)
    for i in range(self.layers - 1):
      features = channels(self.width, self.layers - 1 - i)
      x = NormedLayer(
        features,
        *up,
        nn.relu,
        self.epsilon,
        self.dtype,
        self.axis_name,
        name=f"layer_{i}",
      )(x)
      x = intercept(f"decode_{i}", x)
      if i < len(skips):
        x = jnp.concatenate([x, skips[i]], axis=-1)
      if i < self.inject:
        x = append_label(x, label)
    x = Conv(
      3,
      *up,
      use_bias=True,
      kernel_init=XAVIER_UNIFORM,
      dtype=self.dtype,
      name="output",
    )(x)
    return jnp.tanh(x.astype(jnp.float32))


class Generator(nn.Module):
  """AttGAN's generator: `(image, label) -> image`.

  Its norms use the batch's statistics where the collection "batch_stats" is
  mutable, and the running ones elsewhere.

  Attributes:
    width: channels of the first layer.
    layers: of the encoder, and of the decoder; each halves the picture.
    shortcut: how many layers of the decoder are given the encoding of their
      size; at most layers - 1.
    inject: how many are given the label; at most layers - 1. The bottleneck is
      given it always.
    dtype: of the computation; parameters and statistics are float32.
    axis_name: of pmap, over whose devices a batch is spread.
    slope: of the encoder's leaky ReLUs.
    epsilon: of the norms.
    upsample: "transposed" convolutions, AttGAN's, or "resize", of doubled
      pixels, against checkerboards.
  """

  width: int = 64
  layers: int = 5
  shortcut: int = 1
  inject: int = 1
  dtype: jnp.dtype = jnp.float32
  axis_name: str | None = None
  slope: float = 0.2
  epsilon: float = 1e-3
  upsample: str = "transposed"

  def setup(self) -> None:
    self.encoder = Encoder(
      self.width,
      self.layers,
      self.slope,
      self.epsilon,
      self.dtype,
      self.axis_name,
    )
    self.decoder = Decoder(
      self.width,
      self.layers,
      self.inject,
      self.epsilon,
      self.dtype,
      self.axis_name,
      self.upsample,
    )

  def __call__(
    self, image: jax.Array, label: jax.Array, taps: Taps | None = None
  ) -> tuple[jax.Array, Activations]:
    """Translates.

    Args:
      image: [B, S, S, 3] in [-1, 1], S a multiple of 2^layers.
      label: [B, C], as the system gives it.
      taps: what to add to the activations of these names.

    Returns:
      The translated image [B, S, S, 3] in [-1, 1], float32, and activations:
      "bottleneck", the deepest encoding before the label joins it, and
      "decode_i" of each layer of the decoder but the last, the deepest first.
    """
    return self.decode(self.encoder(image), label, taps)

  def decode(
    self,
    encodings: Sequence[jax.Array],
    label: jax.Array,
    taps: Taps | None = None,
  ) -> tuple[jax.Array, Activations]:
    """Draws pictures of encodings; see `__call__`."""
    intercept = Interceptor(taps)
    *shallow, deepest = encodings
    x = intercept(BOTTLENECK, deepest)
    image = self.decoder(x, shallow[::-1][: self.shortcut], label, intercept)
    intercept.check_all_used()
    return image, intercept.activations


def translate_and_restore(
  generator: nn.Module,
  image: jax.Array,
  label: jax.Array,
  own: jax.Array,
  taps: Taps | None = None,
) -> tuple[jax.Array, Activations, jax.Array]:
  """Decodes one encoding twice: to a label, then to the picture's own.

  Args:
    generator: a bound one, AttGAN's or STGAN's.
    image, label, taps: see `Generator`.
    own: [B, C], what asks for the picture as it is.

  Returns:
    The translated image, its activations, and the restored image.
  """
  encodings = generator.encoder(image)
  translated, activations = generator.decode(encodings, label, taps)
  return translated, activations, generator.decode(encodings, own)[0]
