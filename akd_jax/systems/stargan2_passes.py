"""What StarGAN v2's generator draws in training, in styles of two kinds.

Lines are those of its release (clovaai/stargan-v2 @875b70a, core/solver.py).
Both halves of a step, of latents and of references, are one pass: their
pictures stand one after the other in a batch.
"""

from typing import Any

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


def fakes_of(
  model: Model,
  batches: DiscriminatorBatch,
  latent: jax.Array,
  target: jax.Array,
) -> DiscriminatorBatch:
  """Makes the fakes of latents [B, L] and of references: solver.py:199-205.

  As `translation_of` does, so that XLA makes them once.
  """
  source = jnp.concatenate([batches.image[0]] * 2)
  made = _ask(model, "map_latent", latent, target)
  seen = _ask(model, "see_style", batches.more["reference"], target)
  fake, _ = _ask(model, "translate", source, jnp.concatenate([made, seen]))
  return batches._replace(fake=fake.reshape(batches.image.shape), more={})


def translation_of(
  model: Model, batch: GeneratorBatch, latents: jax.Array, given: jax.Array
) -> Translation:
  """Draws sources in styles, and draws them back: solver.py:215-257.

  In the half of references the style encoder does not learn (solver.py:140).

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
  count = len(batch.image)
  made = _ask(model, "map_latent", latents[0], given)
  reference = _ask(fixed, "see_style", batch.more["reference"], given)
  own = _ask(model, "see_style", batch.image, batch.label)
  pictures, _ = _ask(
    model,
    "translate",
    jnp.concatenate([batch.image] * 2),
    jnp.concatenate([made, reference]),
  )
  restored, _ = _ask(
    model,
    "translate",
    pictures,
    jnp.concatenate([own, lax.stop_gradient(own)]),
  )
  other = _ask(fixed, "map_latent", latents[1], given)
  contrast, _ = _ask(fixed, "translate", batch.image, other)
  others = {
    "contrast": contrast,
    "picture_reference": pictures[count:],
    "style": made,
    "style_reference": reference,
    "seen": _ask(model, "see_style", pictures[:count], given),
    "seen_reference": _ask(fixed, "see_style", pictures[count:], given),
    "restored": restored[:count],
    "restored_reference": restored[count:],
  }
  return Translation(
    pictures[:count], {}, lambda _: {}, batch.image, given, others, model
  )


def _ask(model: Model, question: str, *inputs: jax.Array) -> Any:
  return model.networks.generator.apply(
    model.variables, *inputs, method=question
  )
