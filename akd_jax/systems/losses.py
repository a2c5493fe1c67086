"""Loss terms: arrays in, one value a sample out; the mean is the caller's.

Equations are those of paper 2 (AKD-GAN) unless another source is named.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import lax
from ml_collections import ConfigDict

from akd_jax.common.two_sets import attributes_of_second
from akd_jax.systems import adversary
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import Metrics, Model, Scores


def critic_score(critic: jax.Array) -> jax.Array:
  """Returns WGAN's critic score: the mean of its map, [B, h, w, 1] to [B].

  L_adv of eq. 7-8: the discriminator lowers -critic_score(real) +
  critic_score(fake), the generator -critic_score(fake).
  """
  return jnp.mean(critic, axis=(1, 2, 3))


def fool_critic(critic: jax.Array) -> jax.Array:
  """Returns what WGAN's generator lowers of a critic map: -critic_score."""
  return -critic_score(critic)


def wasserstein_terms(
  model: Model, batch: DiscriminatorBatch, real: Scores, classes: jax.Array
) -> dict[str, jax.Array]:
  """Returns the terms of L_D of a Wasserstein GAN that tells classes, too.

  Gulrajani et al. (2017), eq. 3, in the form of StarGAN and of AttGAN.

  Args:
    model: whose discriminator is trained.
    batch: what it sees.
    real: its scores of the real pictures.
    classes: [B], the class loss of these.
  """

  def criticize(image: jax.Array) -> jax.Array:
    return model.discriminate(image).critic

  return {
    "d_loss_real": -critic_score(real.critic),
    "d_loss_fake": critic_score(criticize(batch.fake)),
    "d_loss_cls": classes,
    "d_loss_gp": gradient_penalty(
      criticize, batch.image, batch.fake, batch.alpha
    ),
  }


def gradient_penalty(
  critic: Callable[[jax.Array], jax.Array],
  real: jax.Array,
  fake: jax.Array,
  alpha: jax.Array,
) -> jax.Array:
  """Returns (||gradient of the summed map|| - 1)^2, [B].

  The gradient is taken at alpha real + (1 - alpha) fake. WGAN-GP, as StarGAN
  has it.

  Args:
    critic: images to their critic map.
    real: [B, S, S, 3].
    fake: [B, S, S, 3].
    alpha: [B], uniform in [0, 1].
  """
  check_same_shape(real, fake)
  weight = alpha[:, None, None, None]
  mixed = weight * real + (1 - weight) * fake
  gradient = jax.grad(lambda x: jnp.sum(critic(x)))(mixed)
  return jnp.square(l2_norm(gradient) - 1)


# Class logits and labels, [B, C] each, to their loss, [B].
ClassLoss = Callable[[jax.Array, jax.Array], jax.Array]


def class_loss(config: ConfigDict) -> ClassLoss:
  """Returns `classification` by a run's label rule, of its label sets."""
  return functools.partial(
    classification,
    label_rule=config.data.label_rule,
    second=len(attributes_of_second(config.data)),
  )


def classification(
  logits: jax.Array, label: jax.Array, label_rule: str, second: int = 0
) -> jax.Array:
  """Returns L_cls of eq. 7-8: [B, C] twice to [B].

  Args:
    logits: class logits.
    label: 0 or 1.
    label_rule: one of CLASS_LOSSES.
    second: how many of the last classes are of a second label set, whose
      classes exclude each other. A label that has one of them is of that set,
      and nothing is lost of the other set's classes (Choi et al., 2018, section
      3.3).
  """
  check_same_shape(logits, label)
  if not second:
    return CLASS_LOSSES[label_rule](logits, label)
  of_first, of_second = _label_sets(logits, second)
  first, others = _label_sets(label, second)
  return jnp.where(
    jnp.any(others > 0, axis=-1),
    CLASS_LOSSES["exclusive"](of_second, others),
    CLASS_LOSSES[label_rule](of_first, first),
  )


def _label_sets(x: jax.Array, second: int) -> tuple[jax.Array, jax.Array]:
  """Returns what of [..., C] is of the first label set, and of the second."""
  return x[..., :-second], x[..., -second:]


def _sum_of_sigmoids(logits: jax.Array, label: jax.Array) -> jax.Array:
  return jnp.sum(optax.sigmoid_binary_cross_entropy(logits, label), axis=-1)


