"""The distances are pytorch-fid's and torch-fidelity's."""

from pathlib import Path

import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.evaluation.metrics import frechet

GOLDEN = Path(__file__).parents[1] / "golden" / "inception.npz"


@pytest.fixture(scope="module")
def golden():
  with np.load(GOLDEN, allow_pickle=False) as arrays:
    return dict(arrays)


@pytest.fixture
def few():
  """Statistics of fewer images than features: a singular covariance."""
  rng = np.random.default_rng(0)
  return frechet.statistics([rng.normal(size=(10, 30))])


def test_frechet_distance_reproduces_pytorch_fid(golden):
  a, b = (frechet.statistics([golden[name]]) for name in ("fd_a", "fd_b"))
  expected = golden["frechet_distance"]
  assert frechet.frechet_distance(a, b) == pytest.approx(expected, rel=1e-10)


def test_batches_add_up_to_the_whole(golden):
  features = golden["fd_a"] + 1000  # Far from 0: sums of squares would cancel.
  whole = features.astype(np.float64)
  batches = np.split(features, [0, 1, 7, 400])
  found = frechet.statistics(iter(batches))
  assert found.images == len(features)
  np.testing.assert_allclose(found.mean, whole.mean(0), rtol=1e-14)
  expected = np.cov(whole, rowvar=False)
  error = np.abs(found.covariance - expected).max()
  assert error < 1e-13 * np.abs(expected).max()


def test_one_image_has_no_covariance():
  for batches in ([], [np.zeros((1, 4))]):
    with pytest.raises(UserError, match="two images or more, not [01]"):
      frechet.statistics(batches)


def test_a_set_is_at_no_distance_from_itself(few):
  # Of the variance: where there are fewer images than features, roots of
  # rounding noise are added up.
  scale = np.trace(few.covariance)
  assert abs(frechet.frechet_distance(few, few)) < 1e-6 * scale


def test_distance_is_known_where_covariances_commute():
  a = frechet.Statistics(np.array([0.0, 0, 0]), np.diag([4.0, 9, 0]), 10)
  b = frechet.Statistics(np.array([1.0, 0, 2]), np.diag([1.0, 9, 16]), 10)
  expected = (1 + 4) + (2 - 1) ** 2 + 0 + (0 - 4) ** 2
  assert frechet.frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)
  assert frechet.frechet_distance(b, a) == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_reproduces_torch_fidelity(golden):
  # torch-fidelity 0.4.0 on the same features in float64.
  mean, deviation = frechet.kernel_distance(
    golden["fd_a"], golden["fd_b"], subsets=5, subset_size=200, seed=2020
  )
  assert mean == pytest.approx(0.525584827991046, rel=1e-10)
  assert deviation == pytest.approx(0.029346932433438076, rel=1e-10)


def test_kernel_distance_has_no_bias():
  rng = np.random.default_rng(0)
  a, b = rng.normal(size=(2, 2000, 8))
  mean, deviation = frechet.kernel_distance(
    a, b, subsets=200, subset_size=50, seed=0
  )
  assert abs(mean) < 4 * deviation / 200**0.5


def test_subsets_larger_than_a_set_are_refused(golden):
  with pytest.raises(UserError, match="501 .* from 500 and 600.* 2 to 500"):
    frechet.kernel_distance(
      golden["fd_a"], golden["fd_b"], subsets=1, subset_size=501, seed=0
    )


def test_features_of_two_networks_are_not_compared(few):
  other = frechet.Statistics(np.zeros(2), np.eye(2), 10)
  with pytest.raises(ValueError, match="cannot be compared"):
    frechet.frechet_distance(few, other)
