"""What seeds and tables say, by numbers worked out by hand or published."""

import numpy as np
import pytest

from akd_jax.experiments.statistics import (
  format_difference,
  format_spread,
  paired_difference,
  pool,
  seeds_needed,
  spread,
)


def test_the_interval_is_students():
  # Five differences of 1 to 5: 3 +- 2.776 * 1.5811 / sqrt(5).
  baseline = np.array([10.0, 20, 30, 40, 50])
  mean, low, high = paired_difference(baseline + [1, 2, 3, 4, 5], baseline)
  assert mean == 3
  assert (low, high) == pytest.approx((1.0368, 4.9632), abs=1e-4)
  assert spread([1.0, 3.0]) == (2, pytest.approx(np.sqrt(2)))


def test_one_seed_has_no_interval():
  assert np.isnan(paired_difference([1.0], [0.0]).low)
  assert np.isnan(spread([1.0]).deviation)


def test_where_a_seed_lacks_a_value_there_is_no_figure():
  assert format_spread([1.0, 3.0], 1) == "2.0 ± 1.4"
  assert format_spread([1.0, None], 1) == format_spread([], 1) == "-"
  assert format_difference([1.0, 2.0], [0.0, 1.0], 1) == "+1.0 [+1.0, +1.0]"
  for baseline in ([0.0, None], []):
    assert format_difference([1.0, 2.0], baseline, 1) == "-"


def test_tables_of_equal_errors_are_pooled_by_hand():
  # Q = 4 + 0 + 4 with 2 degrees of freedom; 8 / (1 + tau^2) = 2, so tau^2 = 3;
  # the interval is Student's of 0, 2 and 4: 2 +- 4.3027 * 2 / sqrt(3).
  found = pool([0, 2, 4], [1, 1, 1])
  assert found.mean == pytest.approx(2)
  assert found.deviation == pytest.approx(np.sqrt(3))
  assert (found.low, found.high) == pytest.approx((-2.9683, 6.9683), abs=1e-4)
  assert found.inconsistency == pytest.approx(6 / 8)
  assert found.p == pytest.approx(np.exp(-4))  # chi^2 of 2 degrees: e^(-Q/2)


def test_tables_that_agree_are_weighed_by_their_errors_alone():
  # Weights 4 and 1: (4 * 1 + 1 * 2) / 5; Q = 0.8 is below 1, so no tau, and
  # the error 1 / sqrt(5) is not made smaller; 12.7062 is Student's of 1.
  found = pool([1, 2], [0.5, 1])
  assert found.mean == pytest.approx(1.2)
  assert found.deviation == found.inconsistency == 0
  assert found.high - found.mean == pytest.approx(
    12.7062 / np.sqrt(5), abs=1e-4
  )


def test_a_published_meta_analysis_is_reproduced():
  # The 13 trials of BCG vaccines of Colditz et al. (1994), log relative risks:
  # R's metafor has Q = 152.23, I^2 = 92.12 % and, by Paule and Mandel,
  # tau^2 = 0.3181.
  ill = np.array([4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27])
  well = np.array(
    [119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493,
     16886]
  )  # fmt: skip
  others_ill = np.array([11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29])
  others_well = np.array(
    [128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338,
     17825]
  )  # fmt: skip
  total, others = ill + well, others_ill + others_well
  risks = np.log((ill / total) / (others_ill / others))
  variances = 1 / ill - 1 / total + 1 / others_ill - 1 / others
  found = pool(risks, np.sqrt(variances))
  assert found.deviation**2 == pytest.approx(0.3181, abs=5e-5)
  assert found.inconsistency == pytest.approx(0.9212, abs=5e-5)
  # What Paule and Mandel ask of tau^2, and the mean that it makes.
  weights = 1 / (variances + found.deviation**2)
  mean = np.average(risks, weights=weights)
  assert found.mean == pytest.approx(mean, rel=1e-6)
  assert np.sum(weights * (risks - mean) ** 2) == pytest.approx(12, rel=1e-6)


@pytest.mark.parametrize(
  ("means", "errors"), [([1.0], [1.0]), ([1, 2], [1, 0]), ([1, 2], [1])]
)
def test_what_can_not_be_pooled_is_refused(means, errors):
  with pytest.raises(ValueError, match="two tables or more"):
    pool(means, errors)


def test_equal_tables_are_pooled_to_themselves():
  found = pool([3, 3, 3], [1, 2, 3])
  assert found.mean == pytest.approx(3) and found.p == 1
  assert found.inconsistency == found.deviation == 0


def test_as_many_seeds_are_needed_as_find_the_difference():
  # 80 % of the time by the t test, as simulated: a seed fewer does not do.
  difference, deviation = 2.0, 2.8
  needed = seeds_needed(difference, deviation)
  assert needed == seeds_needed(-difference, deviation) == 18
  # One in twenty intervals lies beside 0, on either side, whatever is true.
  assert seeds_needed(0.1, 1.0, power=0.05) == 2
  rng = np.random.default_rng(0)
  found = []
  for count in (needed - 1, needed):
    draws = rng.normal(difference, deviation, (100_000, count))
    error = draws.std(1, ddof=1) / np.sqrt(count)
    # Student's 0.975 quantiles of 16 and 17 degrees of freedom.
    limit = {17: 2.1199, 18: 2.1098}[count]
    found.append(np.mean(np.abs(draws.mean(1)) > limit * error))
  assert found[0] < 0.8 < found[1]


def test_no_number_of_seeds_finds_nothing():
  with pytest.raises(ValueError, match="no seeds find 0"):
    seeds_needed(0, 1)
