"""Wavelet distillation: the high frequencies of the teacher's pictures.

L_wav = sum over levels and bands of the mean of |H(G_T) - H(G_S)|, H the
horizontal, vertical and diagonal bands of a Haar transform of three levels; the
low band is left to the student. Zhang et al., Wavelet Knowledge Distillation
(CVPR 2022): small generators lose high frequencies first.
"""

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation.method import Lesson, Method, same_attributes
from akd_jax.systems.model import Metrics

_LEVELS = 3


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L_wav of each sample, [B]."""
  del config
  # The transform is linear: that of the difference is the difference.
  rest = lesson.teacher.image - lesson.student.image
  total = jnp.zeros(len(rest))
  for _ in range(_LEVELS):
    rest, bands = haar(rest)
    total += sum(jnp.mean(jnp.abs(x), axis=(1, 2, 3)) for x in bands)
  return total, {}


def haar(x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
  """Transforms one level: [B, H, W, C], H and W even.

  Returns:
    The low band, and the horizontal, vertical and diagonal ones:
    [B, H/2, W/2, C] each. Orthonormal: sums of squares stay.
  """
  a, b = x[:, ::2, ::2], x[:, ::2, 1::2]
  c, d = x[:, 1::2, ::2], x[:, 1::2, 1::2]
  high = (a + b - c - d) / 2, (a - b + c - d) / 2, (a - b - c + d) / 2
  return (a + b + c + d) / 2, high


def check(config: ConfigDict, teacher: ConfigDict) -> None:
  """Refuses other pictures, and those that can not be halved that often."""
  same_attributes("wavelet")(config, teacher)
  if config.data.image_size % 2**_LEVELS:
    raise UserError(
      f"config.distill.wavelet.weight={config.distill.wavelet.weight} halves"
      f" pictures {_LEVELS} times: config.data.image_size="
      f"{config.data.image_size} is not a multiple of {2**_LEVELS}"
    )


WAVELET = Method("g_loss_wavelet", distances, check)
