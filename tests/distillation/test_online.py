"""The terms of online distillation."""

import numpy as np
import pytest
from scipy import ndimage

from akd_jax.distillation.online import similarity, total_variation
from tests.distillation import lessons


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def blur(x):
  """Of one channel [S, S]: a Gaussian window of 11 pixels, zeros outside."""
  return ndimage.gaussian_filter(x, 1.5, mode="constant", radius=5)


def ssim(first, second):
  """Wang et al., 2004, equation 13, pixel by pixel: [S, S] twice."""
  mean_a, mean_b = blur(first), blur(second)
  variance_a = blur(first**2) - mean_a**2
  variance_b = blur(second**2) - mean_b**2
  covariance = blur(first * second) - mean_a * mean_b
  c1, c2 = 0.01**2, 0.03**2
  light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
  rest = (2 * covariance + c2) / (variance_a + variance_b + c2)
  return (light * rest).mean()


def ssim_of(ours, theirs):
  """Of a batch, the mean over channels."""
  ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
  return np.array(
    [
      np.mean([ssim(a[..., c], b[..., c]) for c in range(3)])
      for a, b in zip(ours, theirs, strict=True)
    ]
  )


def test_similarity_is_that_of_wang_et_al(given):
  # Random pictures are not alike: these are.
  near = 0.7 * given.theirs + np.float32(0.3) * given.ours
  for ours in (given.ours, near):
    found = similarity(ours, given.theirs)
    np.testing.assert_allclose(
      found, ssim_of(ours, given.theirs), rtol=1e-3, atol=1e-5
    )
  np.testing.assert_allclose(similarity(near, near), 1, rtol=1e-5)


def test_total_variation_adds_up_differences_of_neighbours():
  image = np.zeros((2, 3, 3, 1), np.float32)
  image[0, 1, 1] = 2
  image[1, :, 0] = [[-1], [1], [-1]]
  # Four neighbours; two in the column, three beside it.
  np.testing.assert_allclose(total_variation(image), [8, 7])


def channel_distances(given):
  total = np.zeros(lessons.BATCH)
  for i, (ours, theirs) in enumerate(given.pairs):
    adapter = given.learnt["omgd"][f"adapter_{i}"]
    means = ours.mean((1, 2)) @ adapter["kernel"] + adapter["bias"]
    total += ((means - theirs.mean((1, 2))) ** 2).mean(-1)
  return total


def test_distances_are_the_weighted_sum_of_the_terms(given):
  ours, theirs = given.ours, given.theirs
  rows, columns = (np.abs(np.diff(ours, axis=axis)) for axis in (1, 2))
  terms = {
    "l1": np.abs(ours - theirs).mean((1, 2, 3)),
    "ssim": 1 - ssim_of(ours, theirs),
    "tv": rows.sum((1, 2, 3)) + columns.sum((1, 2, 3)),
    "channels": channel_distances(given),
  }
  options = lessons.config().distill.omgd
  found = lessons.find("omgd", given)
  expected = sum(options[name] * term for name, term in terms.items())
  np.testing.assert_allclose(found.values, expected, rtol=1e-4)
  assert found.metrics == {
    f"omgd_{name}": pytest.approx(term.mean(), rel=1e-3)
    for name, term in terms.items()
  }


def test_its_adapters_learn(given):
  learnt = lessons.find("omgd", given).gradient.learnt["omgd"]
  for adapter in learnt.values():
    assert all(np.all(x != 0) for x in adapter.values())
