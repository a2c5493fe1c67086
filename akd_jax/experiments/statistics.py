"""What several seeds say: means with spread, differences with intervals."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Spread(NamedTuple):
  """Mean and (unbiased) standard deviation over seeds; NaN of one seed."""

  mean: float
  deviation: float


class Difference(NamedTuple):
  """A mean paired difference, and its 95 % confidence interval."""

  mean: float
  low: float
  high: float


def spread(values: Sequence[float]) -> Spread:
  """Of one value a seed."""
  deviation = np.std(values, ddof=1) if len(values) > 1 else np.nan
  return Spread(float(np.mean(values)), float(deviation))


def paired_difference(
  values: Sequence[float], baseline: Sequence[float]
) -> Difference:
  """How much larger `values` are, seed by seed (Student's t).

  Seeds are shared: both were taught by the same teacher and began alike, so the
  spread of the differences is that of what is compared. One seed has no
  interval: it is NaN.
  """
  differences = np.subtract(values, baseline)
  mean, deviation = spread(differences.tolist())
  count = len(differences)
  if count < 2:
    return Difference(mean, np.nan, np.nan)
  # Imported here: it takes a second, and only this needs it.
  from scipy import stats

  half = stats.t.ppf(0.975, count - 1) * deviation / np.sqrt(count)
  return Difference(mean, float(mean - half), float(mean + half))
