"""What experiments are made of: students that differ in a field or two."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from akd_jax.configs import student
from akd_jax.configs.teacher import AVATAR_SHARES

# What a judge can not see in avatars of 32 pixels: wrinkles and blush.
TOO_SMALL = ("Young", "Rosy_Cheeks")


def taught_by_attention(scale: str) -> ConfigDict:
  """The half-width student of `configs/student.py`, by the papers' terms alone.

  Its teacher is trained, once a seed: a shipped one is a single seed.
  """
  config = student.get_config(scale)
  config.teacher = ""
  config.distill.output.weight = 0.0
  # Fewer discriminator updates than the teacher's rely on L_out.
  config.n_critic = config.teacher_recipe.n_critic
  if scale == "avatars":
    config.steps = 2_000
  if scale == "debug":
    # Some ask for the block before the last.
    config.generator.blocks = 2
  return config


def half_width(scale: str) -> ConfigDict:
  """The half-width student on avatars of 48 pixels, and its teacher.

  Three seeds of a teacher and two students take about an hour on 2 cores.
  """
  config = taught_by_attention(scale)
  if scale == "avatars":
    config.data.image_size = 48
    config.teacher_recipe.steps = 6_000
    # More accurate than with a step size that falls to 0 (docs/results.md).
    config.teacher_recipe.optimizer.schedule = "constant"
    for recipe in (config, config.teacher_recipe):
      recipe.discriminator.layers = 4
  return config


def small_half_width(scale: str) -> ConfigDict:
  """The half-width student on avatars of 32 pixels, and its teacher.

  Three seeds of a teacher and two students take half an hour on 2 cores.
  """
  config = taught_by_attention(scale)
  if scale == "avatars":
    # With lambda_cls and lambda_rec below: the papers' loss.
    config.distill.akd.weight = 10.0
    config.data.image_size = 32
    # The usual faces, as people have them, but no bald heads and no hats.
    config.data.distribution = ConfigDict({"Bald": 0.0, "Wearing_Hat": 0.0})
    config.data.conditional = ConfigDict()
    config.teacher_recipe.steps = 5_000
    # At 4e-4 a teacher turns everyone into someone else.
    config.teacher_recipe.optimizer.learning_rate = 2e-4
    for recipe in (config, config.teacher_recipe):
      recipe.loss.lambda_cls = 1.0
      recipe.loss.lambda_rec = 10.0
      recipe.optimizer.ema = 0.995
      recipe.discriminator.layers = 4
      recipe.sample_every = 1_000
    config.classifier.also = tuple(
      name for name in config.classifier.also if name not in TOO_SMALL
    )
  return config


def quarter_width(scale: str) -> ConfigDict:
  """A quarter of the teacher's width, one block (paper 1's S-Lite)."""
  config = half_width(scale)
  config.generator.width = config.teacher_recipe.generator.width // 4
  config.generator.blocks = 1
  return config


def same_size(scale: str) -> ConfigDict:
  """The teacher's architecture (paper 2's S)."""
  config = half_width(scale)
  recipe = config.teacher_recipe
  config.generator = ConfigDict(recipe.generator.to_dict())
  config.optimizer.learning_rate = recipe.optimizer.learning_rate
  return config


def of_expressions(scale: str, names: Sequence[str]) -> dict[str, Any]:
  """The fields of faces with one of these expressions, on avatars as often."""
  fields: dict[str, Any] = {
    "data.attributes": tuple(names),
    "data.label_rule": "exclusive",
  }
  if scale in ("avatars", "debug"):
    usual = {k: x for k, x in AVATAR_SHARES.items() if k != "Smiling"}
    equal = dict.fromkeys(names, 1 / len(names))
    fields["data.distribution"] = ConfigDict(usual | equal)
  return fields


def changed(config: ConfigDict, fields: Mapping[str, Any]) -> ConfigDict:
  """A copy with some fields, by their dotted names, set."""
  copy = ConfigDict(config.to_dict())
  copy.update_from_flattened_dict(fields)
  return copy


# Set by `jobs.seed_of` and `teaching.teacher_recipe`, whatever a recipe says.
_SET_BY_SEEDS = (
  "seed",
  "teacher",
  "teacher_recipe.seed",
  "teacher_recipe.evaluation",
  "teacher_recipe.classifier",
)


class Experiment(NamedTuple):
  """The same student, but for the fields of each arm.

  Attributes:
    title: of its table.
    arms: name -> config; the first is what the others are compared with.
    paper: what the paper reports, as a sentence; may be empty.
  """

  title: str
  arms: dict[str, ConfigDict]
  paper: str

  def changed(self, fields: Mapping[str, Any]) -> "Experiment":
    """With some fields, by their dotted names, set in every arm.

    Raises:
      ValueError: it is one in which the arms differ, that an arm lacks, or that
        an experiment sets itself.
    """
    first, *others = self.arms.values()
    for name in fields:
      if any(f"{name}.".startswith(f"{own}.") for own in _SET_BY_SEEDS):
        raise ValueError(f"it sets config.{name} itself")
      try:
        differ = any(config[name] != first[name] for config in others)
      except KeyError:
        raise ValueError(f"it has no config.{name}") from None
      if differ:
        raise ValueError(f"its arms differ in config.{name}")
    arms = {arm: changed(x, fields) for arm, x in self.arms.items()}
    return self._replace(arms=arms)


def experiment(
  title: str,
  base: ConfigDict,
  arms: Mapping[str, Mapping[str, Any]],
  paper: str = "",
) -> Experiment:
  """An experiment of a base and the fields that each arm sets."""
  configs = {name: changed(base, fields) for name, fields in arms.items()}
  return Experiment(title, configs, paper)


# Of avatars: class losses that nothing satisfies but what is seen, by which
# teachers are accurate after fewer updates (docs/results.md).
ADVERSARIAL = {
  "loss.cls_radius": 2.0,
  "teacher_recipe.loss.cls_radius": 2.0,
  "teacher_recipe.steps": 4_000,
}
# Of the titles of their tables.
BY_ADVERSARIAL = ", class loss of adversarial examples (loss.cls_radius)"
# The two arms of most tables.
WITHOUT = {"distill.akd.weight": 0.0}
WITH: dict[str, Any] = {}
