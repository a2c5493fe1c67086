"""AttGAN (He et al., 2019), as released: labels, hooks, L_D and L_G.

After LynnHo/AttGAN-Tensorflow v2 (train.py:95-180, test.py:107-109); what
differs from the paper, and what is left out, is in docs/method.md.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.models import attgan as networks
from akd_jax.models.attgan import BOTTLENECK, Generator
from akd_jax.models.attgan_discriminator import Discriminator
from akd_jax.models.layers import UPSAMPLE
from akd_jax.models.taps import Activations
from akd_jax.systems import adversary, arrangements, losses, randomness
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.attgan_program import write_attgan
from akd_jax.systems.attgan_slices import slice_generator
from akd_jax.systems.hooks import Hooks
from akd_jax.systems.model import (
  Metrics,
  Model,
  Networks,
  Pass,
  Translation,
  tap,
)
from akd_jax.systems.system import Allowed, System, Terms

# At test the attribute that is set is given twice as strong (test_int 2): +-2
# where others are +-1, which is half the distance of both beyond the target.
TEST_STRENGTH = 1.5
# What a norm can add to a variance of 0 and still be finite.
SMALLEST = 1e-12
# What STGAN reads of a config, too.
FIELDS: dict[str, Allowed] = {
  "generator.width": 1,
  "generator.layers": 2,
  "generator.shortcut": 0,
  "generator.inject": 0,
  "generator.slope": 0.0,
  "generator.epsilon": SMALLEST,
  "generator.upsample": tuple(UPSAMPLE),
  "discriminator.width": 1,
  "discriminator.layers": 1,
  "discriminator.hidden": 1,
  "discriminator.slope": 0.0,
  "discriminator.hidden_slope": 0.0,
  "discriminator.epsilon": SMALLEST,
  "loss.lambda_gp": 0.0,
  "loss.lambda_d_cls": 0.0,
  "loss.lambda_g_cls": 0.0,
  "loss.lambda_rec": 0.0,
}


def create_networks(
  config: ConfigDict, *, generator: type[Generator] = Generator
) -> Networks:
  """Returns the networks that a resolved config describes.

  Args:
    config: of the sizes.
    generator: AttGAN's, or STGAN's.

  Raises:
    UserError: a network can not halve the pictures that often, or has fewer
      layers than are to be given something.
  """
  _check_sizes(config)
  dtype = jnp.dtype(config.dtype)
  return Networks(
    generator(**config.generator.to_dict(), dtype=dtype),
    Discriminator(
      config.discriminator.width,
      config.discriminator.layers,
      config.discriminator.hidden,
      len(config.data.attributes),
      dtype,
      config.discriminator.slope,
      config.discriminator.hidden_slope,
      config.discriminator.epsilon,
    ),
  )


def _check_sizes(config: ConfigDict) -> None:
  """Refuses networks that do not fit the pictures, or themselves.

  Raises:
    UserError: see `create_networks`.
  """
  size = config.data.image_size
  for name in ("generator", "discriminator"):
    layers = config[name].layers
    if size % 2**layers or size < 2**layers:
      raise UserError(
        f"config.data.image_size={size} is not a multiple of"
        f" 2^config.{name}.layers = {2**layers}"
      )
  side = size // 2**config.discriminator.layers
  if side < 2:
    raise UserError(
      f"config.discriminator.layers={config.discriminator.layers} leave 1 pixel"
      f" of config.data.image_size={size}, and InstanceNorm nothing of that: at"
      f" most {config.discriminator.layers - 1}"
    )
  inner = config.generator.layers - 1
  for field in ("shortcut", "inject"):
    if config.generator[field] > inner:
      raise UserError(
        f"config.generator.{field}={config.generator[field]} must be at most"
        f" config.generator.layers - 1 = {inner}"
      )


def generator_label(target: jax.Array, label: jax.Array) -> jax.Array:
  """Returns 2 target - 1: AttGAN is told what is wanted as -1 or 1."""
  del label
  return 2 * target - 1


def list_hooks(generator: Any) -> Hooks:
  """Lists the activations that can be looked at, by config.attention.hook.

  "decode": after the ReLU of each layer of the decoder, before anything joins
  it; "bottleneck": the deepest encoding, before the label does.
  """
  return {
    "decode": [f"decode_{i}" for i in range(generator.layers - 1)],
    "bottleneck": [BOTTLENECK],
  }


def translate(
  model: Model,
  batch: GeneratorBatch,
  given: jax.Array,
  names: Sequence[str],
  *,
  ask: Callable[[jax.Array, jax.Array], jax.Array] = generator_label,
) -> Translation:
  """Translates the generator's batch, and restores it: train.py:164-166.

  One encoding is decoded twice. The translation moves the running statistics
  first, as in STGAN's release (train.py:188); AttGAN's fixes no order of the
  two (train.py:165-166).

  Args:
    model: whose generator.
    batch: of pictures, and their labels.
    given: [B, C], what asks for the translation.
    names: of activations of the translation.
    ask: `System.generator_label`, AttGAN's or STGAN's.

  Returns:
    The translation; among its others "restored", [B, S, S, 3].
  """
  own = ask(batch.label, batch.label)

  def run(taps: Any) -> tuple[jax.Array, Activations, Any]:
    (translated, activations, restored), moved = model.move(
      batch.image, given, own, taps, method=networks.translate_and_restore
    )
    return translated, activations, (restored, moved)

  translated, activations, pull, (restored, moved) = tap(run, names)
  others = {"restored": restored}
  return Translation(
    translated, activations, pull, batch.image, given, others, moved
  )


def class_loss(config: ConfigDict) -> losses.ClassLoss:
  """Returns the mean over sigmoids, of classes that exclude each other, too.

  The release has no others, whatever config.data.label_rule says.
  """
  del config
  return losses.mean_of_sigmoids


def discriminator_terms(
  model: Model, batch: DiscriminatorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_D (train.py:109-121)."""
  real = model.discriminate(batch.image)
  classes = class_loss(config)(real.logits, batch.label)
  return losses.wasserstein_terms(model, batch, real, classes), {}


