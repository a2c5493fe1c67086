"""STGAN (Liu et al., 2019), as released: AttGAN told what is to change.

After csmliu/STGAN (train.py:177-227, test.py:164-175). Networks but for the
skips, both losses and the schedule are AttGAN's.
"""

import dataclasses
import functools

import jax

from akd_jax.models.stgan import STATES, Generator
from akd_jax.systems import attgan
from akd_jax.systems.attgan_program import write_stgan
from akd_jax.systems.hooks import Hooks


def generator_label(target: jax.Array, label: jax.Array) -> jax.Array:
  """Returns what is to change, -1, 0 or 1: target - label."""
  return target - label


def list_hooks(generator: Generator) -> Hooks:
  """Lists the activations that can be looked at, by config.attention.hook.

  AttGAN's, and "stu": the skips that the units have selected, which are signed.
  """
  units = [f"stu_{i}" for i in range(generator.shortcut)]
  return {**attgan.list_hooks(generator), "stu": units}


STGAN = dataclasses.replace(
  attgan.ATTGAN,
  fields={
    **attgan.FIELDS,
    "generator.unit_width": 1,
    "generator.unit_kernel": (1, 3, 5),
    "generator.unit_inject": 0,
    "generator.unit_state": STATES,
  },
  create_networks=functools.partial(
    attgan.create_networks, generator=Generator
  ),
  generator_label=generator_label,
  hooks=list_hooks,
  translate=functools.partial(attgan.translate, ask=generator_label),
  network="stgan",
  program=write_stgan,
)
