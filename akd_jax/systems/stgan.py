"""STGAN (Liu et al., 2019), as released: AttGAN told what is to change.

After csmliu/STGAN (train.py:177-227, test.py:164-175). Networks but for the
skips, both losses and the schedule are AttGAN's.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.models.stgan import STATES, Generator
from akd_jax.systems import attgan
from akd_jax.systems.arrangements import GeneratorBatch
from akd_jax.systems.attgan_program import write_stgan
from akd_jax.systems.hooks import Hooks
from akd_jax.systems.model import Model, Networks, Translation


def create_networks(config: ConfigDict) -> Networks:
  """Returns the networks that a resolved config describes.

  Raises:
    UserError: see `attgan.create_networks`.
  """
  attgan.check_sizes(config)
  sizes = config.generator.to_dict()
  generator = Generator(**sizes, dtype=jnp.dtype(config.dtype))
  return Networks(generator, attgan.create_discriminator(config))


def generator_label(target: jax.Array, label: jax.Array) -> jax.Array:
  """Returns what is to change, -1, 0 or 1: target - label."""
  return target - label


def list_hooks(generator: Generator) -> Hooks:
  """Lists the activations that can be looked at, by config.attention.hook.

  AttGAN's, and "stu": the skips that the units have selected, which are signed.
  """
  units = [f"stu_{i}" for i in range(generator.shortcut)]
  return {**attgan.list_hooks(generator), "stu": units}


def translate(
  model: Model, batch: GeneratorBatch, given: jax.Array, names: Sequence[str]
) -> Translation:
  """Translates the generator's batch, and restores it (train.py:185-190)."""
  nothing = generator_label(batch.label, batch.label)
  return attgan.translate_and_restore(model, batch.image, given, nothing, names)


STGAN = dataclasses.replace(
  attgan.ATTGAN,
  fields={
    **attgan.FIELDS,
    "generator.unit_width": 1,
    "generator.unit_kernel": (1, 3, 5),
    "generator.unit_inject": 0,
    "generator.unit_state": STATES,
  },
  create_networks=create_networks,
  generator_label=generator_label,
  hooks=list_hooks,
  translate=translate,
  network="stgan",
  program=write_stgan,
)
