"""Frechet and kernel distance of two sets of images, by their features.

With the features of akd_jax.models.inception they are FID and KID, equal to
pytorch-fid's and torch-fidelity's. Computed by NumPy in float64.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.common.files import written_whole


class Statistics(NamedTuple):
  """What the Frechet distance needs to know of a set of features.

  Attributes:
    mean: float64 [F].
    covariance: float64 [F, F], unbiased, as numpy.cov.
    images: how many it was taken of; 0: not known.
  """

  mean: np.ndarray
  covariance: np.ndarray
  images: int


def statistics(batches: Iterable[np.ndarray]) -> Statistics:
  """Mean and covariance of features that come in batches [B, F].

  Only one batch is held at a time. Each is centred by its own mean before
  it is squared, so that nothing cancels (Chan, Golub and LeVeque, 1979).

  Raises:
    UserError: there are fewer than two images.
  """
  count, mean, scatter = 0, np.zeros(()), np.zeros(())
  for batch in batches:
    batch = np.asarray(batch, np.float64)
    if not len(batch):
      continue
    batch_mean = batch.mean(axis=0)
    centred = batch - batch_mean
    shift = batch_mean - mean
    total = count + len(batch)
    weight = count * len(batch) / total
    scatter = scatter + centred.T @ centred + weight * np.outer(shift, shift)
    mean = mean + shift * (len(batch) / total)
    count = total
  if count < 2:
    raise UserError(f"a covariance needs two images or more, not {count}")
  return Statistics(mean, scatter / (count - 1), count)


def frechet_distance(a: Statistics, b: Statistics) -> float:
  """Squared Frechet distance of the normal distributions with these moments.

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
  """Kernel distance: the squared maximum mean discrepancy, without bias.

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


def save_statistics(path: str | Path, kept: Statistics) -> None:
  """Writes them whole or not at all, under pytorch-fid's names and `count`."""
  with written_whole(path) as partial, open(partial, "wb") as file:
    np.savez(file, mu=kept.mean, sigma=kept.covariance, count=kept.images)


def load_statistics(path: str | Path) -> Statistics:
  """Reads what `save_statistics` wrote, or `pytorch_fid --save-stats`.

  Raises:
    UserError: there is no such file, or it is none of these.
  """
  try:
    # Opened here: np.load leaves a damaged file open.
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
      mean, covariance = arrays["mu"], arrays["sigma"]
      count = int(arrays["count"]) if "count" in arrays else 0
    if mean.ndim != 1 or covariance.shape != 2 * mean.shape:
      raise ValueError(f"mu is {mean.shape}, sigma is {covariance.shape}")
  except OSError as error:
    raise UserError(f"cannot read {path}: {error.strerror or error}") from error
  except Exception as error:  # There is no end to what damage may raise.
    raise UserError(f"{path} holds no statistics: {error}") from error
  return Statistics(
    mean.astype(np.float64), covariance.astype(np.float64), count
  )


def _check_features(a: np.ndarray, b: np.ndarray) -> None:
  if a.shape != b.shape:
    raise ValueError(f"features of {a.shape} and {b.shape} cannot be compared")


def _discrepancy(x: np.ndarray, y: np.ndarray) -> float:
  """Unbiased squared discrepancy of two subsets [S, F]."""
  size = len(x)
  within = 0.0
  for z in (x, y):
    kernel = _kernel(z, z)
    within += kernel.sum() - np.trace(kernel)
  return within / (size * (size - 1)) - 2 * _kernel(x, y).mean()


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
  return (x @ y.T / x.shape[1] + 1) ** 3
