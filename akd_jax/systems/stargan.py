"""StarGAN (Choi et al., 2018), as released: labels, activations, L_D and L_G.

Equations are those of paper 2 (AKD-GAN), whose teacher it is.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.two_sets import attributes_of_second
from akd_jax.models.layers import UPSAMPLE
from akd_jax.models.stargan import (
  MASK,
  OUTPUTS,
  Discriminator,
  Generator,
)
from akd_jax.systems import adversary, losses, randomness
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.hooks import Hooks
from akd_jax.systems.model import Metrics, Model, Networks, Pass
from akd_jax.systems.stargan_label_sets import take_classes
from akd_jax.systems.stargan_program import write_program, write_recognizer
from akd_jax.systems.stargan_slices import slice_generator
from akd_jax.systems.system import MOST_CHANNELS, Allowed, System, Terms

# The sizes of its networks.
SIZES: dict[str, Allowed] = {
  "generator.width": 1,
  "generator.blocks": 1,
  "generator.output": OUTPUTS,
  "generator.upsample": tuple(UPSAMPLE),
  "generator.label_sets": (1, 2),
  "discriminator.width": 1,
  "discriminator.layers": 1,
}


def check_sizes(config: ConfigDict) -> None:
  """Checks that both networks can halve the pictures as often as they do.

  Raises:
    UserError: one can not, or the discriminator has too many channels.
  """
  size, layers = config.data.image_size, config.discriminator.layers
  if size % 2**layers or size < 2**layers:
    raise UserError(
      f"config.data.image_size={size} is not a multiple of"
      f" 2^config.discriminator.layers = {2**layers}"
    )
  if size % 4:
    raise UserError(
      f"config.data.image_size={size} is not a multiple of 4: the generator"
      " halves pictures twice"
    )
  if size < 8:
    raise UserError(
      f"config.data.image_size={size} must be at least 8: normalised over one"
      " pixel, the generator would see nothing of a picture"
    )
  width = config.discriminator.width
  channels = width * 2 ** (layers - 1)
  if channels > MOST_CHANNELS:
    raise UserError(
      f"config.discriminator.width={width} doubles with each of"
      f" config.discriminator.layers={layers}: {channels} channels, and at most"
      f" {MOST_CHANNELS} are possible"
    )


def create_networks(config: ConfigDict) -> Networks:
  """Returns the networks that a resolved config describes.

  Raises:
    UserError: the discriminator can not halve the pictures that often, the
      generator not twice, or the discriminator's last layer has more channels
      than fit anywhere.
  """
  dtype = jnp.dtype(config.dtype)
  layers = config.discriminator.layers
  check_sizes(config)
  return Networks(
    Generator(
      config.generator.width,
      config.generator.blocks,
      dtype,
      config.generator.output,
      config.generator.upsample,
      _classes_of_second(config),
    ),
    Discriminator(
      config.discriminator.width, layers, len(config.data.attributes), dtype
    ),
  )


def _classes_of_second(config: ConfigDict) -> int | None:
  """Returns how many of the last classes are of a second label set.

  None where there is one set. Of a network that was trained on two, and knows
  one of them now, the first has any number of attributes and the second classes
  that exclude each other.
  """
  if config.generator.label_sets == 1:
    return None
  if config.data.second:
    return len(attributes_of_second(config.data))
  exclusive = config.data.label_rule == "exclusive"
  return len(config.data.attributes) if exclusive else 0


def generator_label(target: jax.Array, label: jax.Array) -> jax.Array:
  """Returns the target: StarGAN is told what is wanted, not what is there."""
  del label
  return target


def list_hooks(generator: Generator) -> Hooks:
  """Lists the activations of a generator, by config.attention.hook.

  "block": of each residual block after its sum; "branch": the branch before it;
  "conv": its last convolution, before the norm; "decode": of each layer of the
  decoder after its ReLU.
  """
  residual = {
    hook: [f"{hook}_{i}" for i in range(generator.blocks)]
    for hook in ("block", "branch", "conv")
  }
  return {**residual, "decode": ["decode_0", "decode_1"]}


def discriminator_terms(
  model: Model, batch: DiscriminatorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_D: paper 2 eq. 7.

  With config.loss.cls_radius, half of the class loss is that of adversarial
  examples, as Goodfellow et al. (2015) train.
  """
  real = model.discriminate(batch.image)
  classes = losses.class_loss(config)(real.logits, batch.label)
  radius = class_radius(batch.step, config)
  if radius is not None:
    robust = _robust_class_loss(model, batch.image, batch.label, radius, config)
    classes = (classes + robust) / 2
  return losses.wasserstein_terms(model, batch, real, classes), {}


