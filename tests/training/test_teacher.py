"""What a fresh student takes from its teacher."""

import contextlib
import dataclasses

import jax
import numpy as np
import pytest

from akd_jax.configs import pseudo
from akd_jax.systems.stargan import create_networks
from akd_jax.systems.stargan_slices import slice_generator
from akd_jax.training import preparation, run_dir, starts
from akd_jax.training import teacher as teaching
from akd_jax.training.state import TrainState
from tests import small_runs
from tests.layouts import error


@pytest.fixture(scope="module")
def taught_by(untrained_teacher):
  return teaching.open_teacher(small_runs.student_config(untrained_teacher))


@pytest.fixture(scope="module")
def fresh(untrained_teacher, initialize):
  """(fields) -> a student's config, and its state before the first step."""

  def make(**fields):
    config = small_runs.resolved(
      small_runs.student_config(untrained_teacher, **fields)
    )
    networks = create_networks(config)
    classes = networks.discriminator.classes
    image = (1, 16, 16, 3)
    generator = initialize(networks.generator, image, (1, classes), seed=5)
    return config, TrainState(
      np.int32(0),
      generator,
      initialize(networks.discriminator, image, seed=6),
      {},
      {},
      jax.tree.map(np.array, generator),
    )

  return make


def start(fresh, taught_by, **fields):
  config, state = fresh(**fields)
  return state, starts.start_from(state, taught_by, config)


@pytest.mark.parametrize("output", ["image", "blend"])
def test_a_sliced_student_starts_as_a_part_of_its_teacher(
  fresh, taught_by, output
):
  before, state = start(
    fresh, taught_by, init="sliced", generator__output=output
  )
  part = slice_generator(taught_by.model.generator, before.generator)
  small_runs.assert_same_bits(state.generator, part)
  small_runs.assert_same_bits(state.ema, part)
  shapes = [jax.tree.map(np.shape, x.generator) for x in (before, state)]
  assert shapes[0] == shapes[1]


def test_a_student_from_scratch_takes_nothing(fresh, taught_by):
  before, state = start(fresh, taught_by)
  small_runs.assert_same_bits(state.generator, before.generator)
  small_runs.assert_same_bits(state.discriminator, before.discriminator)


def test_a_copy_of_the_teachers_generator_has_an_adversary_of_its_own(
  fresh, taught_by
):
  before, state = start(fresh, taught_by, init="teacher", generator__width=4)
  small_runs.assert_same_bits(state.generator, taught_by.model.generator)
  small_runs.assert_same_bits(state.ema, taught_by.model.generator)
  small_runs.assert_same_bits(state.discriminator, before.discriminator)


def test_a_students_weights_are_its_own(fresh, taught_by):
  # What the step donates must be nobody else's.
  _, state = start(
    fresh,
    taught_by,
    init="teacher",
    adversary="teacher",
    generator__width=4,
  )
  theirs = jax.tree.leaves((taught_by.model, state.ema))
  for ours in jax.tree.leaves((state.generator, state.discriminator)):
    assert not any(np.shares_memory(ours, x) for x in theirs)


@pytest.mark.parametrize("adversary", ["teacher", "frozen", "none"])
def test_another_adversary_starts_as_the_teachers(fresh, taught_by, adversary):
  before, state = start(fresh, taught_by, adversary=adversary)
  small_runs.assert_same_bits(
    state.discriminator, taught_by.model.discriminator
  )
  small_runs.assert_same_bits(state.generator, before.generator)


def test_who_has_no_adversary_keeps_none_of_other_attributes(fresh, taught_by):
  names = tuple(reversed(taught_by.attributes))
  other = dataclasses.replace(taught_by, attributes=names)
  before, state = start(fresh, other, adversary="none")
  small_runs.assert_same_bits(state.discriminator, before.discriminator)


@pytest.mark.parametrize("adversary", ["teacher", "frozen", "none"])
def test_an_adversary_of_another_size_than_the_teachers_is_refused(
  untrained_teacher, adversary
):
  config = small_runs.resolved(
    small_runs.student_config(
      untrained_teacher, adversary=adversary, discriminator__width=6
    )
  )
  message = error(starts.load_teacher, config)
  assert f"config.adversary={adversary!r}" in message
  assert "width=4" in message and "width=6" in message
  # One that an earlier version has begun is gone on with, and evaluated.
  for taught_by in (
    starts.load_teacher(config, begins=False),
    teaching.open_teacher(config),
  ):
    assert taught_by is not None and taught_by.attributes


def test_a_run_without_a_checkpoint_is_still_to_begin(
  untrained_teacher, tmp_path
):
  config = small_runs.resolved(
    small_runs.student_config(
      untrained_teacher, adversary="teacher", discriminator__width=6
    )
  )
  run_dir.write_config(config, str(tmp_path))
  with contextlib.ExitStack() as stack:
    message = error(preparation.prepare, config, str(tmp_path), (), stack)
  assert "config.adversary='teacher'" in message


@pytest.mark.parametrize(
  ("field", "value"),
  [
    ("init", "teacher"),
    ("init", "sliced"),
    ("adversary", "teacher"),
    ("adversary", "frozen"),
  ],
)
def test_a_network_that_is_taken_knows_the_students_attributes(field, value):
  # As many others would pass for them, each in another's place.
  config = pseudo.get_config("debug")
  recipe = teaching.teacher_recipe(config)
  names = config.data.attributes, recipe.data.attributes
  assert len(names[0]) == len(names[1]) and names[0] != names[1]
  config[field] = value
  teaching.check_compatible(config, recipe)
  message = error(starts.check_new, config, recipe)
  assert f"config.{field}={value!r}" in message
  assert names[0][0] in message and names[1][0] in message
