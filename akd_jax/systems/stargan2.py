"""StarGAN v2 (Choi et al., 2020): what its networks are given, and lower.

Its generator draws a picture anew in a style of a domain. In training styles
are made of random latents, and seen in references, which are pictures of that
domain; at test they are each domain's mean style, so that a picture depends on
no chance and on no other picture. As released (clovaai/stargan-v2 @875b70a);
systems/stargan2_losses.py has the terms, and docs/method.md what differs.
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.models.stargan2 import Discriminator, Generator
from akd_jax.models.stargan2_blocks import END
from akd_jax.systems import randomness, stargan2_losses
from akd_jax.systems.arrangements import (
  Arranged,
  DiscriminatorBatch,
  GeneratorBatch,
)
from akd_jax.systems.hooks import Hooks
from akd_jax.systems.model import (
  Model,
  Networks,
  Pull,
  Scores,
  Translation,
)
from akd_jax.systems.randomness import Draws
from akd_jax.systems.stargan2_losses import judge
from akd_jax.systems.stargan2_passes import (
  draw_latents,
  fakes_of,
  translation_of,
)
from akd_jax.systems.system import System


def create_networks(config: ConfigDict) -> Networks:
  """Returns the networks that a resolved config describes.

  Raises:
    UserError: a network can not halve the pictures as often as it does.
  """
  size, sizes = config.data.image_size, config.generator
  halvings = (size // END).bit_length() - 1
  if halvings < 1 or size != END << halvings:
    raise UserError(
      f"config.data.image_size={size} must be {2 * END} or more, doubled some"
      f" times: the discriminator halves pictures down to {END} x {END}"
    )
  if sizes.layers > halvings:
    raise UserError(
      f"config.generator.layers={sizes.layers} must be at most {halvings}: of"
      f" config.data.image_size={size} that leaves {END} x {END} pixels"
    )
  dtype, classes = jnp.dtype(config.dtype), len(config.data.attributes)
  return Networks(
    Generator(
      width=sizes.width,
      channels=sizes.channels,
      layers=sizes.layers,
      latent=sizes.latent,
      style=sizes.style,
      hidden=sizes.hidden,
      classes=classes,
      dtype=dtype,
    ),
    Discriminator(
      config.discriminator.width, config.discriminator.channels, classes, dtype
    ),
  )


def generator_label(target: jax.Array, label: jax.Array) -> jax.Array:
  """Returns the target: its domain's style is drawn, whatever is there."""
  del label
  return target


def list_hooks(generator: Generator) -> Hooks:
  """Lists the activations of residual blocks, by config.attention.hook.

  Of the encoder's, then of the decoder's: "norm", after the second norm, where
  the style of a decoder's block is; "branch", before the residual sum; and
  "block", after it.
  """
  blocks = range(2 * generator.layers + 4)
  return {
    hook: [f"{hook}_{i}" for i in blocks]
    for hook in ("block", "branch", "norm")
  }


def draw(
  key: jax.Array, label: jax.Array, axis_name: str | None = None
) -> Draws:
  """Draws all that is random in a step, see `randomness.draw`.

  The target is the label of the second micro-batch, which are the references.
  `more["key"]` is a key for the latents of each sample, [B].
  """
  drawn = randomness.draw(key, label, axis_name)
  keys = randomness.sample_keys(
    jax.random.fold_in(key, 3), label.shape[1], axis_name
  )
  # Domains exclude each other: one is asked for.
  return drawn._replace(target=label[1:2], active=label[1], more={"key": keys})


def micro_batches(config: ConfigDict) -> int:
  """Returns two: sources, and references."""
  del config
  return 2


def arrange(
  step: jax.Array, image: jax.Array, label: jax.Array, draws: Draws
) -> Arranged:
  """Arranges sources and references for two updates of the discriminator.

  Both are of the same sources: the first has fakes of latents, the second of
  references. What they are made of is in `more`.
  """
  more = {"key": draws.more["key"], "reference": image[1]}
  (target,) = draws.target
  twice = (
    jnp.stack([x, x])
    for x in (step, image[0], label[0], draws.alpha[0], target)
  )
  steps, images, labels, alphas, targets = twice
  discriminator_batches = DiscriminatorBatch(
    steps, images, None, labels, alphas, targets, more
  )
  generator_batch = GeneratorBatch(
    step, image[0], label[0], target, draws.active, more
  )
  return discriminator_batches, generator_batch


def make_fakes(
  model: Model, batches: DiscriminatorBatch, given: jax.Array
) -> tuple[DiscriminatorBatch, Model]:
  """Makes the fakes of both halves, of latents and of references."""
  # The targets, which they have.
  del given
  latents = draw_latents(model, batches.more["key"])
  return fakes_of(model, batches, latents), model


def translate(
  model: Model, batch: GeneratorBatch, given: jax.Array, names: Sequence[str]
) -> Translation:
  """Draws the generator's batch in styles, see `translation_of`."""
  # They are of activations that a student's loss looks at, and a StarGAN v2 is
  # never a student.
  del names
  latents = draw_latents(model, batch.more["key"])
  return translation_of(model, batch, latents, given)


def score(
  model: Model, image: jax.Array, original: jax.Array, given: jax.Array
) -> tuple[Scores, Pull]:
  """Scores images, and keeps the way back from the branches.

  The class score is the weighted sum of the branches: how real a picture looks
  as one of a domain. The critic score is that of what the generator was given.

  Args:
    model: whose discriminator.
    image: [B, S, S, 3], translated.
    original: [B, S, S, 3], which is not asked about.
    given: [B, C].
  """
  del original

  def branches_first(image):
    branches, features = judge(model, image)
    return branches, (branches, features)

  _, pull, (branches, features) = jax.vjp(branches_first, image, has_aux=True)
  critic = jnp.sum(branches * given, axis=1)[:, None, None, None]
  return Scores(critic, None, features), lambda weights: pull(weights)[0]


def rates(config: ConfigDict) -> Mapping[str, float]:
  """Returns the mapping network's share of the step size."""
  return {"mapping": config.generator.mapping_rate}


STARGAN2 = System(
  fields={
    "generator.width": 1,
    "generator.channels": 1,
    "generator.layers": 1,
    "generator.latent": 1,
    "generator.style": 1,
    "generator.hidden": 1,
    "generator.mapping_rate": 0.0,
    "discriminator.width": 1,
    "discriminator.channels": 1,
    "loss.lambda_r1": 0.0,
    "loss.lambda_style": 0.0,
    "loss.lambda_diversity": 0.0,
    "loss.lambda_rec": 0.0,
    # Domains exclude each other.
    "data.label_rule": ("exclusive",),
    # One of latents, and one of references.
    "n_critic": (2,),
    # In training its styles are random: what a teacher draws is another's.
    "teacher": ("",),
  },
  create_networks=create_networks,
  generator_label=generator_label,
  hooks=list_hooks,
  draw=draw,
  discriminator_terms=stargan2_losses.discriminator_terms,
  generator_terms=stargan2_losses.generator_terms,
  weights=stargan2_losses.weights,
  fool=stargan2_losses.fool,
  micro_batches=micro_batches,
  rates=rates,
  network="stargan2",
  arrange=arrange,
  shares_fake=False,
  fakes=make_fakes,
  vanishing_hooks=dict.fromkeys(
    ("block", "branch"),
    "has no map by config.attention.method='grad_cam': behind it norms cancel"
    " any constant added to a channel, so the spatial mean of the gradient"
    " vanishes; use 'norm', or 'hires_cam'",
  ),
  translate=translate,
  score=score,
  classifies=False,
)
