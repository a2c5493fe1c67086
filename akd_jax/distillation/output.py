"""Output distillation: the student's pictures are to be the teacher's.

L_out = mean |G_T(x, c) - G_S(x, c)|. GAN Compression (Li et al., 2020),
section 3.1, for data without pairs.
"""

import jax
from ml_collections import ConfigDict

from akd_jax.distillation.method import Lesson, Method, same_attributes
from akd_jax.systems import losses
from akd_jax.systems.model import Metrics


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L_out of each sample, [B]."""
  del config
  return losses.l1_distance(lesson.teacher.image, lesson.student.image), {}


OUTPUT = Method("g_loss_out", distances, same_attributes("output"))
