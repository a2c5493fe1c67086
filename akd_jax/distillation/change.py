"""Output distillation that counts where the teacher changes the photo.

L_change = mean w |G_T(x, c) - G_S(x, c)|, w = 1 + f d / mean d,
d = |G_T(x, c) - x|, with one value of d a pixel. An attribute is a small part
of a face, and so of L_out; what the teacher changes is an attention map that
can not miss it. Ours.
"""

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.distillation.method import Lesson, Method, same_attributes
from akd_jax.systems.model import Metrics


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L_change of each sample, [B]."""
  theirs, ours = lesson.teacher.image, lesson.student.image
  weights = change_weights(lesson.image, theirs, config.distill.change.factor)
  difference = jnp.abs(theirs - ours)
  return jnp.mean(weights * difference, axis=(1, 2, 3)), {}


def change_weights(
  image: jax.Array, translated: jax.Array, factor: float
) -> jax.Array:
  """Returns how much each pixel counts: [B, S, S, 3] twice to [B, S, S, 1].

  Their mean is 1 + factor, or 1 where nothing changes.
  """
  change = jnp.mean(jnp.abs(translated - image), axis=-1, keepdims=True)
  mean = jnp.mean(change, axis=(1, 2), keepdims=True)
  return 1 + factor * change / jnp.where(mean > 0, mean, 1.0)


CHANGE = Method("g_loss_change", distances, same_attributes("change"))
