"""Student: a small generator that learns from a teacher (half-width, Lite-S).

python -m akd_jax.main --config=configs/student.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  2 CPU cores     7 min      accuracy 95.5 %, its teacher's 93.9 %
                                    (docs/findings/quickstart.md)
photos   1 CPU core      8 min      accuracy 82.3 %, its teacher's 85.4 %
                                    (docs/findings/photos.md)
celeba   not run here               paper 1, Table 1: 59.5 %
rafd     not run here               papers' are other sizes
debug    2 CPU cores     a minute   nothing: every part runs
"""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.configs.ranges import (
  Field,
  Range,
  Section,
  defaults,
  mapping,
  one_of,
  ranges,
  word,
)
from akd_jax.configs.scales import Deltas, at_scale, changed

_AT_SCALE: Deltas = {
  # Shipped with the package; docs/findings/quickstart.md says how it was
  # trained.
  "avatars": {"teacher": "pretrained:avatars", "steps": 2_000},
  # Beside that of avatars, which may have been trained from scratch.
  "photos": {"teacher": "runs/photos/teacher"},
  "debug": {"teacher": "runs/debug/teacher", "generator.blocks": 1},
}
# The best of what was tried on avatars (docs/findings/distillation.md).
PAYS: dict[str, Any] = {
  # The teacher's pictures, compared pixel by pixel.
  "distill.output.weight": 30.0,
  "distill.akd.weight": 0.0,
  # With a teacher's picture for each, nothing has to be translated back.
  "loss.lambda_rec": 0.0,
  # The teacher's discriminator asks for what pixels miss: small attributes and
  # fine texture. It goes on learning, or noise would fool it.
  "adversary": "teacher",
  "adversary_every": 4,
  "n_critic": 1,
  # What is not to change is copied.
  "generator.output": "blend",
  "init": "sliced",
}
# On photos a discriminator that learns takes longer, sets no more, and keeps
# fewer people (docs/findings/photos.md).
_PAYS_ON_PHOTOS: dict[str, Any] = {
  **PAYS,
  "adversary": "none",
  "adversary_every": 1,
  # The teacher's own compares both pictures as it sees them,
  "distill.discriminator_features.weight": 100.0,
  # and says whether the attribute is there.
  "distill.class_score.weight": 1.0,
}
# How long a student learns like that, where it has been tried. Scoring held-out
# pictures takes time, too.
LENGTHS: Deltas = {
  "avatars": {
    "optimizer.learning_rate": 2e-3,
    "steps": 5_000,
    "checkpoint_every": 1_000,
  },
  "photos": {
    "optimizer.learning_rate": 2.5e-3,
    "steps": 3_600,
    "checkpoint_every": 400,
  },
}


def what_pays(scale: str) -> dict[str, Any]:
  """Returns the fields of the best that was tried at a scale of LENGTHS."""
  return _PAYS_ON_PHOTOS if scale == "photos" else PAYS


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of a small student that is as good as we can make it.

  Of avatars and of photos that is the best of what was tried; at the other
  scales it is the papers' recipe.
  """
  config = by_attention(scale)
  if scale not in LENGTHS:
    return config
  return at_scale(changed(config, what_pays(scale)), scale, LENGTHS)


def by_attention(scale: str = "avatars") -> ConfigDict:
  """Returns the papers' recipe: a smaller generator, and L_akd."""
  config = taught(teacher.get_config(scale), teacher.get_config(scale))
  # Half of the teacher's channels,
  config.generator.width //= 2
  # and half of its blocks.
  config.generator.blocks = 3
  # As heavy as the reconstruction, as in the papers.
  config.distill.akd.weight = config.loss.lambda_rec
  return at_scale(config, scale, _AT_SCALE)


def taught(config: ConfigDict, recipe: ConfigDict) -> ConfigDict:
  """Returns the recipe of a student, whatever its system and its teacher's.

  Nothing is taught yet: a weight in config.distill says what.

  Args:
    config: the recipe of a network that has no teacher.
    recipe: that of the teacher.
  """
  config, recipe = (ConfigDict(x.to_dict()) for x in (config, recipe))
  config.update(defaults(fields()))
  # A teacher is trained first, where none is finished.
  config.teacher = "runs/teacher"
  # The recipe of that teacher. Its data and its attribute classifier are the
  # student's.
  config.teacher_recipe = recipe
  del config.teacher_recipe.data, config.teacher_recipe.classifier
  return config


def fields() -> Section:
  """Returns the fields that only a student has, each with its range."""
  config = Section()
  # Where the student's generator starts: "scratch"; "sliced", as the largest
  # channels of the teacher's last blocks; or "teacher", as a copy, which needs
  # the teacher's architecture.
  config.init = Field("scratch", one_of("scratch", "teacher", "sliced"))
  config.pseudo = Section()
  # Whether the teacher knows other attributes than the student (see
  # configs/pseudo.py). "off": no; "paper1": both maps explain logits of the
  # teacher's attributes; "paper2": the student's map explains its own.
  config.pseudo.reading = Field("off", one_of("off", "paper1", "paper2"))
  # {attribute of the student: attribute of the teacher that stands for it}.
  config.pseudo.mapping = Field({}, mapping(word()))
  return config


def every_range() -> dict[str, Range]:
  """Returns {dotted name: range} of all fields that a recipe can have."""
  teachers = ranges(teacher.fields())
  given = ("data.", "classifier.")
  recipe = {
    f"teacher_recipe.{name}": may_be
    for name, may_be in teachers.items()
    if not name.startswith(given)
  }
  return teachers | recipe | ranges(fields())
