"""A teacher of another system: what can be compared, and what can not."""

import dataclasses

import pytest

from akd_jax.configs import acgan, attgan, relgan, student
from akd_jax.configs import teacher as recipes
from akd_jax.configs.scales import changed
from akd_jax.systems import SYSTEMS
from akd_jax.systems.stargan import STARGAN
from akd_jax.training import starts
from akd_jax.training import teacher as teaching
from tests.layouts import error


@pytest.fixture
def other(monkeypatch):
  """A teacher whose attention is taken from its mask, at full size."""
  system = dataclasses.replace(
    STARGAN,
    network="other",
    hooks=lambda generator: {"block": ["mask"]},
    slice_generator=None,
    classifies=False,
  )
  monkeypatch.setitem(SYSTEMS, "other", system)
  config = recipes.get_config("debug")
  config.system, config.generator.output = "other", "blend"
  return config


def config(recipe, **weights):
  config = student.taught(recipes.get_config("debug"), recipe)
  for name, weight in weights.items():
    config.distill[name].weight = weight
  return config


@pytest.mark.parametrize(
  "name", ["akd", "features", "alignment", "attention_transfer", "co_attention"]
)
def test_activations_of_other_sizes_are_not_compared(other, name):
  message = error(starts.check_new, config(other, **{name: 2.0}), other)
  assert f"config.distill.{name}.weight=2.0" in message
  assert "block_1 is 8 x 8" in message or "block_0 is 8 x 8" in message
  assert "mask 32 x 32" in message


@pytest.mark.parametrize(
  "name", ["output", "change", "omgd", "discriminator_features", "dgl", "dcd"]
)
def test_pictures_can_be(other, name):
  starts.check_new(config(other, **{name: 2.0}), other)


@pytest.mark.parametrize(
  ("ours", "theirs", "name"),
  [(3, 4, "akd"), (4, 3, "attention_transfer")],
)
def test_a_deeper_bottleneck_is_not_compared_with_a_shallower(
  ours, theirs, name
):
  student_config, recipe = (
    changed(attgan.get_config("debug"), {"generator.layers": layers})
    for layers in (ours, theirs)
  )
  student_config = student.taught(student_config, recipe)
  student_config.attention.hook = "bottleneck"
  student_config.distill[name].weight = 1.0
  message = error(starts.check_new, student_config, recipe)
  assert f"config.distill.{name}.weight=1.0 compares activations" in message


def test_its_attention_is_taken_where_its_own_recipe_says(other):
  ours = config(other, output=1.0)
  other.attention.block, other.attention.hook = "0", "branch"
  assert teaching.place_of(ours, other) == ("0", "branch")
  assert teaching.place_of(ours, recipes.get_config("debug")) is None


def test_class_logits_that_it_lacks_are_not_asked_for(other):
  ours = config(other, class_score=3.0)
  message = error(starts.check_new, ours, other)
  assert "config.distill.class_score.weight=3.0" in message
  assert "other" in message


def test_no_generator_is_cut_out_of_one_of_another_system(other):
  ours = config(other, output=1.0)
  ours.init = "sliced"
  message = error(starts.check_new, ours, other)
  assert "config.init='sliced'" in message
  assert "stargan" in message and "other" in message


def test_other_hooks_of_one_architecture_are_compared_by_their_sizes():
  # StarGAN and ACGAN have one generator; each names its own hook.
  recipe = changed(acgan.get_config("debug"), {"attention.hook": "decode"})
  message = error(starts.check_new, config(recipe, akd=2.0), recipe)
  assert "block_1 is 8 x 8" in message and "decode_1 32 x 32" in message
  starts.check_new(config(recipe, output=2.0), recipe)


@pytest.mark.parametrize("discriminator", ["teacher", "own"])
def test_a_class_is_sampled_of_those_that_are_explained(discriminator):
  recipe = relgan.get_config("debug")
  student_of = config(recipe, akd=2.0)
  student_of.attention.target = "sampled"
  student_of.attention.discriminator = discriminator
  message = error(starts.check_new, student_of, recipe)
  assert "stargan explains, and relgan explains others" in message
