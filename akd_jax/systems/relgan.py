"""RelGAN (Wu et al., 2019): what its networks are given, and what they lower.

Its generator is told what is to change and by how much, and not what is wanted
in the end. A step sees three independent batches: one is translated to the
labels of the second, and the third is what is wrong about wrong questions. As
its PyTorch release has it (elvisyjlin/RelGAN-PyTorch @8e432d0);
systems/relgan_losses.py has the terms.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.models import stargan
from akd_jax.models.layers import UPSAMPLE
from akd_jax.models.relgan import Discriminator, Generator
from akd_jax.systems import randomness, relgan_losses, stargan_program
from akd_jax.systems.arrangements import (
  Arranged,
  DiscriminatorBatch,
  GeneratorBatch,
  translate_once,
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
from akd_jax.systems.stargan import check_sizes
from akd_jax.systems.stargan_slices import slice_generator
from akd_jax.systems.system import NetworkProgram, System


def create_networks(config: ConfigDict) -> Networks:
  """Returns the networks that a resolved config describes.

  Raises:
    UserError: a network can not halve the pictures as often as it does, or has
      too many channels.
  """
  check_sizes(config)
  dtype = jnp.dtype(config.dtype)
  return Networks(
    Generator(
      config.generator.width,
      config.generator.blocks,
      dtype,
      upsample=config.generator.upsample,
    ),
    Discriminator(
      config.discriminator.width,
      config.discriminator.layers,
      config.discriminator.match_width,
      config.discriminator.interpolation_width,
      len(config.data.attributes),
      dtype,
    ),
  )


def generator_label(target: jax.Array, label: jax.Array) -> jax.Array:
  """Returns the relative vector: what is to change, in {-1, 0, 1}."""
  return target - label


def explained(target: jax.Array, label: jax.Array) -> jax.Array:
  """Returns what changes, [B, C] 0/1: the rest is not asked about."""
  return jnp.abs(target - label)


def draw(
  key: jax.Array, label: jax.Array, axis_name: str | None = None
) -> Draws:
  """Draws all that is random in a step, see `randomness.draw`.

  The first micro-batch's target is the label of the second, and not its own,
  permuted; one of the attributes that change is active.
  """
  drawn = randomness.draw(key, label, axis_name)
  changed = explained(label[1], label[0])
  key = jax.random.fold_in(key, 3)
  active = randomness.draw_active(key, changed, axis_name)
  return drawn._replace(target=label[1:2], active=active)


def micro_batches(config: ConfigDict) -> int:
  """Returns three: originals, what they are to be like, and others."""
  del config
  return 3


def arrange(
  step: jax.Array, image: jax.Array, label: jax.Array, draws: Draws
) -> Arranged:
  """Arranges three micro-batches for one update of each network.

  Three uniform numbers a picture are drawn: where the gradient penalty looks,
  and how far either network's interpolation goes (nn.py:106, 164, 211).
  """
  penalty, *strengths = draws.alpha
  discriminator_batches = DiscriminatorBatch(
    step=step[None],
    image=image[:1],
    fake=None,
    label=label[:1],
    alpha=penalty[None],
    target=draws.target,
    more={
      "target_image": image[1:2],
      "other_image": image[2:],
      "other_label": label[2:],
      "strength": strengths[0][None],
    },
  )
  generator_batch = GeneratorBatch(
    step,
    image[0],
    label[0],
    draws.target[0],
    draws.active,
    {"strength": strengths[1]},
  )
  return discriminator_batches, generator_batch


def make_fakes(
  model: Model, batches: DiscriminatorBatch, given: jax.Array
) -> tuple[DiscriminatorBatch, Model]:
  """Makes G(a, v), G(a, 0) and G(a, t v), in this order: nn.py:161-166."""
  (image,), (vector,) = batches.image, given
  (strength,) = batches.more["strength"]
  fakes = []
  for v in (vector, jnp.zeros_like(vector), strength[:, None] * vector):
    (fake, _), model = model.move(image, v)
    fakes.append(fake[None])
  whole, unchanged, between = fakes
  more = batches.more | {"unchanged": unchanged, "between": between}
  return batches._replace(fake=whole, more=more), model


def translate(
  model: Model, batch: GeneratorBatch, given: jax.Array, names: Sequence[str]
) -> Translation:
  """Translates the generator's batch, as in training: nn.py:102-108.

  By v; by 0; back, by -v; and in part, by t v.
  """
  translated = translate_once(model, batch, given, names)
  model, others = translated.model, {}
  strength = batch.more["strength"][:, None]
  for name, image, vector in (
    ("unchanged", batch.image, jnp.zeros_like(given)),
    ("restored", translated.image, -given),
    ("between", batch.image, strength * given),
  ):
    (others[name], _), model = model.move(image, vector)
  return translated._replace(others=others, model=model)


def score(
  model: Model, image: jax.Array, original: jax.Array, given: jax.Array
) -> tuple[Scores, Pull]:
  """Scores images, and keeps the way back from the match head.

  There is no classifier. The class score of weights w is the mean of the match
  map of w v: "does the picture follow v", where all weights are 1, and "does it
  follow attribute k", where one is.

  Args:
    model: whose discriminator.
    image: [B, S, S, 3], translated.
    original: [B, S, S, 3], what it was translated from.
    given: v, [B, C].
  """
  last, pull_features, features = jax.vjp(
    lambda x: relgan_losses.look(model, x), image, has_aux=True
  )

  def pull(weights: jax.Array) -> jax.Array:
    of_original, _ = relgan_losses.look(model, original)
    asked = (weights * given)[:, None]

    def class_score(last: jax.Array) -> jax.Array:
      answers = relgan_losses.match(model, of_original, last, asked)
      return jnp.sum(jnp.mean(answers, axis=(1, 2, 3)))

    return pull_features(jax.grad(class_score)(last))[0]

  return Scores(relgan_losses.judge(model, last), None, features), pull


def list_hooks(generator: Generator) -> Hooks:
  """Lists the activations that can be looked at, by config.attention.hook.

  "block" and "branch": of each residual block, after the sum and before it;
  "down": what the first block is given; "up": what follows the last. The last
  "block" is that of the papers: StarGAN's generator is built alike.
  """
  blocks = range(generator.blocks)
  return {
    "block": [f"block_{i}" for i in blocks],
    "branch": [f"branch_{i}" for i in blocks],
    "down": ["down2"],
    "up": ["up2", "up1"],
  }


def write_program(generator: Generator) -> NetworkProgram:
  """Returns the program of StarGAN's generator.

  Its layers have the same order and the same names; what a norm does is known
  by its parameters.
  """
  alike = stargan.Generator(blocks=generator.blocks)
  return stargan_program.write_program(alike)


RELGAN = System(
  fields={
    "generator.width": 1,
    "generator.blocks": 1,
    "generator.upsample": tuple(UPSAMPLE),
    "discriminator.width": 1,
    "discriminator.layers": 1,
    "discriminator.match_width": 1,
    "discriminator.interpolation_width": 1,
    "loss.lambda_rec": 0.0,
    "loss.lambda_self": 0.0,
    "loss.lambda_interpolation": 0.0,
    "loss.lambda_orthogonality": 0.0,
    "loss.lambda_gp": 0.0,
    "n_critic": (1,),
  },
  create_networks=create_networks,
  generator_label=generator_label,
  hooks=list_hooks,
  draw=draw,
  discriminator_terms=relgan_losses.discriminator_terms,
  generator_terms=relgan_losses.generator_terms,
  weights=relgan_losses.weights,
  fool=relgan_losses.fool,
  micro_batches=micro_batches,
  network="relgan",
  arrange=arrange,
  shares_fake=False,
  fakes=make_fakes,
  translate=translate,
  score=score,
  explained=explained,
  classifies=False,
  slice_generator=slice_generator,
  program=write_program,
)
