"""Which distillation pays: at equal training time, and method by method."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import student
from akd_jax.configs.experiments.variants import (
  WITHOUT,
  Experiment,
  experiment,
)
from akd_jax.configs.scales import SCALES, changed

# Of avatars: how long a student is trained, alone on two cores, where
# recipes are compared and where one choice is; and seconds of a step, as
#   python benchmarks/step_cost.py --name=distillation
#   python benchmarks/step_cost.py --name=methods
# printed them.
_TIME, _TIME_OF_A_CHOICE = 395.0, 273.6
_SECONDS = {
  "untaught": 0.127,
  "attention": 0.191,
  "that pays": 0.079,
}
_SECONDS_OF_METHODS = {
  "none": 0.055,
  "output": 0.079,
  "change": 0.079,
  "wavelet": 0.078,
  "features": 0.077,
  "alignment": 0.079,
  "attention_transfer": 0.074,
  "co_attention": 0.087,
  "omgd": 0.144,
  "class_score": 0.071,
  "discriminator_features": 0.093,
  "dgl": 0.068,
  "dcd": 0.135,
  "akd": 0.122,
}
# Of `teachers`: whose methods are tried with other teachers, and for how many
# updates those are trained; the shipped one had four times as many.
_TRIED_AGAIN = ("none", "akd", "output", "change", "discriminator_features")
_UPDATES_OF_A_TEACHER = 3_000
# Of the grid of `sizes`: widths as sixteenths of the teacher's, and blocks as
# sixths of its. On avatars those are channels and blocks.
_WIDTHS = (4, 6, 8, 12, 16)
_BLOCKS = (1, 3, 6)
# Of `durations`: as shares of the updates of `distillation`.
_SHARES = (0.25, 0.5, 1.0, 2.0, 4.0)
# Of photos: of students that have a discriminator. Attention, too, has as many
# as the untaught student, and so takes longer.
_UPDATES_ON_PHOTOS = 1_800
# What pays, without the pictures.
_WITHOUT_PICTURES: dict[str, Any] = {
  **student.PAYS,
  "distill.output.weight": 0.0,
  "optimizer.learning_rate": 1e-3,
  "checkpoint_every": 500,
}
# Each about as heavy as pictures are at the start.
_WEIGHTS = {
  "output": 30.0,
  "change": 10.0,
  "wavelet": 10.0,
  "features": 1.0,
  "alignment": 3.0,
  "attention_transfer": 3e4,
  "co_attention": 3e4,
  "omgd": 1.0,
  "class_score": 0.3,
  "discriminator_features": 10.0,
  "dgl": 1.0,
  "dcd": 3.0,
  "akd": 3.0,
}


def distillation(scale: str) -> Experiment:
  """Compares no teacher, the papers' attention, and the recipe that pays.

  On avatars each is trained as long, on two cores; on photos, where maps that
  see the attribute (HiResCAM's) teach, too, attention has the updates of the
  untaught student instead. All but the recipe that pays update their
  discriminator once a step. The shipped teacher of avatars teaches every seed.

  Raises:
    ValueError: nobody has looked for a recipe that pays at this scale.
  """
  tried = (*student.LENGTHS, "debug")
  if scale in SCALES and scale not in tried:
    raise ValueError(
      f"no recipe that pays is known at {scale}; take {' or '.join(tried)}"
    )
  base = changed(student.by_attention(scale), {"n_critic": 1})
  variants = {
    "untaught": changed(base, WITHOUT),
    "attention": base,
    "that pays": student.get_config(scale),
  }
  if scale == "photos":
    sees = {"attention.method": "hires_cam"}
    variants["attention that sees"] = changed(base, sees)
    for name in ("untaught", "attention", "attention that sees"):
      variants[name].steps = _UPDATES_ON_PHOTOS
  elif scale == "avatars":
    _train_equally_long(variants, _SECONDS, _TIME)
  return Experiment("Which distillation pays", variants, "")


def methods(scale: str) -> Experiment:
  """Compares every method, beside the teacher's discriminator.

  On avatars each is trained as long, on two cores.
  """
  base = changed(student.by_attention(scale), _WITHOUT_PICTURES)
  variants: dict[str, dict[str, Any]] = {"none": {}}
  variants |= {
    name: {f"distill.{name}.weight": weight}
    for name, weight in _WEIGHTS.items()
  }
  compared = experiment("Each method by itself", base, variants)
  if scale == "avatars":
    _train_equally_long(
      compared.variants, _SECONDS_OF_METHODS, _TIME_OF_A_CHOICE
    )
  return compared


def teachers(scale: str) -> Experiment:
  """Repeats the best of `methods` and attention, each seed by its own teacher.

  On avatars such a teacher is trained for 15 minutes on two cores.
  """
  compared = methods(scale)
  variants = {}
  for name in _TRIED_AGAIN:
    config = changed(compared.variants[name], {"teacher": ""})
    if scale == "avatars":
      config.teacher_recipe.steps = _UPDATES_OF_A_TEACHER
    variants[name] = config
  return Experiment("The same methods by other teachers", variants, "")


def sizes(scale: str) -> Experiment:
  """Compares students of every size, by the recipe that pays and untaught.

  Of one kind all have the same updates: those of `distillation`, on avatars
  half of them.
  """
  compared = distillation(scale)
  variants = {}
  for name in ("that pays", "untaught"):
    config = compared.variants[name]
    if scale == "avatars":
      config.steps //= 2
    teacher = config.teacher_recipe.generator
    for width in _WIDTHS:
      for blocks in _BLOCKS:
        size = {
          "generator.width": max(1, teacher.width * width // _WIDTHS[-1]),
          "generator.blocks": max(1, teacher.blocks * blocks // _BLOCKS[-1]),
        }
        title = "{}, w {} n {}".format(name, *size.values())
        variants[title] = changed(config, size)
  return Experiment("How small a student can be", variants, "")


def durations(scale: str) -> Experiment:
  """Compares shorter and longer training, by the recipe that pays and untaught.

  On avatars both last 1.6, 3.3, 6.6, 13 and 26 minutes on two cores.
  """
  compared = distillation(scale)
  variants = {}
  for name in ("that pays", "untaught"):
    config = compared.variants[name]
    for share in _SHARES:
      steps = round(share * config.steps)
      variants[f"{name}, {steps:,} updates"] = changed(config, {"steps": steps})
  return Experiment("How long a student is to be trained", variants, "")


def decoder(scale: str) -> Experiment:
  """Compares the two decoders of a student that nobody teaches.

  On avatars it is trained as long as the students of `methods`.
  """
  base = changed(student.by_attention(scale), {"n_critic": 1, **WITHOUT})
  if scale == "avatars":
    base.steps = round(_TIME_OF_A_CHOICE / _SECONDS["untaught"])
  return experiment(
    "Resize-convolutions against checkerboards",
    base,
    {
      decoder: {"generator.upsample": decoder}
      for decoder in ("transposed", "resize")
    },
  )


def _train_equally_long(
  variants: Mapping[str, ConfigDict],
  seconds: Mapping[str, float],
  time: float,
) -> None:
  """Sets the steps of each variant by the seconds that one of its takes."""
  for name, config in variants.items():
    config.steps = round(time / seconds[name])


EXPERIMENTS = {
  "distillation": distillation,
  "methods": methods,
  "teachers": teachers,
  "sizes": sizes,
  "durations": durations,
  "decoder": decoder,
}
