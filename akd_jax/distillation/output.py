"""Output distillation: the student's pictures are to be the teacher's.

L_out = mean |G_T(x, c) - G_S(x, c)|. GAN Compression (Li et al., 2020),
section 3.1, for data without pairs.
"""

import jax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation.method import Lesson, Method
from akd_jax.systems import losses
from akd_jax.systems.model import Metrics


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L_out of each sample, [B]."""
  del config
  return losses.reconstruction(lesson.teacher.image, lesson.student.image), {}


def check(config: ConfigDict, teacher: ConfigDict) -> None:
  """Refuses a teacher of other attributes, which draws other pictures.

  Raises:
    UserError: config.pseudo asks for such a teacher.
  """
  del teacher
  if config.pseudo.reading != "off":
    raise UserError(
      f"config.distill.output.weight={config.distill.output.weight} compares"
      " pictures, but a teacher of other attributes"
      f" (config.pseudo.reading={config.pseudo.reading!r}) does not draw the"
      " student's: it must be 0"
    )


OUTPUT = Method("g_loss_out", distances, check, names_activation=False)
