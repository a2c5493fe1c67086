"""Kernel alignment of features, without adapters (CAT, Jin et al., CVPR 2021).

L_alignment = sum over blocks of 1 - KA(G_S, G_T),
KA(X, Y) = ||Y'X||^2 / (||X'X|| ||Y'Y||), Frobenius norms, of X [n, K_S] and
Y [n, K_T]. Its n samples are the pixels of one picture here, where the release
takes the pictures of a batch: so a picture's distance depends on no other, and
nothing on how many devices share the batch.
"""

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from akd_jax.distillation.method import Lesson, Method
from akd_jax.systems.model import Metrics


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L_alignment of each sample, [B]."""
  del config
  total = jnp.zeros(len(lesson.image))
  for ours, theirs in lesson.pairs:
    total += 1 - alignment(ours, lax.stop_gradient(theirs))
  return total, {}


def alignment(first: jax.Array, second: jax.Array) -> jax.Array:
  """Returns KA of [B, h, w, K] and [B, h, w, L]: [B], in [0, 1]."""
  x, y = (
    a.astype(jnp.float32).reshape(len(a), -1, a.shape[-1])
    for a in (first, second)
  )
  own = _squared(x, x), _squared(y, y)
  positive = (own[0] > 0) & (own[1] > 0)
  # Each root by itself: the product of eight activations may be too large.
  roots = [jnp.sqrt(jnp.where(positive, size, 1.0)) for size in own]
  return jnp.where(positive, _squared(x, y) / roots[0] / roots[1], 0.0)


def _squared(x: jax.Array, y: jax.Array) -> jax.Array:
  """||Y'X||^2 of [B, n, K] and [B, n, L]: [B]."""
  return jnp.sum(jnp.square(jnp.einsum("bnk,bnl->bkl", x, y)), axis=(1, 2))


ALIGNMENT = Method("g_loss_alignment", distances, same_size=True)
