"""By an equal prior a classifier says what a picture tells, and no more."""

import numpy as np
import pytest
import scipy.special

from akd_jax.evaluation.prior import assume_equal_shares

# Of four kinds of pictures: how many, of a hundred, have each label.
COUNTS = np.array([[2, 30], [2, 1], [0, 40], [6, 19]])


def all_pictures():
  """The kind [100] and the label [100] of each."""
  pairs = np.ndindex(COUNTS.shape)
  return np.repeat(np.array(list(pairs)), COUNTS.ravel(), 0).T


def adjusted(kernel, bias, shares, rule):
  """The logits of each kind by a last layer [kinds, K] that is adjusted."""
  fc = {"kernel": kernel, "bias": bias}
  variables = {"params": {"fc": fc, "conv1": 1}, "batch_stats": 2}
  moved = assume_equal_shares(variables, shares, rule)
  assert moved["params"]["fc"]["kernel"] is kernel
  assert moved["params"]["conv1"] == 1 and moved["batch_stats"] == 2
  np.testing.assert_array_equal(fc["bias"], bias)  # Not in place.
  return kernel + np.asarray(moved["params"]["fc"]["bias"])


def test_an_attribute_is_predicted_where_it_is_likelier_than_among_all():
  _, label = all_pictures()
  has = 1 - label
  share = has.mean()
  with np.errstate(divide="ignore"):
    usual = np.log(COUNTS[:, 0] / COUNTS[:, 1])  # Bayes, by the data.
    likelihood = np.log(COUNTS[:, 0] / has.sum()) - np.log(
      COUNTS[:, 1] / (1 - has).sum()
    )
  bias = np.log(share / (1 - share))
  found = adjusted((usual - bias)[:, None], np.array([bias]), np.array([share]),
                   "multilabel")  # fmt: skip
  np.testing.assert_allclose(found[:, 0], likelihood, rtol=1e-5)
  # Of the last kind a quarter have it, of all a tenth.
  np.testing.assert_array_equal(usual > 0, [False, True, False, False])
  np.testing.assert_array_equal(found[:, 0] > 0, [False, True, False, True])


def test_of_exclusive_classes_none_is_rarer_than_another():
  _, label = all_pictures()
  shares = np.eye(2)[label].mean(0)
  of_each = COUNTS / COUNTS.sum(0)
  with np.errstate(divide="ignore"):
    kernel, bias = np.log(of_each), np.log(shares)
  found = adjusted(kernel, bias, shares, "exclusive")
  np.testing.assert_allclose(
    scipy.special.softmax(found, 1),
    of_each / of_each.sum(1, keepdims=True),
    rtol=1e-5,
  )


@pytest.mark.parametrize("rule", ["multilabel", "exclusive"])
def test_what_all_have_or_none_stays_as_it_is(rule):
  shares = np.array([1.0, 0.0])
  found = adjusted(np.zeros((4, 2)), np.array([1.0, 2.0]), shares, rule)
  np.testing.assert_array_equal(found, [[1, 2]] * 4)