def generator_terms(
  translated: Pass, batch: GeneratorBatch, config: ConfigDict
) -> tuple[Terms, Metrics]:
  """Returns the terms of L_G (train.py:164-180)."""
  critic, logits, _ = translated.scores
  restored = translated.translation.others["restored"]
  terms = {
    "g_loss_fake": losses.fool_critic(critic),
    "g_loss_cls": class_loss(config)(logits, batch.target),
    "g_loss_rec": losses.l1_distance(batch.image, restored),
  }
  return terms, losses.agreement_metrics(translated.scores, batch, config)


def weights(config: ConfigDict) -> Mapping[str, float]:
  """Returns the weight of each term of L_D and L_G."""
  scored = adversary.scores(config)
  return {
    "d_loss_real": 1.0,
    "d_loss_fake": 1.0,
    "d_loss_cls": config.loss.lambda_d_cls,
    "d_loss_gp": config.loss.lambda_gp,
    "g_loss_fake": 1.0 * scored,
    "g_loss_cls": config.loss.lambda_g_cls * scored,
    "g_loss_rec": config.loss.lambda_rec,
  }


def micro_batches(config: ConfigDict) -> int:
  """Returns n_critic + 1: every update has a batch of its own.

  Where the discriminator does not learn its batches are read in vain, so that
  the generator's are the same.
  """
  return config.n_critic + 1


ATTGAN = System(
  fields=FIELDS,
  create_networks=create_networks,
  generator_label=generator_label,
  hooks=list_hooks,
  draw=randomness.draw,
  discriminator_terms=discriminator_terms,
  generator_terms=generator_terms,
  weights=weights,
  micro_batches=micro_batches,
  arrange=arrangements.all_but_last,
  class_loss=class_loss,
  shares_fake=False,
  fakes=arrangements.fakes_in_turn,
  translate=translate,
  test_strength=TEST_STRENGTH,
  slice_generator=slice_generator,
  network="attgan",
  program=write_attgan,
)
