"""What every method has in common."""

import jax
import numpy as np
import pytest

from akd_jax.configs import distill, pseudo
from akd_jax.distillation import METHODS
from akd_jax.training import starts
from akd_jax.training import teacher as teaching
from tests.distillation import lessons
from tests.layouts import error

# They compare pictures, which a teacher of other attributes does not draw.
OF_PICTURES = (
  "output",
  "change",
  "wavelet",
  "omgd",
  "class_score",
  "discriminator_features",
)


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def test_every_method_has_a_section_that_switches_it_off():
  sections = distill.sections()
  assert set(sections) == set(METHODS)
  assert not any(section.weight for section in sections.values())


def test_every_method_has_a_term_of_its_own():
  terms = [method.term for method in METHODS.values()]
  assert len(set(terms)) == len(terms)
  assert all(term.startswith("g_loss_") for term in terms)


@pytest.mark.parametrize("name", lessons.TAUGHT)
def test_every_method_teaches_the_student_and_never_the_teacher(given, name):
  found = lessons.find(name, given)
  assert found.values.shape == (lessons.BATCH,)
  assert found.values.dtype == np.float32
  assert np.all(np.isfinite(found.values))
  gradient = found.gradient
  reached = [np.any(x) for x in (gradient.ours, *gradient.own)]
  assert any(reached)
  # All blocks, where one is looked at.
  assert len(set(reached[1:])) == 1
  assert not any(np.any(x) for x in gradient.taught)
  assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(gradient))


@pytest.mark.parametrize("name", lessons.TAUGHT)
def test_equal_or_empty_inputs_have_a_finite_loss_and_gradient(given, name):
  same = given._replace(ours=given.image, theirs=given.image)
  blank = jax.tree.map(np.zeros_like, given)
  judged = blank._replace(discriminator=given.discriminator)
  for extreme in (same, blank, judged):
    found = lessons.find(name, extreme)
    for x in jax.tree.leaves(found):
      assert np.all(np.isfinite(x))


@pytest.mark.parametrize("name", lessons.TAUGHT)
def test_a_sample_depends_on_no_other(given, name):
  def changed(x):
    # The last: all that a batch has of it, but not what all share.
    return np.concatenate([x[:2], 1 - 2 * x[2:]])

  of_samples = ("image", "ours", "theirs", "own", "taught")
  other = given._replace(
    **{x: jax.tree.map(changed, getattr(given, x)) for x in of_samples}
  )
  values, others = (lessons.find(name, x).values for x in (given, other))
  np.testing.assert_array_equal(others[:2], values[:2])
  assert others[2] != values[2]


@pytest.mark.parametrize("name", METHODS)
def test_a_teacher_of_other_attributes_teaches_no_pictures(name):
  settings = pseudo.get_config("debug")
  recipe = teaching.teacher_recipe(settings)
  settings.distill[name].weight = 7.0
  if name not in OF_PICTURES:
    starts.check_new(settings, recipe)
    return
  message = error(starts.check_new, settings, recipe)
  assert f"config.distill.{name}.weight=7.0" in message
  assert "config.pseudo.reading='paper2'" in message
