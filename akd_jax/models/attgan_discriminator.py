"""AttGAN's discriminator (He et al., 2019), as released, and STGAN's.

After LynnHo/AttGAN-Tensorflow (v2, module.py:73-103); see models/attgan.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from akd_jax.models.attgan import XAVIER_UNIFORM, channels
from akd_jax.models.layers import Conv, InstanceNorm
from akd_jax.models.taps import Activations


class Discriminator(nn.Module):
  """AttGAN's discriminator: does it look real, and which attributes has it?

  Attributes:
    width: channels of the first layer.
    layers: strided convolutions; each halves the picture.
    hidden: features of the layer between the last map and each head.
    classes: number of attributes.
    dtype: of the computation; parameters are float32.
    slope: of the leaky ReLUs of the convolutions.
    hidden_slope: of those of the dense layers; 0 is a ReLU.
    epsilon: of the norms.
  """

  width: int = 64
  layers: int = 5
  hidden: int = 1024
  classes: int = 13
  dtype: jnp.dtype = jnp.float32
  slope: float = 0.2
  hidden_slope: float = 0.2
  epsilon: float = 1e-6

  @nn.compact
  def __call__(
    self, image: jax.Array
  ) -> tuple[tuple[jax.Array, jax.Array], Activations]:
    """Scores image [B, S, S, 3] in [-1, 1], S a multiple of 2^layers.

    Returns:
      (critic map of one pixel, [B, 1, 1, 1], logits [B, classes]), float32,
      and the features {"layer_i": [B, S/2^(i+1), S/2^(i+1), width 2^i]}.
    """
    features: Activations = {}
    x = image
    for i in range(self.layers):
      x = Conv(
        channels(self.width, i),
        4,
        "down",
        kernel_init=XAVIER_UNIFORM,
        dtype=self.dtype,
        name=f"layer_{i}",
      )(x)
      x = InstanceNorm(self.epsilon, name=f"norm_{i}")(x)
      x = nn.leaky_relu(x, self.slope)
      features[f"layer_{i}"] = x
    flat = x.reshape(len(x), -1)
    critic = self._head(flat, 1, "critic")
    logits = self._head(flat, self.classes, "classifier")
    return (critic[:, None, None], logits), features

  def _head(self, x: jax.Array, features: int, name: str) -> jax.Array:
    """Two dense layers: [B, K] to [B, features], float32."""

    def dense(features, name):
      return nn.Dense(
        features, dtype=self.dtype, kernel_init=XAVIER_UNIFORM, name=name
      )

    x = nn.leaky_relu(
      dense(self.hidden, f"{name}_hidden")(x), self.hidden_slope
    )
    return dense(features, name)(x).astype(jnp.float32)
