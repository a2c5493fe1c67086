"""StarGAN v2's loss terms, one value a sample.

Lines are those of its release (clovaai/stargan-v2 @875b70a, core/solver.py). A
step has two halves: styles are made of latents in the one, and seen in
references in the other.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.models.taps import Activations
from akd_jax.systems import losses
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import Metrics, Model, Pass
from akd_jax.systems.system import Terms

# What the names of each half's terms, pictures and styles end in.
LATENT, REFERENCE = "", "_reference"


def discriminator_terms(
  model: Model, batch: DiscriminatorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_D, of one half: solver.py:201-223."""
  del config

  def score(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    scores = score_domain(model, image, batch.label)
    return jnp.sum(scores), scores

  (_, real), gradient = jax.value_and_grad(score, has_aux=True)(batch.image)
  fake = score_domain(model, batch.fake, batch.target)
  terms = {
    "d_loss_real": adversarial(real, True),
    "d_loss_fake": adversarial(fake, False),
    # R1 (Mescheder et al., 2018): solver.py:282-292.
    "d_loss_r1": 0.5 * jnp.sum(jnp.square(gradient), axis=(1, 2, 3)),
  }
  return terms, {}


def generator_terms(
  translated: Pass, batch: GeneratorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_G, of both halves: solver.py:226-267."""
  others, model = translated.translation.others, translated.model
  guided = others["picture_reference"]
  pictures = {LATENT: translated.image, REFERENCE: guided}
  scores = {
    LATENT: losses.critic_score(translated.scores.critic),
    REFERENCE: score_domain(model, guided, batch.target),
  }
  # solver.py:141-143: less after each step, and nothing after the last.
  left = jnp.maximum(0.0, 1 - batch.step / config.steps)
  terms: Terms = {}
  for half, picture in pictures.items():
    style, seen, restored = (
      others[f"{name}{half}"] for name in ("style", "seen", "restored")
    )
    terms |= {
      f"g_loss_fake{half}": adversarial(scores[half], True),
      f"g_loss_style{half}": jnp.mean(jnp.abs(seen - style), axis=1),
      f"g_loss_diversity{half}": (
        -left * losses.l1_distance(picture, others["contrast"])
      ),
      f"g_loss_rec{half}": losses.l1_distance(batch.image, restored),
    }
  return terms, {}


def weights(config: ConfigDict) -> Mapping[str, float]:
  """Returns the weight of each term of L_D and L_G."""
  loss = config.loss
  of_half = {
    "g_loss_fake": 1.0,
    "g_loss_style": loss.lambda_style,
    "g_loss_diversity": loss.lambda_diversity,
    "g_loss_rec": loss.lambda_rec,
  }
  return {
    "d_loss_real": 1.0,
    "d_loss_fake": 1.0,
    "d_loss_r1": loss.lambda_r1,
    **{f"{name}{LATENT}": x for name, x in of_half.items()},
    **{f"{name}{REFERENCE}": x for name, x in of_half.items()},
  }


def adversarial(score: jax.Array, real: bool) -> jax.Array:
  """Returns the cross-entropy of logits [B]: solver.py:275-279.

  It does not saturate.
  """
  return jax.nn.softplus(-score if real else score)


def fool(critic: jax.Array) -> jax.Array:
  """Returns what the generator lowers of a critic [B, 1, 1, 1]: [B]."""
  return adversarial(critic[:, 0, 0, 0], True)


def judge(model: Model, image: jax.Array) -> tuple[jax.Array, Activations]:
  """Returns what each branch says of images, [B, C], and the features."""
  answer: Any = model.networks.discriminator.apply(
    {"params": model.discriminator}, image, method="judge"
  )
  branches, features = answer
  return branches, features


def score_domain(model: Model, image: jax.Array, label: jax.Array) -> jax.Array:
  """Returns what the branches of a label's domains [B, C] say, [B]."""
  return jnp.sum(judge(model, image)[0] * label, axis=1)
