"""Switchable normalisation (Luo et al., ICLR 2019), as RelGAN's release has it.

elvisyjlin/RelGAN-PyTorch @8e432d0, switchable_norm.py:100-140.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

# Weight of the *old* value in the running statistics (nn.py:42).
MOMENTUM = 0.9
EPSILON = 1e-5


class SwitchNorm(nn.Module):
  """Normalises by a learnt mixture of instance, layer and batch statistics.

  Means and variances are mixed by the softmax of three weights each. The
  variance over pixels is the unbiased one, and those of layer and batch are
  made of it. Running statistics, the collection "batch_stats", which starts at
  zeros, stand for the batch's unless they may be moved: then the network is in
  training, and they are. In float32 whatever the dtype of x.

  Moments have no axes of one, and are mixed by one sum. With either, XLA
  does not see that two passes of the same pictures are the same, one of them
  under a gradient, and RelGAN's step has two such pairs.

  Attributes:
    axis_name: of pmap, where a batch is spread over devices.
  """

  axis_name: str | None = None

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Normalises x [B, H, W, C]."""
    ones, channels = nn.initializers.ones, (x.shape[-1],)
    scale = self.param("scale", ones, channels)
    bias = self.param("bias", nn.initializers.zeros, channels)
    weights = [
      nn.softmax(self.param(name, ones, (3,)))
      for name in ("mean_weight", "var_weight")
    ]
    wide = x.astype(jnp.float32)
    instance = _moments(wide)
    layer = _pool(*instance, _mean_over_channels)
    batch = self._batch_moments(*instance)
    mean, variance = (
      jnp.sum(weight[:, None, None] * jnp.stack(moments), axis=0)
      for weight, *moments in zip(weights, instance, layer, batch, strict=True)
    )
    factor = lax.rsqrt(variance + EPSILON)
    y = (wide - mean[:, None, None]) * factor[:, None, None]
    y = y * scale[None, None, None] + bias[None, None, None]
    return y.astype(x.dtype)

  def _batch_moments(
    self, mean: jax.Array, variance: jax.Array
  ) -> tuple[jax.Array, ...]:
    shape = mean.shape[-1:]
    running = [
      self.variable("batch_stats", name, jnp.zeros, shape)
      for name in ("mean", "var")
    ]
    if not self.is_mutable_collection("batch_stats"):
      return tuple(jnp.broadcast_to(x.value, mean.shape) for x in running)
    pooled = _pool(mean, variance, self._average)
    if not self.is_initializing():
      for old, new in zip(running, pooled, strict=True):
        new = lax.stop_gradient(new[0])
        old.value = MOMENTUM * old.value + (1 - MOMENTUM) * new
    return pooled

  def _average(self, x: jax.Array) -> jax.Array:
    mean = jnp.mean(x, 0)
    if self.axis_name is not None:
      mean = lax.pmean(mean, self.axis_name)
    return jnp.broadcast_to(mean, x.shape)


def _moments(x: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Mean and unbiased variance over pixels, of one 0: [B, C] each."""
  mean = jnp.mean(x, (1, 2))
  square = jnp.sum(jnp.square(x - mean[:, None, None]), (1, 2))
  return mean, square / max(x.shape[1] * x.shape[2] - 1, 1)


def _mean_over_channels(x: jax.Array) -> jax.Array:
  return jnp.broadcast_to(jnp.mean(x, 1, keepdims=True), x.shape)


def _pool(
  mean: jax.Array,
  variance: jax.Array,
  average: Callable[[jax.Array], jax.Array],
) -> tuple[jax.Array, jax.Array]:
  """Moments of all that an average runs over, from those of its parts.

  All are [B, C]: an average is in the shape of what it is of.
  """
  pooled = average(mean)
  return pooled, average(variance + jnp.square(mean - pooled))
