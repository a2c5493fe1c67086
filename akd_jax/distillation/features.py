"""Feature distillation through adapters (GAN Compression, Li et al., 2020).

L_features = sum over blocks of mean (f(G_S) - G_T)^2, eq. 3; f is a learnt 1x1
convolution from the student's channels to the teacher's.
"""

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from akd_jax.distillation.adapters import adapt, create_adapters
from akd_jax.distillation.method import Lesson, Method
from akd_jax.systems.model import Metrics


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L_features of each sample, [B]."""
  del config
  adapted = adapt(lesson.learnt["features"], lesson.pairs)
  total = jnp.zeros(len(lesson.image))
  for ours, (_, theirs) in zip(adapted, lesson.pairs, strict=True):
    difference = ours - lax.stop_gradient(theirs.astype(jnp.float32))
    total += jnp.mean(jnp.square(difference), axis=(1, 2, 3))
  return total, {}


FEATURES = Method(
  "g_loss_features", distances, same_size=True, create=create_adapters
)
