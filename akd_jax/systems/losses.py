"""Loss terms: arrays in, one value a sample out; the mean is the caller's.

Equations are those of paper 2 (AKD-GAN) unless another source is named.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import lax

from akd_jax.common.errors import UserError


def realness(source: jax.Array) -> jax.Array:
  """The Wasserstein critic's verdict: mean of its map, [B, h, w, 1] to [B].

  L_adv of eq. 7-8: the discriminator lowers -realness(real) +
  realness(fake), the generator -realness(fake).
  """
  return jnp.mean(source, axis=(1, 2, 3))


def gradient_penalty(
  critic: Callable[[jax.Array], jax.Array],
  real: jax.Array,
  fake: jax.Array,
  alpha: jax.Array,
) -> jax.Array:
  """(||gradient of the summed map at alpha real + (1 - alpha) fake|| - 1)^2.

  Args:
    critic: images to their realness map.
    real: [B, S, S, 3].
    fake: [B, S, S, 3].
    alpha: [B], uniform in [0, 1].

  Returns:
    [B]. WGAN-GP as StarGAN has it.
  """
  _check_same_shape(real, fake)
  weight = alpha[:, None, None, None]
  mixed = weight * real + (1 - weight) * fake
  gradient = jax.grad(lambda x: jnp.sum(critic(x)))(mixed)
  return jnp.square(_norm(gradient) - 1)


def classification(
  logits: jax.Array, label: jax.Array, label_rule: str
) -> jax.Array:
  """L_cls of eq. 7-8: [B, C] twice to [B].

  Args:
    logits: class logits.
    label: 0 or 1.
    label_rule: "multilabel", sigmoid cross-entropy *summed* over attributes;
      "exclusive", softmax cross-entropy.
  """
  _check_same_shape(logits, label)
  if label_rule == "exclusive":
    return optax.softmax_cross_entropy(logits, label)
  return jnp.sum(optax.sigmoid_binary_cross_entropy(logits, label), axis=-1)


def adversarial_examples(
  loss: Callable[[jax.Array], jax.Array],
  image: jax.Array,
  radius: jax.Array | float,
) -> jax.Array:
  """The images at a distance from these at which a loss is largest.

  To first order, by one step: the fast gradient method (Goodfellow et al.,
  2015, there in the maximum norm).

  Args:
    loss: images to [B].
    image: [B, S, S, 3].
    radius: their distance, the l2 norm over all pixels and channels.

  Returns:
    [B, S, S, 3], which may leave [-1, 1]. The step is a constant to the
    gradient, which reaches `image` as it is.
  """
  gradient = jax.grad(lambda x: jnp.sum(loss(x)))(lax.stop_gradient(image))
  norm = _norm(gradient)[:, None, None, None]
  step = radius * gradient / jnp.where(norm > 0, norm, 1.0)
  return image + lax.stop_gradient(step)


def fake_agreement(
  logits: jax.Array, target: jax.Array, label_rule: str
) -> jax.Array:
  """How often logits [B, C] find the wanted attributes: a scalar in [0, 1].

  No loss, but the first sign of a generator that only copies its input.
  """
  if label_rule == "exclusive":
    return jnp.mean(jnp.argmax(logits, -1) == jnp.argmax(target, -1))
  return jnp.mean((logits > 0) == (target > 0))


def reconstruction(image: jax.Array, restored: jax.Array) -> jax.Array:
  """L_rec of eq. 8: mean |x - G(G(x, c), original)|, [B, S, S, 3] to [B]."""
  _check_same_shape(image, restored)
  return jnp.mean(jnp.abs(image - restored), axis=(1, 2, 3))


def imitation(image: jax.Array, teacher: jax.Array) -> jax.Array:
  """L_out: mean |G_T(x, c) - G_S(x, c)|, [B, S, S, 3] to [B].

  GAN Compression (Li et al., 2020), section 3.1, for data without pairs.
  """
  return reconstruction(teacher, image)


def attention_distance(
  student: jax.Array, teacher: jax.Array, norm: str
) -> jax.Array:
  """||A_T(x, c) - A_S(x, c)|| of eq. 6 (paper 1 eq. 3), [B, h, w] to [B].

  Args:
    student: the student's maps.
    teacher: the teacher's.
    norm: "l1_mean", mean absolute difference over pixels; "l1_sum"; "l2".
  """
  _check_same_shape(student, teacher)
  difference = student - teacher
  if norm == "l1_mean":
    return jnp.mean(jnp.abs(difference), axis=(1, 2))
  if norm == "l1_sum":
    return jnp.sum(jnp.abs(difference), axis=(1, 2))
  if norm == "l2":
    return _norm(difference)
  raise UserError(
    f"config.attention.norm={norm!r} is none of l1_mean, l1_sum, l2"
  )


def _norm(x: jax.Array) -> jax.Array:
  """l2 norm of each sample, with gradient 0 (not NaN) where it is 0."""
  square = jnp.sum(jnp.square(x), axis=tuple(range(1, x.ndim)))
  positive = square > 0
  return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)


def _check_same_shape(a: jax.Array, b: jax.Array) -> None:
  if a.shape != b.shape:
    raise ValueError(f"shapes differ: {a.shape} and {b.shape}")
