"""The layers of the networks: convolutions and normalisations."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from akd_jax.models import convolutions

# How a generator doubles pictures: the kernel of a layer, and its resampling.
UPSAMPLE = {"transposed": (4, "up"), "resize": (3, "resize")}
# The parameter of a resize-convolution: not the kernel that is applied.
RESIZE_KERNEL = "resize_kernel"
_FAN_IN_UNIFORM = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


class Conv(nn.Module):
  """A convolution of stride 1 ("same"), or "down" or "up" by 2 (kernel 4).

  "resize" (kernel 3) doubles each pixel and then convolves, so that no pixel
  is made of more terms than its neighbour, which is what draws checkerboards
  (Odena et al., Deconvolution and Checkerboard Artifacts, 2016). "pool"
  (kernel 3) convolves and then averages each 2 x 2 pixels.

  Parameters start as PyTorch's do: uniform in +-1 / sqrt(fan in), where the
  fan in of a transposed convolution counts its *output* channels. With a
  `kernel_init` of its own, a bias starts at 0.
  """

  features: int
  kernel_size: int
  resample: str = "same"
  padding: int | None = None
  use_bias: bool = False
  kernel_init: nn.initializers.Initializer | None = None
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(
    self, x: jax.Array, planes: jax.Array | None = None
  ) -> jax.Array:
    """Convolves x [B, H, W, C], and constant `planes` [B, P] as if tiled."""
    size, channels = self.kernel_size, x.shape[-1]
    if planes is not None:
      channels += planes.shape[-1]
    # A transposed convolution stores the kernel of the one it transposes.
    if self.resample == "up":
      shape = (size, size, self.features, channels)
    else:
      shape = (size, size, channels, self.features)
    kernel_init = self.kernel_init or _FAN_IN_UNIFORM
    if self.resample == "resize":
      kernel = to_transposed(self.param(RESIZE_KERNEL, kernel_init, shape))
    else:
      kernel = self.param("kernel", kernel_init, shape)
    kernel = kernel.astype(self.dtype)
    x = x.astype(self.dtype)
    if planes is not None:
      y = convolutions.conv_with_planes(x, planes.astype(self.dtype), kernel)
    elif self.resample == "same":
      padding = size // 2 if self.padding is None else self.padding
      y = convolutions.conv(x, kernel, padding)
    elif self.resample == "down":
      y = convolutions.down(x, kernel)
    elif self.resample == "pool":
      y = convolutions.down(x, to_strided(kernel))
    else:
      y = convolutions.up(x, kernel)
    if self.use_bias:
      bound = 0.0 if self.kernel_init else (size * size * shape[2]) ** -0.5
      bias = self.param(
        "bias",
        lambda key, shape: jax.random.uniform(
          key, shape, minval=-bound, maxval=bound
        ),
        (self.features,),
      )
      y += bias.astype(self.dtype)
    return y


def to_transposed(kernel: jax.Array) -> jax.Array:
  """Returns the transposed convolution that a resize-convolution equals.

  To double each pixel is a transposed convolution itself, of a 2 x 2 kernel of
  ones; the two kernels are one, of 4 x 4.

  Args:
    kernel: [3, 3, I, O], applied to the doubled picture, zeros around it.

  Returns:
    [4, 4, O, I], for `convolutions.up`.
  """
  turned = jnp.swapaxes(kernel[::-1, ::-1], 2, 3)
  for axis in (0, 1):
    pad = [(0, 0)] * 4
    pad[axis] = (1, 0)
    turned = jnp.pad(turned, pad) + jnp.pad(turned, [x[::-1] for x in pad])
  return turned


def to_strided(kernel: jax.Array) -> jax.Array:
  """Returns the strided convolution that a pooled convolution equals.

  It has less than half of the arithmetic.

  Args:
    kernel: [3, 3, I, O], applied with zeros around the picture; each 2 x 2
      pixels of what comes of it are averaged.

  Returns:
    [4, 4, I, O], for `convolutions.down`.
  """
  for axis in (0, 1):
    pad = [(0, 0)] * 4
    pad[axis] = (0, 1)
    kernel = (
      jnp.pad(kernel, pad) + jnp.pad(kernel, [x[::-1] for x in pad])
    ) / 2
  return kernel


def without_resizing(params: Mapping[str, Any]) -> dict[str, Any]:
  """Returns parameters in which each resize-convolution is a transposed one.

  Of the networks that they are of, the one whose `upsample` is "transposed"
  draws the same with them.
  """
  found: dict[str, Any] = {}
  for name, x in params.items():
    if name == RESIZE_KERNEL:
      found["kernel"] = np.asarray(to_transposed(x))
    else:
      found[name] = without_resizing(x) if isinstance(x, Mapping) else x
  return found


class InstanceNorm(nn.Module):
  """Normalises each channel of each picture over its pixels, as PyTorch does.

  The two-pass biased variance; always the statistics of the instance, in
  float32 whatever the dtype of x [B, H, W, C]. Flax's own gives the same
  numbers, but its gradient takes 1.3 times as long on a CPU
  (benchmarks/instance_norm.py).
  """

  epsilon: float = 1e-5

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
    bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
    return normalize(x, scale[None], bias[None], self.epsilon)


def normalize(
  x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float = 1e-5
) -> jax.Array:
  """Normalises each channel of each picture, then scales and shifts it.

  Args:
    x: [B, H, W, C].
    scale: [B, C], or [1, C] for all pictures.
    bias: the same.
    epsilon: beside the variance, in the root.
  """
  wide = x.astype(jnp.float32)
  centred = wide - jnp.mean(wide, axis=(1, 2), keepdims=True)
  variance = jnp.mean(jnp.square(centred), axis=(1, 2), keepdims=True)
  y = centred * (lax.rsqrt(variance + epsilon) * scale[:, None, None])
  return (y + bias[:, None, None]).astype(x.dtype)


class BatchNorm(nn.Module):
  """Normalises each channel over the batch, or by running statistics.

  As tf_slim's and PyTorch's: the batch is normalised by its biased variance,
  and of the unbiased one a running average is kept. Flax's own keeps the
  biased one. In float32 whatever the dtype of x [B, H, W, C].

  The batch counts where the collection "batch_stats" is mutable: its
  statistics move then.

  Attributes:
    epsilon: beside the variance, in the root.
    momentum: what a batch counts in the running average.
    axis_name: of pmap, over whose devices a batch is spread.
  """

  epsilon: float = 1e-3
  momentum: float = 1e-3
  axis_name: str | None = None

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    features = (x.shape[-1],)
    scale = self.param("scale", nn.initializers.ones, features)
    bias = self.param("bias", nn.initializers.zeros, features)
    kept_mean = self.variable("batch_stats", "mean", jnp.zeros, features)
    kept_variance = self.variable("batch_stats", "var", jnp.ones, features)
    wide = x.astype(jnp.float32)
    if self.is_mutable_collection("batch_stats"):
      mean = self._mean(wide)
      centred = wide - mean[None, None, None]
      variance = self._mean(jnp.square(centred))
      if not self.is_initializing():
        self._keep(kept_mean, mean)
        self._keep(kept_variance, variance * self._unbiased(x))
    else:
      centred = wide - kept_mean.value[None, None, None]
      variance = kept_variance.value
    factor = lax.rsqrt(variance + self.epsilon) * scale
    y = centred * factor[None, None, None] + bias[None, None, None]
    return y.astype(x.dtype)

  def _mean(self, x: jax.Array) -> jax.Array:
    mean = jnp.mean(x, axis=(0, 1, 2))
    return mean if self.axis_name is None else lax.pmean(mean, self.axis_name)

  def _unbiased(self, x: jax.Array) -> float:
    """n / (n - 1), n the pixels of the batch on all devices."""
    devices = 1 if self.axis_name is None else lax.axis_size(self.axis_name)
    count = devices * x.size // x.shape[-1]
    return count / max(count - 1, 1)

  def _keep(self, kept: nn.Variable, new: jax.Array) -> None:
    kept.value += self.momentum * (lax.stop_gradient(new) - kept.value)
