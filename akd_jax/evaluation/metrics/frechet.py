"""Frechet and kernel distance of two sets of images, by their features.

With the features of akd_jax.models.inception they are FID and KID, equal to
pytorch-fid's and torch-fidelity's. Computed by NumPy in float64.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from akd_jax.common.errors import UserError


class Statistics(NamedTuple):
  """What the Frechet distance needs to know of a set of features.

  Attributes:
    mean: float64 [F].
    covariance: float64 [F, F], unbiased, as numpy.cov.
    images: how many it was taken of.
  """

  mean: np.ndarray
  covariance: np.ndarray
  images: int


class Moments:
  """Sums over features that come in batches, from which `Statistics` follow.

  Only one batch is held at a time. Each is centred by its own mean before
  it is squared, so that nothing cancels (Chan, Golub and LeVeque, 1979).
  """

  def __init__(self) -> None:
    self._count = 0
    self._mean: np.ndarray = np.zeros(())
    self._scatter: np.ndarray = np.zeros(())

  @property
  def count(self) -> int:
    """How many images there were."""
    return self._count

  def add(self, batch: np.ndarray) -> None:
    """Takes in features [B, F]; B may be 0."""
    if not len(batch):
      return
    batch = np.asarray(batch, np.float64)
    if not self._count:
      self._mean = np.zeros(batch.shape[1])
      self._scatter = np.zeros((batch.shape[1], batch.shape[1]))
    batch_mean = batch.mean(axis=0)
    shift = batch_mean - self._mean
    total = self._count + len(batch)
    weight = self._count * len(batch) / total
    # The distance of both means, as one more row: a single product for both.
    rows = np.concatenate([batch - batch_mean, [np.sqrt(weight) * shift]])
    self._scatter += rows.T @ rows
    self._mean += shift * (len(batch) / total)
    self._count = total

  def statistics(self) -> Statistics:
    """Returns those of all images so far.

    Raises:
      UserError: there are fewer than two.
    """
    if self._count < 2:
      raise UserError(
        f"a covariance needs two images or more, not {self._count}"
      )
    covariance = self._scatter / (self._count - 1)
    return Statistics(self._mean.copy(), covariance, self._count)


def statistics(batches: Iterable[np.ndarray]) -> Statistics:
  """Returns mean and covariance of features that come in batches [B, F].

  Raises:
    UserError: there are fewer than two images.
  """
  moments = Moments()
  for batch in batches:
    moments.add(batch)
  return moments.statistics()


def frechet_distance(a: Statistics, b: Statistics) -> float:
  """Returns the squared Frechet distance of two normal distributions.

  |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)). The product has the
  eigenvalues of the symmetric A^(1/2) B A^(1/2), none of which is negative
  but by rounding, even where there are fewer images than features.
  """
  _check_features(a.mean, b.mean)
  values, vectors = np.linalg.eigh(a.covariance)
  root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
  product = np.linalg.eigvalsh(root @ b.covariance @ root)
  distance = np.sum((a.mean - b.mean) ** 2)
  distance += np.trace(a.covariance) + np.trace(b.covariance)
  return float(distance - 2 * np.sum(np.sqrt(product.clip(0))))


def kernel_distance(
  a: np.ndarray, b: np.ndarray, *, subsets: int, subset_size: int, seed: int
) -> tuple[float, float]:
  """Returns the kernel distance: an unbiased squared mean discrepancy.

  The kernel is (x.y / F + 1)^3. Subsets are drawn as torch-fidelity draws
  them, whose defaults are 100 subsets of 1000 and the seed 2020.

  Args:
    a: features [N, F].
    b: features [M, F].
    subsets: how many pairs of subsets to draw.
    subset_size: images in each, drawn without replacement.
    seed: of the draws.

  Returns:
    Mean over the subsets, and their standard deviation.

  Raises:
    UserError: there are fewer images than a subset takes.
  """
  _check_features(a[0], b[0])
  if not 2 <= subset_size <= min(len(a), len(b)):
    raise UserError(
      f"subsets of {subset_size} images cannot be drawn from {len(a)} and"
      f" {len(b)}: give a subset size from 2 to {min(len(a), len(b))}"
    )
  # The old generator: another would draw other subsets than torch-fidelity.
  rng = np.random.RandomState(seed)
  distances = [
    _discrepancy(
      a[rng.choice(len(a), subset_size, replace=False)].astype(np.float64),
      b[rng.choice(len(b), subset_size, replace=False)].astype(np.float64),
    )
    for _ in range(subsets)
  ]
  return float(np.mean(distances)), float(np.std(distances))


def _check_features(a: np.ndarray, b: np.ndarray) -> None:
  if a.shape != b.shape:
    raise ValueError(f"features of {a.shape} and {b.shape} cannot be compared")


def _discrepancy(x: np.ndarray, y: np.ndarray) -> float:
  """Returns the unbiased squared discrepancy of two subsets [S, F]."""
  size = len(x)
  within = 0.0
  for z in (x, y):
    kernel = _kernel(z, z)
    within += kernel.sum() - np.trace(kernel)
  return within / (size * (size - 1)) - 2 * _kernel(x, y).mean()


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
  product = x @ y.T / x.shape[1] + 1
  # A third of the time of ** 3.
  return product * product * product
