"""Weights make attributes independent, and change nothing else."""

import numpy as np
import pytest

from akd_jax.evaluation import raking
from tests.layouts import error

NAMES = ("Male", "Blond_Hair", "Eyeglasses", "Smiling")


def biased_labels(count=4_000, seed=0):
  """Few men are blond, few women wear glasses, and the blond smile."""
  rng = np.random.default_rng(seed)
  male = rng.random(count) < 0.4
  blond = rng.random(count) < np.where(male, 0.02, 0.3)
  glasses = rng.random(count) < np.where(male, 0.3, 0.05)
  smiling = rng.random(count) < np.where(blond, 0.8, 0.3)
  return np.stack([male, blond, glasses, smiling], 1).astype(np.uint8)


def share(labels, weights, name, given=None, value=1):
  """How many have an attribute, of those with a value of another, weighed."""
  has = labels[:, NAMES.index(name)]
  there = weights
  if given:
    there = weights * (labels[:, NAMES.index(given)] == value)
  return there @ has / there.sum()


def test_of_one_pair_weights_are_those_of_the_contingency_table():
  """With margins kept, a cell weighs expected over observed."""
  labels = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [2, 38, 18, 42], axis=0)
  weights = raking.rake(
    labels, ("Male", "Blond_Hair"), {"Male": ("Blond_Hair",)}
  )
  expected = 40 * 20 / 100, 40 * 80 / 100, 60 * 20 / 100, 60 * 80 / 100
  each = np.divide(expected, (2, 38, 18, 42))
  np.testing.assert_allclose(
    weights.of(np.array([[1, 1], [1, 0], [0, 1], [0, 0]])), each
  )


def test_of_several_pairs_each_is_independent_and_shares_stay():
  labels = biased_labels()
  equal = np.ones(len(labels))
  weights = raking.rake(
    labels, NAMES, {"Male": ("Blond_Hair", "Eyeglasses"), "Smiling": ("Male",)}
  ).of(labels)
  assert weights.mean() == pytest.approx(1, abs=1e-4) and weights.min() > 0
  for name in NAMES:
    assert share(labels, weights, name) == pytest.approx(
      share(labels, equal, name), abs=1e-4
    )
  for name in ("Blond_Hair", "Eyeglasses", "Smiling"):
    of_men, of_women = (
      share(labels, weights, name, "Male", value) for value in (1, 0)
    )
    assert of_men == pytest.approx(of_women, abs=1e-3)
  # What is not asked for stays: the blond smile more.
  assert share(labels, weights, "Smiling", "Blond_Hair") > 0.7


def test_pictures_of_other_labels_are_weighed_by_the_same_factors():
  labels = biased_labels()
  weights = raking.rake(labels, NAMES, {"Male": ("Blond_Hair",)})
  np.testing.assert_array_equal(weights.of(labels[:7]), weights.of(labels)[:7])


@pytest.mark.parametrize("kind", [bool, np.float32])
def test_labels_of_any_kind_of_number_are_weighed_alike(kind):
  labels = biased_labels()
  pair = {"Male": ("Blond_Hair",)}
  expected = raking.rake(labels, NAMES, pair).of(labels)
  other = labels.astype(kind)
  np.testing.assert_array_equal(
    raking.rake(other, NAMES, pair).of(other), expected
  )


def test_equal_weights_are_as_good_as_all_pictures():
  assert raking.measure_effective_size(np.full(50, 3.0)) == pytest.approx(50)
  # 10 of 1 and 10 of 3: 40^2 / (10 + 90).
  assert raking.measure_effective_size(
    np.repeat([1.0, 3.0], 10)
  ) == pytest.approx(16)


@pytest.mark.parametrize(
  ("independent", "expected"),
  [
    ({"Mael": ("Smiling",)}, "='Mael' is none of .*did you mean 'Male'"),
    (
      {"Male": ("Goatee",)},
      "config.classifier.unbiased.Male='Goatee' is none of",
    ),
  ],
)
def test_an_unknown_attribute_is_named(independent, expected):
  with pytest.raises(ValueError, match=expected):
    raking.rake(biased_labels(), NAMES, independent)


def test_a_combination_that_nobody_has_is_named():
  labels = biased_labels()
  labels[labels[:, 0] > 0, 1] = 0
  message = error(raking.rake, labels, NAMES, {"Male": ("Blond_Hair",)})
  assert "no training picture is with Male and with Blond_Hair" in message
  assert "leave Blond_Hair out" in message


def test_pairs_that_exclude_each_other_s_weights_are_refused():
  """Who is blond and smiles is no man, and who does neither is no woman."""
  labels = np.array(
    [[0, 1, 0, 1]] * 5 + [[1, 0, 0, 0]] * 5 + [[1, 1, 0, 0], [0, 0, 0, 1]]
    + [[1, 0, 0, 1]] + [[0, 1, 0, 0]]
  )  # fmt: skip
  message = error(
    raking.rake, labels, NAMES,
    {"Male": ("Blond_Hair",), "Blond_Hair": ("Smiling",), "Smiling": ("Male",)},
  )  # fmt: skip
  assert "Male and Blond_Hair, Blond_Hair and Smiling" in message
