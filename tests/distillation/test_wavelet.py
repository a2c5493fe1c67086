"""Wavelet distillation: bands, and what is compared of them."""

import numpy as np
import pytest

from akd_jax.distillation.wavelet import check, haar
from tests.distillation import lessons
from tests.layouts import error


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def matrix(size):
  """Rows of one level: sums of neighbours, then their differences."""
  rows = np.zeros((size, size))
  for i in range(size // 2):
    rows[i, 2 * i : 2 * i + 2] = np.array([1, 1]) / np.sqrt(2)
    rows[size // 2 + i, 2 * i : 2 * i + 2] = np.array([1, -1]) / np.sqrt(2)
  return rows


def quarters(x):
  """One level of [B, S, S, C] by matrices: low, and the three others."""
  size = x.shape[1]
  transform = matrix(size)
  y = np.einsum("ij,bjkc,lk->bilc", transform, x, transform)
  half = size // 2
  low, high = slice(half), slice(half, None)
  # Differences of rows are horizontal edges.
  bands = y[:, high, low], y[:, low, high], y[:, high, high]
  return y[:, low, low], bands


def test_a_level_is_an_orthogonal_transform(given):
  x = given.image.astype(np.float64)
  np.testing.assert_allclose(matrix(16) @ matrix(16).T, np.eye(16), atol=1e-12)
  low, bands = haar(given.image)
  for found, expected in zip(
    (low, *bands), (quarters(x)[0], *quarters(x)[1]), strict=True
  ):
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_distances_are_of_the_high_bands_of_three_levels(given):
  ours, theirs = (x.astype(np.float64) for x in (given.ours, given.theirs))
  expected = np.zeros(lessons.BATCH)
  for _ in range(3):
    ours, our_bands = quarters(ours)
    theirs, their_bands = quarters(theirs)
    for own, other in zip(our_bands, their_bands, strict=True):
      expected += np.abs(own - other).mean((1, 2, 3))
  found = lessons.find("wavelet", given)
  np.testing.assert_allclose(found.values, expected, rtol=1e-5)


def test_pictures_that_can_not_be_halved_three_times_are_refused():
  config = lessons.config()
  config.distill.wavelet.weight = 7.0
  config.data.image_size = 24
  check(config, config.teacher_recipe)
  config.data.image_size = 20
  message = error(check, config, config.teacher_recipe)
  assert "config.distill.wavelet.weight=7.0" in message
  assert "config.data.image_size=20" in message


def test_what_is_as_dark_everywhere_is_no_difference(given):
  darker = given._replace(theirs=given.ours - np.float32(0.5))
  found = lessons.find("wavelet", darker)
  np.testing.assert_allclose(found.values, 0, atol=1e-6)
