"""The systems that the papers compare with, each a teacher of its students."""

from collections.abc import Callable
from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import acgan, attgan, relgan, stgan, student, teacher
from akd_jax.configs.experiments.paper2 import OF_TEN
from akd_jax.configs.experiments.variants import Experiment
from akd_jax.configs.halves import by_attention, by_pictures, half
from akd_jax.configs.scales import at_scale, changed

_RECIPES: dict[str, Callable[[str], ConfigDict]] = {
  "StarGAN": teacher.get_config,
  "ACGAN": acgan.get_config,
  "AttGAN": attgan.get_config,
  "STGAN": stgan.get_config,
  "RelGAN": relgan.get_config,
}
# Where steps are measured.
_MEASURED = "avatars"
# There: how long every teacher is trained, and AKD-GAN, which is as large
# as its own, alone on two cores; and seconds of a step, as
#   python benchmarks/step_cost.py --name=systems
# printed them.
_TIME = 2_400.0
_SECONDS = {
  "StarGAN": 0.295,
  "ACGAN": 0.245,
  "AttGAN": 0.083,
  "STGAN": 0.140,
  "RelGAN": 0.450,
  "AKD-GAN": 0.344,
}
# There: the updates of a half that learns by attention, whose steps are longer
# than those of one that learns from pictures.
_STEPS_BY_ATTENTION = 1_800
# Its teacher's networks are of another system.
_ACROSS: dict[str, Any] = {"init": "scratch", "adversary": "scratch"}


def systems(scale: str) -> Experiment:
  """Compares the systems as teachers, and what a half of each learns.

  Teachers stand beside the students. AKD-GAN is as large as its teacher,
  StarGAN. A half has half the width, and learns by the papers' attention or by
  what pays on avatars; one StarGAN learns from an AttGAN.
  """
  akd_gan = by_attention(_taught(scale, "StarGAN", "StarGAN"))
  if scale == _MEASURED:
    akd_gan.steps = round(_TIME / _SECONDS["AKD-GAN"])
  variants = {"AKD-GAN": akd_gan}
  for name in _RECIPES:
    config = half(_taught(scale, name, name))
    attentive = by_attention(config)
    if scale == _MEASURED:
      attentive.steps = _STEPS_BY_ATTENTION
    variants[f"{name} by attention"] = attentive
    variants[f"{name} by pictures"] = by_pictures(config, scale)
  across = by_pictures(half(_taught(scale, "StarGAN", "AttGAN")), scale)
  variants["StarGAN of AttGAN"] = changed(across, _ACROSS)
  return Experiment("The systems that the papers compare with", variants, "")


def _taught(scale: str, name: str, by: str) -> ConfigDict:
  """Returns the recipe of a system, and of the one that is to teach it."""
  taught_by = at_scale(_RECIPES[by](scale), scale, OF_TEN)
  if scale == _MEASURED:
    taught_by.steps = round(_TIME / _SECONDS[by])
  config = student.taught(_RECIPES[name](scale), taught_by)
  # Each cuts CelebA's photos otherwise, and knows others of its attributes.
  config.data = ConfigDict(taught_by.data.to_dict())
  # One judges them all.
  config.classifier = teacher.get_config(scale).classifier
  # Each seed trains a teacher of its own.
  config.teacher = ""
  return config


EXPERIMENTS = {"systems": systems}
