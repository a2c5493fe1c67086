"""RelGAN's loss terms, one value a sample.

Lines are those of its PyTorch release (elvisyjlin/RelGAN-PyTorch @8e432d0,
nn.py).
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import traverse_util
from ml_collections import ConfigDict

from akd_jax.models.layers import RESIZE_KERNEL
from akd_jax.models.taps import Activations
from akd_jax.systems import adversary, losses
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import Metrics, Model, Pass
from akd_jax.systems.system import Terms


def discriminator_terms(
  model: Model, batch: DiscriminatorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_D: nn.py:160-232.

  The match head is asked six questions, and only one is to be answered by 1:
  does b follow v from a? The others are about the translation, a wrong
  original, a wrong target and two wrong vectors (nn.py:168-173, 178-182).
  """
  del config
  more = batch.more
  pictures = (
    batch.image, more["target_image"], more["other_image"],
    batch.fake, more["unchanged"], more["between"],
  )  # fmt: skip
  seen, _ = look(model, jnp.concatenate(pictures))
  a, b, c, whole, unchanged, between = jnp.split(seen, len(pictures))
  vectors = relative_vectors(batch.label, batch.target, more["other_label"])
  right, *wrong = jnp.moveaxis(match(model, a, b, vectors), 1, 0)
  pairs = (a, whole), (c, b), (a, c)
  wrong += [match(model, *pair, vectors[:, :1]) for pair in pairs]
  terms = {
    "d_loss_real": least_squares(judge(model, b), 1),
    "d_loss_fake": least_squares(judge(model, whole), 0),
    "d_loss_match": sum(
      (least_squares(x, 0) for x in wrong), least_squares(right, 1)
    ),
    "d_loss_interpolation": interpolation(
      interpolate(model, between),
      interpolate(model, unchanged),
      interpolate(model, whole),
      more["strength"],
    ),
    # On the way from the *original* to its translation (nn.py:213).
    "d_loss_gp": losses.gradient_penalty(
      lambda x: judge(model, look(model, x)[0]),
      batch.image,
      batch.fake,
      batch.alpha,
    ),
  }
  return terms, {}


def generator_terms(
  translated: Pass, batch: GeneratorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_G: nn.py:101-148.

  Without what is a constant to the generator, the discriminator's answers to
  real pictures, which the release adds.
  """
  del config
  model, scores = translated.model, translated.scores
  original, others = batch.image, translated.translation.others
  seen, _ = look(model, jnp.concatenate([original, others["between"]]))
  of_original, of_between = jnp.split(seen, 2)
  whole = scores.features[f"layer_{model.networks.discriminator.layers - 1}"]
  vector = translated.translation.given[:, None]
  kernels = orthogonality(model.generator)
  terms = {
    "g_loss_fake": fool(scores.critic),
    "g_loss_match": least_squares(match(model, of_original, whole, vector), 1),
    "g_loss_rec": losses.l1_distance(original, others["restored"]),
    "g_loss_self": losses.l1_distance(original, others["unchanged"]),
    "g_loss_interpolation": jnp.square(interpolate(model, of_between)),
    "g_loss_orthogonality": jnp.broadcast_to(kernels, len(original)),
  }
  return terms, {}


def weights(config: ConfigDict) -> Mapping[str, float]:
  """Returns the weight of each term of L_D and L_G."""
  loss, scored = config.loss, adversary.scores(config)
  return {
    "d_loss_real": 1.0,
    "d_loss_fake": 1.0,
    "d_loss_match": 1.0,
    "d_loss_interpolation": loss.lambda_interpolation,
    "d_loss_gp": loss.lambda_gp,
    "g_loss_fake": 1.0 * scored,
    "g_loss_match": 1.0 * scored,
    "g_loss_rec": loss.lambda_rec,
    "g_loss_self": loss.lambda_self,
    "g_loss_interpolation": loss.lambda_interpolation * scored,
    "g_loss_orthogonality": loss.lambda_orthogonality,
  }


def relative_vectors(
  label: jax.Array, target: jax.Array, other: jax.Array
) -> jax.Array:
  """Returns v and the two wrong vectors, of labels [B, C]: [B, 3, C].

  Target minus label; other minus label; target minus other. So does the
  Keras release (relgan.py:276-284), and so do both releases when they test; the
  PyTorch one trains with the opposite sign (train.py:203).
  """
  return jnp.stack([target - label, other - label, target - other], axis=1)


def fool(critic: jax.Array) -> jax.Array:
  """Returns what the generator lowers of a critic map [B, h, w, 1]: [B]."""
  return least_squares(critic, 1)


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
  there, and outputs here. Both are the third axis of our kernels. That of a
  resize-convolution counts as it is stored, a convolution of doubled pixels.
  """
  kernels = [
    kernel
    for path, kernel in traverse_util.flatten_dict(params).items()
    if path[-1] in ("kernel", RESIZE_KERNEL) and kernel.shape[0] > 1
  ]
  return sum((_off_diagonal(kernel) for kernel in kernels), jnp.zeros(()))


def _off_diagonal(kernel: jax.Array) -> jax.Array:
  gram = jnp.einsum("hwio,hwjo->hwij", kernel, kernel)
  others = 1 - jnp.eye(kernel.shape[2])
  return jnp.sum(jnp.square(gram * others[None, None]))


def look(model: Model, image: jax.Array) -> tuple[jax.Array, Activations]:
  """Returns what the heads see of image [B, S, S, 3], and all features."""
  return _ask(model, "look", image)


def judge(model: Model, last: jax.Array) -> jax.Array:
  """Returns the adversarial map [B, h, w, 1] of features."""
  return _ask(model, "judge", last)


def match(
  model: Model, original: jax.Array, image: jax.Array, vectors: jax.Array
) -> jax.Array:
  """Returns whether features follow vectors [B, K, C]: [B, K, h, w]."""
  return _ask(model, "match", original, image, vectors)


def interpolate(model: Model, last: jax.Array) -> jax.Array:
  """Returns how far the nearer end of an interpolation is: [B]."""
  return _ask(model, "interpolate", last)


def _ask(model: Model, question: str, *inputs: jax.Array) -> Any:
  return model.networks.discriminator.apply(
    {"params": model.discriminator}, *inputs, method=question
  )
