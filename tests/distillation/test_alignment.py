"""Kernel alignment of features: by the Gram matrices of pixels."""

import numpy as np
import pytest

from akd_jax.distillation.alignment import alignment
from tests.distillation import lessons


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def gram(x):
  """How alike the pixels of a picture are, all with all: [n, n]."""
  pixels = x.reshape(-1, x.shape[-1]).astype(np.float64)
  return pixels @ pixels.T


def aligned(x, y):
  """The cosine of two Gram matrices."""
  first, second = gram(x), gram(y)
  size = np.linalg.norm(first) * np.linalg.norm(second)
  return (first * second).sum() / size


def test_distances_are_what_the_gram_matrices_lack_in_alignment(given):
  expected = [
    sum(1 - aligned(ours[b], theirs[b]) for ours, theirs in given.pairs)
    for b in range(lessons.BATCH)
  ]
  found = lessons.find("alignment", given)
  np.testing.assert_allclose(found.values, expected, rtol=1e-5)


def test_turned_and_scaled_features_are_aligned(given):
  (x, *_), rng = given.own, np.random.default_rng(0)
  turn, _ = np.linalg.qr(rng.normal(size=(x.shape[-1],) * 2))
  np.testing.assert_allclose(alignment(x, -3 * x @ turn), 1, rtol=1e-5)
  assert np.all(alignment(x, given.taught[0]) < 0.9)


def test_empty_features_are_aligned_with_nothing(given):
  (x, *_) = given.own
  np.testing.assert_array_equal(alignment(x, 0 * x), np.zeros(lessons.BATCH))