def generator_terms(
  translated: Pass, batch: GeneratorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_G: paper 2 eq. 8.

  With config.loss.cls_radius, the class loss is that of adversarial examples
  of the translated images.
  """
  radius = class_radius(batch.step, config)
  if radius is None:
    classes = losses.class_loss(config)(translated.scores.logits, batch.target)
  else:
    classes = _robust_class_loss(
      translated.model, translated.image, batch.target, radius, config
    )
  terms = {
    "g_loss_fake": losses.fool_critic(translated.scores.critic),
    "g_loss_cls": classes,
    **person_terms(translated, batch),
  }
  return terms, losses.agreement_metrics(translated.scores, batch, config)


def person_terms(translated: Pass, batch: GeneratorBatch) -> Terms:
  """Returns the terms of L_G that keep the person, [B] each.

  L_rec of eq. 8, mean |x - G(G(x, c), label)|; and of a blend the size of its
  mask, which is kept from copying everything (GANimation, eq. 3).
  """
  restored, _ = translated.model.generate(translated.image, batch.label)
  terms = {"g_loss_rec": losses.l1_distance(batch.image, restored)}
  if MASK in translated.activations:
    terms["g_loss_mask"] = losses.mask_size(translated.activations[MASK])
  return terms


def weights(config: ConfigDict) -> Mapping[str, float]:
  """Returns the weight of each term of L_D and L_G."""
  scored = adversary.scores(config)
  return {
    "d_loss_real": 1.0,
    "d_loss_fake": 1.0,
    "d_loss_cls": config.loss.lambda_cls,
    "d_loss_gp": config.loss.lambda_gp,
    "g_loss_fake": 1.0 * scored,
    "g_loss_cls": config.loss.lambda_cls * scored,
    "g_loss_rec": config.loss.lambda_rec,
    "g_loss_mask": config.loss.lambda_mask,
  }


def micro_batches(config: ConfigDict) -> int:
  """Returns how many a step has: one an update of the discriminator."""
  return config.n_critic * (2 if config.data.second else 1)


def class_radius(step: jax.Array, config: ConfigDict) -> jax.Array | None:
  """Returns the distance of the adversarial examples after `step` steps.

  It grows for the first quarter of them: at its full length from the start, a
  discriminator may not begin to tell classes apart for a thousand steps.

  Returns:
    None where `config.loss.cls_radius` asks for no adversarial examples.
  """
  if not config.loss.cls_radius:
    return None
  grown = jnp.minimum(1.0, 4 * step / config.steps)
  return config.loss.cls_radius * grown


def _robust_class_loss(
  model: Model,
  image: jax.Array,
  label: jax.Array,
  radius: jax.Array,
  config: ConfigDict,
) -> jax.Array:
  """Returns L_cls, [B], of adversarial examples.

  Changes that nobody sees are worth nothing there, neither to a discriminator
  that tells classes apart nor to a generator that is to convince it.
  """

  def loss(x: jax.Array) -> jax.Array:
    logits = model.discriminate(x).logits
    return losses.class_loss(config)(logits, label)

  return loss(losses.adversarial_examples(loss, image, radius))


STARGAN = System(
  fields=SIZES
  | {
    "loss.lambda_cls": 0.0,
    "loss.cls_radius": 0.0,
    "loss.lambda_rec": 0.0,
    "loss.lambda_gp": 0.0,
    "loss.lambda_mask": 0.0,
  },
  create_networks=create_networks,
  generator_label=generator_label,
  hooks=list_hooks,
  vanishing_hooks={
    "conv": "gives maps of 'grad_cam' that are exactly zero: InstanceNorm"
    " follows that convolution and cancels any constant added to a channel, so"
    " the spatial mean of the gradient vanishes; use 'block' or 'branch', or"
    " 'hires_cam'"
  },
  draw=randomness.draw,
  discriminator_terms=discriminator_terms,
  generator_terms=generator_terms,
  weights=weights,
  micro_batches=micro_batches,
  slice_generator=slice_generator,
  take_classes=take_classes,
  program=write_program,
  recognizer=write_recognizer,
  network="stargan",
)
