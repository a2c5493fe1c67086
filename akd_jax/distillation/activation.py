"""Attention that is an activation's size: no gradient of any score.

Attention transfer (Zagoruyko and Komodakis, ICLR 2017, eq. 2, with the square
and the mean of their code):
  L_transfer = sum over blocks of mean (q(G_S) - q(G_T))^2,
  q(F) = a / ||a||, a = mean over channels of F^2.
Co-attention (DMAD, Li et al., 2020): the teacher's a is the mean of its
generator's and of its discriminator's second layer, of the teacher's picture.
In the release that discriminator sees the student's picture, and its map has a
gradient (models/CycleGAN.py:241-242). The release compares the discriminators'
features, too, at a small weight.
"""

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation.attention import NORMALIZATIONS
from akd_jax.distillation.method import Lesson, Method
from akd_jax.systems.losses import check_same_shape
from akd_jax.systems.model import Metrics


def transfer_distances(
  lesson: Lesson, config: ConfigDict
) -> tuple[jax.Array, Metrics]:
  """Returns L_transfer of each sample, [B]."""
  del config
  maps = [(size_map(ours), size_map(theirs)) for ours, theirs in lesson.pairs]
  return _compare(maps, len(lesson.image)), {}


def co_attention_distances(
  lesson: Lesson, config: ConfigDict
) -> tuple[jax.Array, Metrics]:
  """Returns L_co of each sample, [B]."""
  del config
  _, second, *_ = lesson.teacher.scores.features.values()
  seen = size_map(second)
  maps = []
  for ours, theirs in lesson.pairs:
    own = size_map(theirs)
    shape = (len(seen), *own.shape[1:])
    there = jax.image.resize(seen, shape, "linear")
    maps.append((size_map(ours), (own + there) / 2))
  return _compare(maps, len(lesson.image)), {}


def size_map(activation: jax.Array) -> jax.Array:
  """Returns the mean of squares over channels: [B, h, w, K] to [B, h, w]."""
  return jnp.mean(jnp.square(activation.astype(jnp.float32)), axis=-1)


def _compare(maps: list[tuple[jax.Array, jax.Array]], count: int) -> jax.Array:
  normalize = NORMALIZATIONS["l2"]
  total = jnp.zeros(count)
  for ours, theirs in maps:
    check_same_shape(ours, theirs)
    difference = normalize(ours) - lax.stop_gradient(normalize(theirs))
    total += jnp.mean(jnp.square(difference), axis=(1, 2))
  return total


def check_layers(config: ConfigDict, teacher: ConfigDict) -> None:
  """Refuses a teacher whose discriminator has no second layer."""
  if teacher.discriminator.get("layers", 2) < 2:
    raise UserError(
      f"config.distill.co_attention.weight={config.distill.co_attention.weight}"
      " looks at the second layer of the teacher's discriminator, whose"
      f" config.discriminator.layers={teacher.discriminator.layers}"
    )


ATTENTION_TRANSFER = Method(
  "g_loss_attention_transfer", transfer_distances, same_size=True
)
CO_ATTENTION = Method(
  "g_loss_co_attention", co_attention_distances, check_layers, same_size=True
)
