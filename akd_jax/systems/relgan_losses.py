"""RelGAN's loss terms: arrays in, one value a sample out.

Lines are those of its PyTorch release (elvisyjlin/RelGAN-PyTorch @8e432d0,
nn.py).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import traverse_util

from akd_jax.systems import losses
from akd_jax.systems.model import Model


class Triple(NamedTuple):
  """Three independent draws of one thing, as a step sees it: [B, ...] each.

  Attributes:
    source: what is translated.
    target: what the source is to be like.
    other: what neither has to do with.
  """

  source: jax.Array
  target: jax.Array
  other: jax.Array


class Translated(NamedTuple):
  """A source after the generator, [B, S, S, 3] each.

  Attributes:
    whole: by the vector v.
    unchanged: by 0.
    between: by t v, in part.
    strength: t, [B] in [0, 1].
  """

  whole: jax.Array
  unchanged: jax.Array
  between: jax.Array
  strength: jax.Array


def relative_vectors(label: Triple) -> jax.Array:
  """Returns v, and the two of the wrong questions: [B, 3, C] in {-1, 0, 1}.

  Target minus source; other minus source; target minus other. So does the
  Keras release (relgan.py:276-284), and so do both releases when they test; the
  PyTorch one trains with the opposite sign (train.py:203).
  """
  a, b, c = label
  return jnp.stack([b - a, c - a, b - c], axis=1)


def discriminator_terms(
  model: Model,
  image: Triple,
  translated: Translated,
  vectors: jax.Array,
  alpha: jax.Array,
) -> dict[str, jax.Array]:
  """Returns the terms that the discriminator lowers, [B] each: nn.py:156-230.

  Args:
    model: its discriminator.
    image: real ones.
    translated: the source, by the generator.
    vectors: `relative_vectors`.
    alpha: [B], where the gradient penalty looks.
  """
  pictures = (*image, *translated[:3])
  last = features(model, jnp.concatenate(pictures))
  a, b, c, whole, unchanged, between = jnp.split(last, len(pictures))
  v = vectors[:, :1]
  right, *wrong = jnp.moveaxis(match(model, a, b, vectors), 1, 0)
  wrong += [match(model, *pair, v) for pair in ((a, whole), (c, b), (a, c))]
  return {
    "d_loss_real": least_squares(judge(model, b), 1),
    "d_loss_fake": least_squares(judge(model, whole), 0),
    "d_loss_match": least_squares(right, 1)
    + sum((least_squares(x, 0) for x in wrong), jnp.zeros(())),
    "d_loss_interpolation": interpolation(
      interpolate(model, between),
      interpolate(model, unchanged),
      interpolate(model, whole),
      translated.strength,
    ),
    "d_loss_gp": losses.gradient_penalty(
      lambda x: judge(model, features(model, x)),
      image.source,
      translated.whole,
      alpha,
    ),
  }


def generator_terms(
  model: Model,
  source: jax.Array,
  translated: Translated,
  restored: jax.Array,
  vector: jax.Array,
) -> dict[str, jax.Array]:
  """Returns the terms that the generator lowers, [B] each: nn.py:96-140.

  Without what is a constant to the generator, the discriminator's answers to
  real pictures, which the release adds.

  Args:
    model: its discriminator; and its generator, whose kernels count.
    source: [B, S, S, 3], real.
    translated: the source, by the generator.
    restored: `translated.whole` after the generator, by -v.
    vector: v, [B, C].
  """
  pictures = (source, translated.whole, translated.between)
  last = features(model, jnp.concatenate(pictures))
  a, whole, between = jnp.split(last, len(pictures))
  kernels = orthogonality(model.generator)
  return {
    "g_loss_fake": least_squares(judge(model, whole), 1),
    "g_loss_match": least_squares(match(model, a, whole, vector[:, None]), 1),
    "g_loss_rec": losses.reconstruction(source, restored),
    "g_loss_self": losses.reconstruction(source, translated.unchanged),
    "g_loss_interpolation": jnp.square(interpolate(model, between)),
    "g_loss_orthogonality": jnp.broadcast_to(kernels, source.shape[:1]),
  }


def least_squares(answer: jax.Array, wanted: float) -> jax.Array:
  """Returns the mean of (wanted - answer)^2: [B, ...] to [B].

  LSGAN's loss (Mao et al., 2017), of adversarial and of match maps: nn.py:50.
  """
  return jnp.mean(jnp.square(wanted - answer), axis=range(1, answer.ndim))


def interpolation(
  between: jax.Array,
  unchanged: jax.Array,
  whole: jax.Array,
  strength: jax.Array,
) -> jax.Array:
  """Returns what the interpolation head lowers, [B]: nn.py:223-227.

  (min(t, 1 - t) - y_t)^2 + y_end^2, at the end that is the nearer one.

  Args:
    between: y_t, [B], what it says of the picture of t v.
    unchanged: [B], of that of 0.
    whole: [B], of that of v.
    strength: t, [B] in [0, 1].
  """
  for other in (unchanged, whole, strength):
    losses.check_same_shape(between, other)
  distance = jnp.minimum(strength, 1 - strength)
  end = jnp.where(strength < 0.5, unchanged, whole)
  return jnp.square(distance - between) + jnp.square(end)


def orthogonality(params: Mapping[str, Any]) -> jax.Array:
  """Returns how far a generator's kernels are from orthogonal: [].

  The sum of the squared off-diagonal entries of W'W, over all kernels wider
  than 1 and all positions in them: nn.py:128-139. W is as PyTorch stores it,
  (out, in), and (in, out) of a transposed convolution: its columns are inputs
  there, and outputs here. Both are the third axis of our kernels.
  """
  kernels = [
    kernel
    for path, kernel in traverse_util.flatten_dict(params).items()
    if path[-1] == "kernel" and kernel.shape[0] > 1
  ]
  return sum((_off_diagonal(kernel) for kernel in kernels), jnp.zeros(()))


def _off_diagonal(kernel: jax.Array) -> jax.Array:
  gram = jnp.einsum("hwio,hwjo->hwij", kernel, kernel)
  others = 1 - jnp.eye(kernel.shape[2])
  return jnp.sum(jnp.square(gram * others[None, None]))


def features(model: Model, image: jax.Array) -> jax.Array:
  """Returns what the discriminator's heads see of image [B, S, S, 3]."""
  return _ask(model, "look", image)[0]


def judge(model: Model, last: jax.Array) -> jax.Array:
  """Returns the adversarial map [B, h, w, 1] of features."""
  return _ask(model, "judge", last)


def match(
  model: Model, source: jax.Array, image: jax.Array, vectors: jax.Array
) -> jax.Array:
  """Returns whether features follow vectors [B, K, C]: [B, K, h, w]."""
  return _ask(model, "match", source, image, vectors)


def interpolate(model: Model, last: jax.Array) -> jax.Array:
  """Returns how far features are from an interpolation's ends: [B]."""
  return _ask(model, "interpolate", last)


def _ask(model: Model, question: str, *inputs: jax.Array) -> Any:
  return model.networks.discriminator.apply(
    {"params": model.discriminator}, *inputs, method=question
  )
