"""What the teacher's discriminator, which is not trained, sees in a picture.

Its class score:   L_class = L_cls of D_T(G_S(x, c)), the teacher's own class
                   loss, paper 2 eq. 8 of a StarGAN;
its features:      L_feat = mean over layers of |f_l(G_T) - f_l(G_S)| by the
                   mean size of f_l(G_T): feature matching (Wang et al.,
                   pix2pixHD, 2018, eq. 4) of the same photo's translations;
its critic score:  L_dgl = what the teacher's own generator lowered of it, as
                   -critic of WGAN, beside the student's own adversary (Tian et
                   al., DGL-GAN, 2021).
"""

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation.method import Lesson, Method, same_attributes
from akd_jax.models.taps import Activations
from akd_jax.systems import losses, system_of
from akd_jax.systems.model import Metrics


def class_distances(
  lesson: Lesson, config: ConfigDict
) -> tuple[jax.Array, Metrics]:
  """Returns L_class of each sample, [B]."""
  del config
  return lesson.class_loss(lesson.scores.logits, lesson.target), {}


def feature_distances(
  lesson: Lesson, config: ConfigDict
) -> tuple[jax.Array, Metrics]:
  """Returns L_feat of each sample, [B]."""
  del config
  theirs = lax.stop_gradient(lesson.teacher.scores.features)
  return compare_features(lesson.scores.features, theirs), {}


def compare_features(ours: Activations, theirs: Activations) -> jax.Array:
  """Returns the mean relative l1 distance of {layer: [B, h, w, K]}: [B]."""
  distances = []
  for name, feature in theirs.items():
    losses.check_same_shape(feature, ours[name])
    feature, own = (x.astype(jnp.float32) for x in (feature, ours[name]))
    size = jnp.mean(jnp.abs(feature), axis=(1, 2, 3))
    distance = jnp.mean(jnp.abs(feature - own), axis=(1, 2, 3))
    distances.append(distance / jnp.where(size > 0, size, 1.0))
  return sum(distances, jnp.zeros(())) / len(distances)


def critic_distances(
  lesson: Lesson, config: ConfigDict
) -> tuple[jax.Array, Metrics]:
  """Returns L_dgl of each sample, [B]."""
  del config
  return lesson.fool(lesson.scores.critic), {}


def check_logits(config: ConfigDict, teacher: ConfigDict) -> None:
  """Refuses other attributes, and a discriminator that does not classify."""
  same_attributes("class_score")(config, teacher)
  if not system_of(teacher).classifies:
    raise UserError(
      f"config.distill.class_score.weight={config.distill.class_score.weight}"
      f" needs class logits, which the discriminator of a {teacher.system}"
      " teacher does not have: it must be 0"
    )


CLASS_SCORE = Method("g_loss_class_score", class_distances, check_logits)
DISCRIMINATOR_FEATURES = Method(
  "g_loss_discriminator_features",
  feature_distances,
  same_attributes("discriminator_features"),
)
DGL = Method("g_loss_dgl", critic_distances)
