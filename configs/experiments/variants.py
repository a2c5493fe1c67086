"""What experiments are made of: variants of a student, a field or two apart."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from akd_jax.configs import student
from akd_jax.configs.data import AVATAR_ALSO, AVATAR_SHARES
from akd_jax.configs.scales import Deltas, at_scale, changed

# Wrinkles and blush: nobody sees them in avatars of 32 pixels.
_TOO_SMALL = ("Young", "Rosy_Cheeks")


def of_both(fields: Mapping[str, Any]) -> dict[str, Any]:
  """Returns fields that are set for the student and for its teacher."""
  teachers = {f"teacher_recipe.{name}": x for name, x in fields.items()}
  return {**fields, **teachers}


_TAUGHT_BY_ATTENTION: Deltas = {
  # Some experiments ask for the block before the last.
  "debug": {"generator.blocks": 2},
}
_HALF_WIDTH: Deltas = {
  "avatars": {
    "data.image_size": 48,
    "teacher_recipe.steps": 6_000,
    # More accurate than with a step size that falls to 0
    # (docs/findings/attention.md).
    "teacher_recipe.optimizer.schedule": "constant",
    **of_both({"discriminator.layers": 4}),
  }
}
_SMALL_HALF_WIDTH: Deltas = {
  "avatars": {
    "data.image_size": 32,
    # Faces as they usually are, but nobody is bald or wears a hat.
    "data.distribution": {"Bald": 0.0, "Wearing_Hat": 0.0},
    "data.conditional": {},
    "distill.akd.weight": 10.0,
    "teacher_recipe.steps": 5_000,
    # At 4e-4 a teacher turns everyone into someone else.
    "teacher_recipe.optimizer.learning_rate": 2e-4,
    **of_both(
      {
        # The papers' loss.
        "loss.lambda_cls": 1.0,
        "loss.lambda_rec": 10.0,
        "optimizer.ema": 0.995,
        "discriminator.layers": 4,
        "sample_every": 1_000,
      }
    ),
    "classifier.also": tuple(x for x in AVATAR_ALSO if x not in _TOO_SMALL),
  }
}


def taught_by_attention(scale: str) -> ConfigDict:
  """Returns the half-width student, by the papers' terms alone.

  Each seed trains a teacher of its own, since a shipped one is a single seed.
  """
  config = student.by_attention(scale)
  config.teacher = ""
  return at_scale(config, scale, _TAUGHT_BY_ATTENTION)


def half_width(scale: str) -> ConfigDict:
  """Returns the half-width student, of avatars of 48 pixels, and its teacher.

  Three seeds of a teacher and two students take about an hour on 2 cores.
  """
  return at_scale(taught_by_attention(scale), scale, _HALF_WIDTH)


def small_half_width(scale: str) -> ConfigDict:
  """Returns the half-width student, of avatars of 32 pixels, and its teacher.

  Three seeds of a teacher and two students take half an hour on 2 cores.
  """
  return at_scale(taught_by_attention(scale), scale, _SMALL_HALF_WIDTH)


def quarter_width(scale: str) -> ConfigDict:
  """Returns a student of a quarter of the teacher's width and one block.

  It is paper 1's S-Lite.
  """
  config = half_width(scale)
  config.generator.width = config.teacher_recipe.generator.width // 4
  config.generator.blocks = 1
  return config


def same_size(scale: str) -> ConfigDict:
  """Returns a student of the teacher's architecture (paper 2's S)."""
  config = half_width(scale)
  config.generator = ConfigDict(config.teacher_recipe.generator.to_dict())
  return config


def draws_faces(config: ConfigDict) -> bool:
  """Returns whether the faces, and how often each attribute is, are drawn."""
  return config.data.name == "avatars"


def of_attributes(config: ConfigDict, fields: Mapping[str, Any]) -> ConfigDict:
  """Returns the recipe with fields of a face's attributes set.

  Raises:
    ValueError: its photos have an expression each, and no other labels.
  """
  if config.data.label_rule == "exclusive":
    raise ValueError(
      "RaFD's photos have an expression each, and none of the attributes that"
      " this sets; take avatars, photos or celeba"
    )
  return changed(config, fields)


def of_expressions(config: ConfigDict, names: Sequence[str]) -> ConfigDict:
  """Returns the recipe for faces with one of these expressions.

  Drawn faces have each of them as often.

  Raises:
    ValueError: its photos are not labelled by expression.
  """
  if config.data.name == "celeba":
    raise ValueError(
      "CelebA's photos are not labelled by expression; take avatars or rafd"
    )
  fields: dict[str, Any] = {
    "data.attributes": tuple(names),
    "data.label_rule": "exclusive",
  }
  if draws_faces(config):
    usual = {k: x for k, x in AVATAR_SHARES.items() if k != "Smiling"}
    equal = dict.fromkeys(names, 1 / len(names))
    fields["data.distribution"] = usual | equal
  return changed(config, fields)


# A replicate sets these, whatever the recipe says: its teacher is evaluated as
# the student is.
_SET_BY_REPLICATES = (
  "seed",
  "teacher_recipe.seed",
  "teacher_recipe.evaluation",
  "teacher_recipe.classifier",
)


class Experiment(NamedTuple):
  """The same student, but for the fields of each variant.

  Attributes:
    title: of its table.
    variants: name -> config; the first is what the others are compared with.
    paper: what the paper reports, as a sentence; may be empty.
  """

  title: str
  variants: dict[str, ConfigDict]
  paper: str

  def changed(self, fields: Mapping[str, Any]) -> "Experiment":
    """Returns it with some fields, by their dotted names, set in every variant.

    Raises:
      ValueError: the variants differ in a field, one of them lacks it, or
        replicates set it themselves.
    """
    first, *others = self.variants.values()
    for name in fields:
      if any(f"{name}.".startswith(f"{own}.") for own in _SET_BY_REPLICATES):
        raise ValueError(f"it sets config.{name} itself")
      try:
        differ = any(config[name] != first[name] for config in others)
      except KeyError:
        raise ValueError(f"it has no config.{name}") from None
      if differ:
        raise ValueError(f"its variants differ in config.{name}")
    variants = {
      x: changed(config, fields) for x, config in self.variants.items()
    }
    return self._replace(variants=variants)


def experiment(
  title: str,
  base: ConfigDict,
  variants: Mapping[str, Mapping[str, Any]],
  paper: str = "",
) -> Experiment:
  """Returns an experiment of a base and the fields that each variant sets."""
  configs = {name: changed(base, fields) for name, fields in variants.items()}
  return Experiment(title, configs, paper)


# Class losses that nothing satisfies but what can be seen. By them teachers are
# accurate after fewer updates (docs/findings/adversarial.md).
ADVERSARIAL: Deltas = {
  "avatars": {
    **of_both({"loss.cls_radius": 2.0}),
    "teacher_recipe.steps": 4_000,
  }
}
# What the titles of their tables say, by scale.
BY_ADVERSARIAL = {
  "avatars": ", class loss of adversarial examples (loss.cls_radius)"
}
# The two variants of most tables.
WITHOUT: dict[str, Any] = {"distill.akd.weight": 0.0}
WITH: dict[str, Any] = {}
