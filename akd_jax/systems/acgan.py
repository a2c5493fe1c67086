"""ACGAN as a translator: StarGAN's networks under a classifying GAN's losses.

Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs (2017);
nobody has published it as a translator. This is composed of StarGAN's networks
and of the losses of PyTorch-GAN's implementation (eriklindernoren/PyTorch-GAN,
implementations/acgan/acgan.py):

  L_G = (adv(G, 1) + cls(G, target)) / 2                         lines 194-195
  L_D = (adv(x, 1) + cls(x, label)
         + adv(G, 0) + cls(G, target)) / 4                       lines 206-215

adv is a cross-entropy. There it is of a sigmoid's output, here of the logits of
the critic's map, which is the same. cls there is a cross-entropy of a softmax's
output, which is a softmax twice; here it is StarGAN's. The generator moves
first. The discriminator then sees the same pictures, and its class loss is of
fakes, too.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from akd_jax.systems import adversary, losses, stargan
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import Metrics, Model, Pass
from akd_jax.systems.system import Terms


def adversarial(critic: jax.Array, real: bool) -> jax.Array:
  """Returns the cross-entropy of a critic map [B, h, w, 1] of logits: [B]."""
  label = jnp.full_like(critic, real)
  entropy = optax.sigmoid_binary_cross_entropy(critic, label)
  return jnp.mean(entropy, axis=(1, 2, 3))


def fool(critic: jax.Array) -> jax.Array:
  """Returns what the generator lowers of a critic map [B, h, w, 1]: [B]."""
  return adversarial(critic, True)


def discriminator_terms(
  model: Model, batch: DiscriminatorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_D."""
  real, fake = (model.discriminate(x) for x in (batch.image, batch.fake))
  terms = {
    "d_loss_real": adversarial(real.critic, True),
    "d_loss_fake": adversarial(fake.critic, False),
    "d_loss_cls": losses.class_loss(config)(real.logits, batch.label),
    "d_loss_cls_fake": losses.class_loss(config)(fake.logits, batch.target),
  }
  return terms, {}


def generator_terms(
  translated: Pass, batch: GeneratorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_G, and those of StarGAN that keep the person."""
  scores = translated.scores
  terms = {
    "g_loss_fake": fool(scores.critic),
    "g_loss_cls": losses.class_loss(config)(scores.logits, batch.target),
    **stargan.person_terms(translated, batch),
  }
  return terms, losses.agreement_metrics(scores, batch, config)


def weights(config: ConfigDict) -> Mapping[str, float]:
  """Returns the weight of each term of L_D and L_G."""
  classes = config.loss.lambda_cls
  scored = adversary.scores(config)
  return {
    "d_loss_real": 0.25,
    "d_loss_fake": 0.25,
    "d_loss_cls": 0.25 * classes,
    "d_loss_cls_fake": 0.25 * classes,
    "g_loss_fake": 0.5 * scored,
    "g_loss_cls": 0.5 * classes * scored,
    "g_loss_rec": config.loss.lambda_rec,
    "g_loss_mask": config.loss.lambda_mask,
  }


ACGAN = dataclasses.replace(
  stargan.STARGAN,
  fields=stargan.SIZES
  | {
    "n_critic": (1,),
    "loss.lambda_cls": 0.0,
    "loss.lambda_rec": 0.0,
    "loss.lambda_mask": 0.0,
  },
  discriminator_terms=discriminator_terms,
  generator_terms=generator_terms,
  weights=weights,
  fool=fool,
  generator_first=True,
)