# By config.data.label_rule: attributes that go together cost a sigmoid
# cross-entropy each, *summed*; classes that exclude each other a softmax.
CLASS_LOSSES: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
  "multilabel": _sum_of_sigmoids,
  "exclusive": optax.softmax_cross_entropy,
}


def mean_of_sigmoids(logits: jax.Array, label: jax.Array) -> jax.Array:
  """Returns AttGAN's class loss: [B, C] twice to [B].

  A sigmoid cross-entropy each, *averaged* over attributes (AttGAN's eq. 6-7,
  TensorFlow's reduction).
  """
  check_same_shape(logits, label)
  return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, label), axis=-1)


def adversarial_examples(
  loss: Callable[[jax.Array], jax.Array],
  image: jax.Array,
  radius: jax.Array | float,
) -> jax.Array:
  """Moves images by a distance to where a loss is largest, to first order.

  One step of the fast gradient method (Goodfellow et al., 2015, there in the
  maximum norm).

  Args:
    loss: images to [B].
    image: [B, S, S, 3].
    radius: their distance, the l2 norm over all pixels and channels.

  Returns:
    [B, S, S, 3], which may leave [-1, 1]. The step is a constant to the
    gradient, which reaches `image` as it is.
  """
  gradient = jax.grad(lambda x: jnp.sum(loss(x)))(lax.stop_gradient(image))
  norm = l2_norm(gradient)[:, None, None, None]
  step = radius * gradient / jnp.where(norm > 0, norm, 1.0)
  return image + lax.stop_gradient(step)


def fake_agreement(
  logits: jax.Array, target: jax.Array, label_rule: str, second: int = 0
) -> jax.Array:
  """Returns how often logits [B, C] find the wanted attributes, in [0, 1].

  No loss, but the first sign of a generator that only copies its input. All
  labels of a batch are of one label set.
  """
  if second:
    of_first, of_second = _label_sets(logits, second)
    first, others = _label_sets(target, second)
    return jnp.where(
      jnp.any(others > 0),
      fake_agreement(of_second, others, "exclusive"),
      fake_agreement(of_first, first, label_rule),
    )
  if label_rule == "exclusive":
    return jnp.mean(jnp.argmax(logits, -1) == jnp.argmax(target, -1))
  return jnp.mean((logits > 0) == (target > 0))


def agreement_metrics(
  scores: Scores, batch: GeneratorBatch, config: ConfigDict
) -> Metrics:
  """Returns `fake_agreement` of translated pictures, by its name.

  Nothing without an adversary: then no discriminator is asked.
  """
  if not adversary.scores(config):
    return {}
  agreement = fake_agreement(
    scores.logits,
    batch.target,
    config.data.label_rule,
    len(attributes_of_second(config.data)),
  )
  return {"fake_agreement": agreement}


def l1_distance(a: jax.Array, b: jax.Array) -> jax.Array:
  """Returns mean |a - b| of pictures: [B, S, S, 3] twice to [B]."""
  check_same_shape(a, b)
  return jnp.mean(jnp.abs(a - b), axis=(1, 2, 3))


def mask_size(mask: jax.Array) -> jax.Array:
  """Returns how much a blend copies, mean m^2 + 1e-4 TV(m): [B].

  After GANimation (Pumarola et al., 2018) eq. 3: a mask of ones copies all,
  which no other term forbids at the start. The weights are those of its code
  (0.1, and 1e-5 of TV), whose terms differ. There it is mean m, without the
  square; TV is the sum of |differences|, of a whole batch; and both are of the
  reconstruction's mask, too.

  Args:
    mask: [B, S, S, 1] in [0, 1], 1 where the photo is copied.
  """
  rows, columns = (jnp.diff(mask, axis=axis) for axis in (1, 2))
  variation = sum(
    jnp.sum(jnp.square(x), axis=(1, 2, 3)) for x in (rows, columns)
  )
  return jnp.mean(jnp.square(mask), axis=(1, 2, 3)) + 1e-4 * variation


def l2_norm(x: jax.Array) -> jax.Array:
  """Returns the l2 norm of each sample, [B, ...] to [B].

  Its gradient at 0 is 0, not NaN.
  """
  square = jnp.sum(jnp.square(x), axis=tuple(range(1, x.ndim)))
  positive = square > 0
  return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)


def check_same_shape(a: jax.Array, b: jax.Array) -> None:
  """Raises ValueError where broadcasting would make a plausible loss."""
  if a.shape != b.shape:
    raise ValueError(f"shapes differ: {a.shape} and {b.shape}")
