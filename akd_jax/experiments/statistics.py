"""What several seeds say: means with spread, differences with intervals."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Share of intervals that hold the truth.
_CONFIDENCE = 0.95


class Spread(NamedTuple):
  """Mean and (unbiased) standard deviation over seeds; NaN of one seed."""

  mean: float
  deviation: float


class Difference(NamedTuple):
  """A mean paired difference, and its 95 % confidence interval."""

  mean: float
  low: float
  high: float


class Pooled(NamedTuple):
  """What independent tables say together.

  Attributes:
    mean: of the differences that such tables have.
    low: end of its 95 % confidence interval.
    high: the other end.
    deviation: tau, by which true differences of tables deviate from each other.
    inconsistency: I^2, the share in [0, 1] of the tables' scatter that is
      theirs and not their seeds'.
    p: how often tables of one true difference scatter as much (Cochran's Q).
  """

  mean: float
  low: float
  high: float
  deviation: float
  inconsistency: float
  p: float


def spread(values: Sequence[float]) -> Spread:
  """Returns the spread of one value a seed."""
  deviation = np.std(values, ddof=1) if len(values) > 1 else np.nan
  return Spread(float(np.mean(values)), float(deviation))


def paired_difference(
  values: Sequence[float], baseline: Sequence[float]
) -> Difference:
  """Returns how much larger `values` are, seed by seed (Student's t).

  Seeds are shared: both were taught by the same teacher and began alike, so the
  spread of the differences is that of what is compared. One seed has no
  interval: it is NaN.
  """
  return _interval(np.subtract(values, baseline))


def keep_if_all(values: Sequence[float | None]) -> list[float]:
  """Returns values, one a seed; [] where a seed has none."""
  known = [x for x in values if x is not None]
  return known if len(known) == len(values) else []


def format_spread(values: Sequence[float | None], digits: int) -> str:
  """Returns the mean over seeds and their standard deviation.

  Of one seed, and where all are exactly alike, the mean alone; "-" where a seed
  has no value, or there is no seed.

  Args:
    values: one a seed.
    digits: behind the point.
  """
  if not (known := keep_if_all(values)):
    return "-"
  mean, deviation = spread(known)
  text = f"{mean:,.{digits}f}"
  if np.isnan(deviation) or not deviation:
    return text
  return f"{text} ± {deviation:.{digits}f}"


def format_difference(
  values: Sequence[float | None],
  baseline: Sequence[float | None],
  digits: int,
) -> str:
  """Returns a difference, seed by seed, and its 95 % interval.

  "-" where a seed lacks either value, or there is no seed.

  Args:
    values, baseline: as for `paired_difference`.
    digits: behind the point.
  """
  ours, theirs = keep_if_all(values), keep_if_all(baseline)
  if not ours or not theirs:
    return "-"
  mean, low, high = paired_difference(ours, theirs)
  text = f"{mean:+,.{digits}f}"
  if np.isnan(low):
    return text
  return f"{text} [{low:+,.{digits}f}, {high:+,.{digits}f}]"


def _interval(values: np.ndarray) -> Difference:
  mean, deviation = spread(values.tolist())
  count = len(values)
  if count < 2:
    return Difference(mean, np.nan, np.nan)
  half = quantile(count - 1) * deviation / np.sqrt(count)
  return Difference(mean, float(mean - half), float(mean + half))


def quantile(freedom: int) -> float:
  """Returns how many standard errors an interval reaches to either side.

  Args:
    freedom: degrees of freedom of Student's t.
  """
  # Imported here: it takes a second, and little needs it.
  from scipy import stats

  return float(stats.t.ppf((1 + _CONFIDENCE) / 2, freedom))


def pool(means: Sequence[float], errors: Sequence[float]) -> Pooled:
  """Pools independent tables by a random-effects meta-analysis.

  A table's true difference may deviate from the others'. The variance of that
  is Paule and Mandel's (1982) estimate; the interval is that of Hartung, Knapp,
  Sidik and Jonkman (2001, 2002), by Student's t, never narrower than without
  their correction (Röver, Knapp and Friede, 2015).

  Args:
    means: the mean difference of each table. They share no students; tables
      that share a teacher are less independent than is assumed here.
    errors: the standard error of each, positive.

  Raises:
    ValueError: there are fewer than two tables, or an error is not positive.
  """
  from scipy import optimize, stats

  found, variances = np.asarray(means, float), np.square(errors)
  freedom = len(found) - 1
  if freedom < 1 or len(variances) != len(found) or not (variances > 0).all():
    raise ValueError(
      f"pooling takes two tables or more, each with its error, not {means} and"
      f" {errors}"
    )

  def scatter(between: float) -> tuple[float, float, float]:
    """The weighted mean, the scatter around it, the sum of weights."""
    weights = 1 / (variances + between)
    mean = np.average(found, weights=weights)
    return mean, np.sum(weights * (found - mean) ** 2), np.sum(weights)

  def excess(between: float) -> float:
    return scatter(between)[1] - freedom

  _, within, _ = scatter(0.0)
  between = 0.0
  if within > freedom:
    # No more than the variance of the means: there, nothing is in excess.
    between = optimize.brentq(
      excess, 0.0, float(np.ptp(found) ** 2 * len(found))
    )
  mean, remaining, total = scatter(between)
  error = np.sqrt(max(remaining / freedom, 1.0) / total)
  half = quantile(freedom) * error
  return Pooled(
    mean=float(mean),
    low=float(mean - half),
    high=float(mean + half),
    deviation=float(np.sqrt(between)),
    inconsistency=float(max(0.0, 1 - freedom / within)) if within else 0.0,
    p=float(stats.chi2.sf(within, freedom)),
  )


def seeds_needed(
  difference: float, deviation: float, power: float = 0.8
) -> int:
  """Returns how many seeds find a true difference as often as `power` says.

  By the test that `paired_difference` makes: its interval does not hold 0. Its
  t is then distributed as a noncentral t.

  Args:
    difference: the true one, not 0.
    deviation: of the paired differences, above 0.
    power: in (0, 1).
  """
  from scipy import stats

  if not difference or deviation <= 0 or not 0 < power < 1:
    raise ValueError(
      f"no seeds find {difference} where differences deviate by {deviation},"
      f" with a power of {power}"
    )
  count = 2
  while True:
    shift = abs(difference) / deviation * np.sqrt(count)
    limit = quantile(count - 1)
    beyond = stats.nct.sf(limit, count - 1, shift)
    below = stats.nct.cdf(-limit, count - 1, shift)
    if beyond + below >= power:
      return count
    count += 1
