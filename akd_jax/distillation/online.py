"""The terms of online distillation that need no foreign weights (OMGD).

Ren et al., Online Multi-Granularity Distillation for GAN Compression (ICCV
2021):
  L = l1 |G_T - G_S| + ssim (1 - SSIM) + tv TV(G_S) + channels L_CD.
The release has distances of VGG's features and of their Gram matrices where l1
is, whose weights come from elsewhere, and trains the teacher along; ours is
trained. For paired data it sums all but L_CD over two teachers, a wide and a
deep one; ours has one. A student of it needs no adversary
(config.adversary="none").
"""

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from akd_jax.distillation.adapters import adapt, create_adapters
from akd_jax.distillation.method import Lesson, Method, same_attributes
from akd_jax.systems import losses
from akd_jax.systems.model import Metrics

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L of each sample, [B], and its unweighted terms."""
  options = config.distill.omgd
  ours, theirs = lesson.student.image, lesson.teacher.image
  terms = {
    "l1": losses.l1_distance(theirs, ours),
    "ssim": 1 - similarity(ours, theirs),
    "tv": total_variation(ours),
    "channels": _channel_distances(lesson),
  }
  total = sum(
    (options[name] * term for name, term in terms.items()), jnp.zeros(())
  )
  return total, {f"omgd_{name}": jnp.mean(x) for name, x in terms.items()}


def similarity(first: jax.Array, second: jax.Array) -> jax.Array:
  """Returns SSIM of pictures [B, S, S, C]: [B] (Wang et al., 2004).

  A Gaussian window of 11 pixels, sigma 1.5, zeros beyond the border, and the
  constants of a range of 1, as the release has them.
  """

  def mean(x: jax.Array) -> jax.Array:
    offsets = jnp.arange(_WINDOW) - _WINDOW // 2
    weights = jnp.exp(-jnp.square(offsets) / (2 * _SIGMA**2))
    return _blur(x, weights / jnp.sum(weights))

  a, b = mean(first), mean(second)
  variance_a = mean(jnp.square(first)) - jnp.square(a)
  variance_b = mean(jnp.square(second)) - jnp.square(b)
  covariance = mean(first * second) - a * b
  similar = (2 * a * b + _C1) * (2 * covariance + _C2)
  similar /= jnp.square(a) + jnp.square(b) + _C1
  similar /= variance_a + variance_b + _C2
  return jnp.mean(similar, axis=(1, 2, 3))


def _blur(x: jax.Array, weights: jax.Array) -> jax.Array:
  """Convolves rows, then columns, by shifts: fast on every back end."""
  reach = len(weights) // 2
  for axis in (1, 2):
    padding = [(0, 0)] * 4
    padding[axis] = (reach, reach)
    padded, size = jnp.pad(x, padding), x.shape[axis]
    x = sum(
      weight * lax.slice_in_dim(padded, i, i + size, axis=axis)
      for i, weight in enumerate(weights)
    )
  return x


def total_variation(image: jax.Array) -> jax.Array:
  """Returns the sum of |differences| of neighbours: [B, S, S, C] to [B]."""
  rows, columns = (
    jnp.sum(jnp.abs(jnp.diff(image, axis=axis)), axis=(1, 2, 3))
    for axis in (1, 2)
  )
  return rows + columns


def _channel_distances(lesson: Lesson) -> jax.Array:
  """L_CD: squared distances of channels' means, through adapters: [B].

  Where ours differs: the adapters are GAN Compression's, linear and with a
  bias. The release's have no bias, but a BatchNorm and a ReLU.
  """
  adapted = adapt(lesson.learnt["omgd"], lesson.pairs)
  total = jnp.zeros(len(lesson.image))
  for ours, (_, theirs) in zip(adapted, lesson.pairs, strict=True):
    means = jnp.mean(lax.stop_gradient(theirs.astype(jnp.float32)), (1, 2))
    difference = jnp.mean(ours, axis=(1, 2)) - means
    total += jnp.mean(jnp.square(difference), axis=-1)
  return total


OMGD = Method(
  "g_loss_omgd", distances, same_attributes("omgd"), create=create_adapters
)
