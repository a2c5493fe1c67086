"""What each update of a step sees, and the fakes that are made for it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from akd_jax.systems.model import Model, Translation, tap
from akd_jax.systems.randomness import Draws


class DiscriminatorBatch(NamedTuple):
  """What one update of the discriminator sees.

  Attributes:
    step: [], steps before this one.
    image: [B, S, S, 3], real, in [-1, 1].
    fake: [B, S, S, 3], translated; None until it has been made.
    label: 0/1 [B, C], of the real ones.
    alpha: [B], where the gradient penalty looks.
    target: 0/1 [B, C], the label that the fakes were translated to.
    more: what a single system looks at, by name.
  """

  step: jax.Array
  image: jax.Array
  fake: Any
  label: jax.Array
  alpha: jax.Array
  target: jax.Array
  more: dict[str, jax.Array] = {}


class GeneratorBatch(NamedTuple):
  """What one update of the generator sees.

  Attributes:
    step: [], steps before this one.
    image: [B, S, S, 3], real, in [-1, 1].
    label: 0/1 [B, C], its own.
    target: 0/1 [B, C], the label that it is translated to.
    active: 0/1 [B, C], one class that is explained, one-hot; zeros where there
      is none.
    more: what a single system looks at, by name.
  """

  step: jax.Array
  image: jax.Array
  label: jax.Array
  target: jax.Array
  active: jax.Array
  more: dict[str, jax.Array] = {}


Arranged = tuple[DiscriminatorBatch, GeneratorBatch]


def all_then_last(
  step: jax.Array, image: jax.Array, label: jax.Array, draws: Draws
) -> Arranged:
  """Arranges n micro-batches: all for the discriminator, the last for both."""
  return _of_discriminator(step, image, label, draws), _of_generator(
    step, image, label, draws
  )


def all_but_last(
  step: jax.Array, image: jax.Array, label: jax.Array, draws: Draws
) -> Arranged:
  """Arranges n + 1 micro-batches: the last is the generator's alone."""
  discriminator_batches, generator_batch = all_then_last(
    step, image, label, draws
  )
  earlier = jax.tree.map(lambda x: x[:-1], discriminator_batches)
  return earlier, generator_batch


def _of_discriminator(
  step: jax.Array, image: jax.Array, label: jax.Array, draws: Draws
) -> DiscriminatorBatch:
  steps = jnp.broadcast_to(step, len(image))
  return DiscriminatorBatch(
    steps, image, None, label, draws.alpha, draws.target
  )


def _of_generator(
  step: jax.Array, image: jax.Array, label: jax.Array, draws: Draws
) -> GeneratorBatch:
  return GeneratorBatch(
    step, image[-1], label[-1], draws.target[-1], draws.active
  )


def fakes_at_once(
  model: Model, batches: DiscriminatorBatch, given: jax.Array
) -> tuple[DiscriminatorBatch, Model]:
  """Makes the fakes of all micro-batches in one pass.

  Of a generator without statistics: no picture depends on another.
  """
  if not len(batches.image):
    return batches._replace(fake=batches.image), model
  images, labels = (x.reshape(-1, *x.shape[2:]) for x in (batches.image, given))
  fake, _ = model.generate(images, labels)
  return batches._replace(fake=fake.reshape(batches.image.shape)), model


def fakes_in_turn(
  model: Model, batches: DiscriminatorBatch, given: jax.Array
) -> tuple[DiscriminatorBatch, Model]:
  """Makes the fakes of one micro-batch after the other, as in training.

  Each pass moves the generator's statistics.
  """
  fakes = []
  for image, label in zip(batches.image, given, strict=True):
    (fake, _), model = model.move(image, label)
    fakes.append(fake)
  return batches._replace(fake=jnp.stack(fakes)), model


def translate_once(
  model: Model, batch: GeneratorBatch, given: jax.Array, names: Sequence[str]
) -> Translation:
  """Translates the generator's batch, as in training."""

  def run(taps: Any) -> tuple[jax.Array, dict[str, jax.Array], Model]:
    (picture, activations), moved = model.move(batch.image, given, taps)
    return picture, activations, moved

  image, activations, pull, moved = tap(run, names)
  return Translation(image, activations, pull, batch.image, given, {}, moved)
