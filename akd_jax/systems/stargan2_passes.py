"""What StarGAN v2's generator draws in training, in styles of two kinds.

Lines are those of its release (clovaai/stargan-v2 @875b70a, core/solver.py).
Both halves of a step, of latents and of references, are one pass: their
pictures stand one after the other in a batch.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import Model, Translation


def draw_latents(model: Model, keys: jax.Array) -> jax.Array:
  """Draws two latents for each sample, [2, B, L], of their keys [B]."""
  size = (2, model.networks.generator.latent)
  drawn = jax.vmap(lambda key: jax.random.normal(key, size))(keys)
  return jnp.moveaxis(drawn, 1, 0)


class Styles(NamedTuple):
  """Styles [B, D] of a step's sources and of what they are to look like.

  Attributes:
    made: of latents, in the domains asked for.
    other: of other latents, in the same.
    reference: seen in references.
    own: seen in the sources themselves.
  """

  made: jax.Array
  other: jax.Array
  reference: jax.Array
  own: jax.Array


def fakes_of(
  model: Model, batches: DiscriminatorBatch, latents: jax.Array
) -> DiscriminatorBatch:
  """Makes the fakes of latents [2, B, L] and of references: solver.py:209-216.

  They are those of `translation_of`, and so XLA makes them once.
  """
  image, label, target = (
    x[0] for x in (batches.image, batches.label, batches.target)
  )
  styles = _find_styles(
    model, (image, batches.more["reference"]), (label, target), latents
  )
  fake = _draw_both(model, image, styles)
  return batches._replace(fake=fake.reshape(batches.image.shape), more={})


def translation_of(
  model: Model, batch: GeneratorBatch, latents: jax.Array, given: jax.Array
) -> Translation:
  """Draws sources in styles, and draws them back: solver.py:226-260.

  In the half of references the style encoder does not learn:
  solver.py:130-134.

  Args:
    model: whose generator.
    batch: of sources, with their references.
    latents: [2, B, L]: what styles are made of, and those of other pictures
      that are to look otherwise.
    given: [B, C], the domains asked for.

  Returns:
    The pictures in styles of latents. Among the others are those in styles of
    references, "picture_reference"; "contrast", those in the styles of the
    other latents, constants; and of each half, with "_reference" where it is
    that of references, "style", which was asked for, "seen", which the style
    encoder sees in what came of it, and "restored", the sources drawn back.
  """
  fixed = lax.stop_gradient(model)
  images, labels = (batch.image, batch.more["reference"]), (batch.label, given)
  styles = _find_styles(model, images, labels, latents)
  fixed_styles = lax.stop_gradient(styles)
  styles = styles._replace(reference=fixed_styles.reference)
  pictures = _draw_both(model, batch.image, styles)
  made, guided = jnp.split(pictures, 2)
  back = jnp.concatenate([styles.own, fixed_styles.own])
  restored, _ = _ask(model, "translate", pictures, back)
  contrast, _ = _ask(fixed, "translate", batch.image, fixed_styles.other)
  restored, restored_guided = jnp.split(restored, 2)
  others = {
    "contrast": contrast,
    "picture_reference": guided,
    "style": styles.made,
    "style_reference": styles.reference,
    "seen": _ask(model, "see_style", made, given),
    "seen_reference": _ask(fixed, "see_style", guided, given),
    "restored": restored,
    "restored_reference": restored_guided,
  }
  return Translation(made, {}, lambda _: {}, batch.image, given, others, model)


def _find_styles(
  model: Model,
  images: tuple[jax.Array, jax.Array],
  labels: tuple[jax.Array, jax.Array],
  latents: jax.Array,
) -> Styles:
  """Of sources and references, and of latents in the references' domains."""
  mapped = _ask(
    model,
    "map_latent",
    latents.reshape(-1, latents.shape[-1]),
    jnp.concatenate([labels[1]] * 2),
  )
  seen = _ask(model, "see_style", *map(jnp.concatenate, (images, labels)))
  made, other = jnp.split(mapped, 2)
  own, reference = jnp.split(seen, 2)
  return Styles(made, other, reference, own)


def _draw_both(model: Model, image: jax.Array, styles: Styles) -> jax.Array:
  """Sources in styles of latents, then in those of references: [2B, ...]."""
  pictures, _ = _ask(
    model,
    "translate",
    jnp.concatenate([image, image]),
    jnp.concatenate([styles.made, styles.reference]),
  )
  return pictures


def _ask(model: Model, question: str, *inputs: jax.Array) -> Any:
  return model.networks.generator.apply(
    model.variables, *inputs, method=question
  )
