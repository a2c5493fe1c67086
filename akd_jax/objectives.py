"""L_D and L_G: what each network lowers, and the terms that it is made of."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax import losses
from akd_jax.distillation import (
  Distillation,
  Metrics,
  Teacher,
  distillation_terms,
)
from akd_jax.state import Networks, Params, bind

# Images to their realness map and class logits.
_Judge = Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def discriminator_loss(
  params: Params,
  image: jax.Array,
  fake: jax.Array,
  label: jax.Array,
  alpha: jax.Array,
  *,
  networks: Networks,
  config: ConfigDict,
) -> tuple[jax.Array, Metrics]:
  """L_D (paper 2 eq. 7) on image and fake [B, S, S, 3], and its terms."""
  judge = _judge(networks, params)
  source, logits = judge(image)
  classes = losses.classification(logits, label, config.data.label_rule)
  if config.loss.cls_radius:
    # Of the worst alone it may never begin to learn.
    classes = (classes + _worst_class_loss(judge, image, label, config)) / 2
  terms = {
    "d_loss_real": -losses.realness(source),
    "d_loss_fake": losses.realness(judge(fake)[0]),
    "d_loss_cls": classes,
    "d_loss_gp": losses.gradient_penalty(
      lambda x: judge(x)[0], image, fake, alpha
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
) -> tuple[jax.Array, Metrics]:
  """L_G (paper 2 eq. 8, 10) on image [B, S, S, 3], and its terms.

  Without a teacher there is neither L_akd nor L_out, and none of their cost.
  `fake` is the translated image, a function of `params`, where it is at hand.
  """
  generate = bind(networks.generator, params)
  judge = _judge(networks, discriminator)

  def scores(taps):
    # What taps change is a pass of its own.
    shared = fake is not None and not taps
    translated, features = (
      (fake, {}) if shared else generate(image, target, taps)
    )
    source, logits = judge(translated)
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
  classes = losses.classification(logits, target, config.data.label_rule)
  if config.loss.cls_radius:
    classes = _worst_class_loss(judge, translated, target, config)
  terms |= {
    "g_loss_fake": -losses.realness(source),
    "g_loss_cls": classes,
    "g_loss_rec": losses.reconstruction(image, restored),
  }
  weights = {
    "g_loss_fake": 1.0,
    "g_loss_cls": config.loss.lambda_cls,
    "g_loss_rec": config.loss.lambda_rec,
    "g_loss_akd": config.loss.lambda_akd,
    "g_loss_out": config.loss.lambda_out,
  }
  total, weighted = _weighted_sum(terms, weights)
  metrics["fake_agreement"] = losses.fake_agreement(
    logits, target, config.data.label_rule
  )
  return total, weighted | metrics


def _judge(networks: Networks, discriminator: Params) -> _Judge:
  return lambda x: bind(networks.discriminator, discriminator)(x)[0]


def _worst_class_loss(
  judge: _Judge, image: jax.Array, label: jax.Array, config: ConfigDict
) -> jax.Array:
  """L_cls, [B], of the worst pictures within `config.loss.cls_radius`.

  A discriminator that learns from them, and a generator that is to convince it
  there, have no use for changes that nobody sees.
  """

  def loss(x):
    return losses.classification(judge(x)[1], label, config.data.label_rule)

  return loss(losses.worst_case(loss, image, config.loss.cls_radius))


def _weighted_sum(
  terms: dict[str, jax.Array], weights: dict[str, float]
) -> tuple[jax.Array, Metrics]:
  """The loss, and each term raw and as it enters the loss."""
  means = {name: jnp.mean(term) for name, term in terms.items()}
  weighted = {
    f"weighted/{name}": weights[name] * mean for name, mean in means.items()
  }
  return jnp.sum(jnp.stack(list(weighted.values()))), means | weighted
