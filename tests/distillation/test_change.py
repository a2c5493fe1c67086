"""Output distillation where the teacher changes the photo."""

import numpy as np
import pytest

from akd_jax.distillation.change import change_weights
from tests.distillation import lessons


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def test_distances_count_by_what_the_teacher_changes(given):
  factor = lessons.config().distill.change.factor
  expected = []
  for photo, ours, theirs in zip(
    given.image, given.ours, given.theirs, strict=True
  ):
    change = np.abs(theirs - photo).mean(-1)
    total = 0.0
    for y, x in np.ndindex(change.shape):
      weight = 1 + factor * change[y, x] / change.mean()
      total += weight * np.abs(theirs[y, x] - ours[y, x]).mean()
    expected.append(total / change.size)
  found = lessons.find("change", given)
  np.testing.assert_allclose(found.values, expected, rtol=1e-5)


def test_weights_have_the_same_mean_in_every_picture(given):
  weights = np.asarray(change_weights(given.image, given.theirs, 4.0))
  np.testing.assert_allclose(weights.mean((1, 2, 3)), 5.0, rtol=1e-5)
  assert weights.min() >= 1
  np.testing.assert_array_equal(
    change_weights(given.image, given.image, 4.0), np.ones_like(weights)
  )


def test_where_the_teacher_changes_nothing_pixels_count_alike(given):
  same = given._replace(theirs=given.image)
  np.testing.assert_allclose(
    lessons.find("change", same).values,
    lessons.find("output", same).values,
    rtol=1e-6,
  )
