"""L_D and L_G: what each network lowers, and the terms that it is made of."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.distillation.akd import (
  Distillation,
  Metrics,
  Teacher,
  distillation_terms,
)
from akd_jax.systems import losses
from akd_jax.training.state import Networks, Params, bind

# A discriminator: images to their realness map and class logits.
_Discriminate = Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def discriminator_loss(
  params: Params,
  image: jax.Array,
  fake: jax.Array,
  label: jax.Array,
  alpha: jax.Array,
  *,
  networks: Networks,
  config: ConfigDict,
  radius: jax.Array | None = None,
) -> tuple[jax.Array, Metrics]:
  """L_D on image and fake [B, S, S, 3], and its terms.

  Paper 2 eq. 7 without a radius; with one, half of the class loss is that of
  adversarial examples, as Goodfellow et al. (2015) train.

  Args:
    params: the discriminator's.
    image: real, in [-1, 1].
    fake: translated.
    label: 0/1 [B, C], of the real ones.
    alpha: [B], where the gradient penalty looks.
    networks: whose discriminator it is.
    config: resolved.
    radius: of the adversarial examples; None for none.
  """
  discriminate = _discriminator(networks, params)
  source, logits = discriminate(image)
  classes = losses.classification(logits, label, config.data.label_rule)
  if radius is not None:
    robust = _robust_class_loss(discriminate, image, label, radius, config)
    classes = (classes + robust) / 2
  terms = {
    "d_loss_real": -losses.realness(source),
    "d_loss_fake": losses.realness(discriminate(fake)[0]),
    "d_loss_cls": classes,
    "d_loss_gp": losses.gradient_penalty(
      lambda x: discriminate(x)[0], image, fake, alpha
    ),
  }
  weights = {
    "d_loss_real": 1.0,
    "d_loss_fake": 1.0,
    "d_loss_cls": config.loss.lambda_cls,
    "d_loss_gp": config.loss.lambda_gp,
  }
  return _weighted_sum(terms, weights)


def generator_loss(
  params: Params,
  discriminator: Params,
  teacher: Teacher | None,
  image: jax.Array,
  label: jax.Array,
  target: jax.Array,
  active: jax.Array,
  *,
  networks: Networks,
  distillation: Distillation | None,
  config: ConfigDict,
  fake: jax.Array | None = None,
  radius: jax.Array | None = None,
) -> tuple[jax.Array, Metrics]:
  """L_G on image [B, S, S, 3], and its terms.

  Paper 2 eq. 8 and 10 without a radius; with one, the class loss is that of
  adversarial examples of the translated images. Without a teacher there is
  neither L_akd nor L_out, and none of their cost.

  Args:
    params: the generator's.
    discriminator: its opponent's.
    teacher: its parameters; None without.
    image: real, in [-1, 1].
    label: 0/1 [B, C], its own.
    target: 0/1 [B, C], that it is translated to.
    active: one-hot [B, C], one class of each target.
    networks: those of both parameters.
    distillation: what else of the teacher is needed; None without.
    config: resolved.
    fake: the translated image, a function of `params`, where it is at hand.
    radius: of the adversarial examples; None for none.
  """
  generate = bind(networks.generator, params)
  discriminate = _discriminator(networks, discriminator)

  def scores(taps):
    # What taps change is a pass of its own.
    shared = fake is not None and not taps
    translated, features = (
      (fake, {}) if shared else generate(image, target, taps)
    )
    source, logits = discriminate(translated)
    return logits, (features, (translated, source, logits))

  if teacher is not None and distillation is not None:
    terms, (translated, source, logits), metrics = distillation_terms(
      scores,
      params,
      teacher,
      image,
      target,
      active,
      networks=networks,
      distillation=distillation,
      config=config,
    )
  else:
    _, (_, (translated, source, logits)) = scores({})
    terms, metrics = {}, {}
  restored, _ = generate(translated, label)
  if radius is not None:
    classes = _robust_class_loss(
      discriminate, translated, target, radius, config
    )
  else:
    classes = losses.classification(logits, target, config.data.label_rule)
  terms |= {
    "g_loss_fake": -losses.realness(source),
    "g_loss_cls": classes,
    "g_loss_rec": losses.reconstruction(image, restored),
  }
  weights = {
    "g_loss_fake": 1.0,
    "g_loss_cls": config.loss.lambda_cls,
    "g_loss_rec": config.loss.lambda_rec,
    "g_loss_akd": config.distill.akd.weight,
    "g_loss_out": config.distill.output.weight,
  }
  total, weighted = _weighted_sum(terms, weights)
  metrics["fake_agreement"] = losses.fake_agreement(
    logits, target, config.data.label_rule
  )
  return total, weighted | metrics


def _discriminator(networks: Networks, params: Params) -> _Discriminate:
  return lambda x: bind(networks.discriminator, params)(x)[0]


def _robust_class_loss(
  discriminate: _Discriminate,
  image: jax.Array,
  label: jax.Array,
  radius: jax.Array,
  config: ConfigDict,
) -> jax.Array:
  """L_cls, [B], of adversarial examples.

  Changes that nobody sees are worth nothing there, neither to a discriminator
  that tells classes apart nor to a generator that is to convince it.
  """

  def loss(x):
    _, logits = discriminate(x)
    return losses.classification(logits, label, config.data.label_rule)

  return loss(losses.adversarial_examples(loss, image, radius))


def _weighted_sum(
  terms: dict[str, jax.Array], weights: dict[str, float]
) -> tuple[jax.Array, Metrics]:
  """The loss, and each term raw and as it enters the loss."""
  means = {name: jnp.mean(term) for name, term in terms.items()}
  weighted = {
    f"weighted/{name}": weights[name] * mean for name, mean in means.items()
  }
  return jnp.sum(jnp.stack(list(weighted.values()))), means | weighted
