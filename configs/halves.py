"""Students of the other systems: each half as wide as a teacher of its own.

python -m akd_jax.main --config=configs/attgan_student.py[:ARG]

and acgan_student.py, relgan_student.py, stgan_student.py. A teacher, of
configs/attgan.py and so on, is trained first where there is none. Of avatars
and photos they learn from its pictures, elsewhere by attention.

Of avatars, accuracy and minutes of one core (docs/findings/systems.md):

  attgan_student.py   8 min   87.0 %, its teacher's 87.1 %
  acgan_student.py   16 min   94.0 %, its teacher's 96.5 %
  stgan_student.py   11 min   76.6 %, its teacher's 73.9 %
  relgan_student.py  not run here
"""

from collections.abc import Callable

from ml_collections import ConfigDict

from akd_jax.configs import student
from akd_jax.configs.scales import at_scale, changed


def half_of(recipe: Callable[[str], ConfigDict], scale: str) -> ConfigDict:
  """Returns the recipe of a system's student, which learns as StarGAN's does.

  Of avatars and of photos from its teacher's pictures; at the other scales by
  attention.

  Args:
    recipe: of the system, by the scale.
    scale: of the data.
  """
  config = half(student.taught(recipe(scale), recipe(scale)))
  folder = f"runs/{scale}" if scale in ("photos", "debug") else "runs"
  # Where the system's own recipe leaves it.
  config.teacher = f"{folder}/{config.system}"
  if scale in student.LENGTHS:
    return by_pictures(config, scale)
  return by_attention(config)


def half(config: ConfigDict) -> ConfigDict:
  """Returns a recipe with half the channels in every layer of its generator."""
  halved = config.copy_and_resolve_references()
  for field in ("width", "unit_width"):
    if field in halved.generator:
      halved.generator[field] //= 2
  return halved


def by_attention(config: ConfigDict) -> ConfigDict:
  """Returns a recipe with attention as heavy as the reconstruction."""
  return changed(config, {"distill.akd.weight": config.loss.lambda_rec})


def by_pictures(config: ConfigDict, scale: str) -> ConfigDict:
  """Returns a recipe that learns as what pays at a scale, as far as it can."""
  pays = dict(student.what_pays(scale))
  if "output" not in config.generator:
    pays.pop("generator.output")
  if config.system == "relgan":
    # Its discriminator has no class logits.
    pays.pop("distill.class_score.weight", None)
  return at_scale(changed(config, pays), scale, student.LENGTHS)
