"""Gender bias, against examples worked out by hand."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.evaluation.metrics.gender import (
  gender_test,
  gender_tests,
  label_distribution,
)
from akd_jax.evaluation.metrics.outcome import Names

SEEN = ("Bald", "Wearing_Lipstick", "Male")


def test_women_and_men_are_tested_apart():
  # Of three true women one is taken for a man after, and another was before.
  male = np.array([0, 0, 0, 1])
  tests = gender_test(np.array([0, 0, 1, 0]), np.array([1, 0, 0, 0]), male)
  assert tests == {
    "female": {
      "misjudged": pytest.approx(1 / 3),
      "before": pytest.approx(1 / 3),
      "images": 3,
    },
    "male": {"misjudged": 1.0, "before": 1.0, "images": 1},
  }
  assert json.loads(json.dumps(tests)) == tests


def test_of_nobody_nothing_is_said():
  tests = gender_test(np.ones(4), np.zeros(4), np.zeros(4))
  assert tests["male"] == {"misjudged": None, "before": None, "images": 0}
  assert tests["female"]["before"] == 1


def test_who_loses_the_attribute_is_not_counted():
  outcome = SimpleNamespace(
    attribute="Bald",
    names=Names(("Bald",), SEEN, ()),
    targets=np.array([[1], [0]]),
    labels=np.array([[0, 0, 0], [1, 0, 0]]),
    before=np.zeros((2, 3)),
    after=np.array([[1, 0, 0], [0, 0, 1]]),
    probes=SimpleNamespace(predictions=None),
  )
  women = gender_tests(outcome)["gender"]["female"]
  assert women == {"misjudged": 0.0, "before": 0.0, "images": 1}


def test_the_label_distribution_gives_the_figures_of_table_v():
  # 4 men of whom 2 are bald, 6 women of whom 3 wear lipstick.
  labels = np.zeros((10, 3), np.uint8)
  labels[:4, 2] = labels[:2, 0] = labels[4:7, 1] = 1
  assert label_distribution(labels, SEEN) == {
    "images": 10,
    "male": 0.4,
    "female": 0.6,
    "attributes": {
      "Bald": {
        "share": 0.2, "images": 2, "male": 1.0, "female": 0.0,
        "of_male": 0.5, "of_female": 0.0,
      },
      "Wearing_Lipstick": {
        "share": 0.3, "images": 3, "male": 0.0, "female": 1.0,
        "of_male": 0.0, "of_female": 0.5,
      },
    },
  }  # fmt: skip


def test_an_attribute_that_nobody_has_is_shared_by_nobody():
  rows = label_distribution(np.array([[0, 0, 1]]), SEEN)["attributes"]
  assert rows["Bald"]["male"] is None and rows["Bald"]["of_female"] is None
  with pytest.raises(UserError, match="'Male' is not in the labels'"):
    label_distribution(np.zeros((1, 2)), SEEN[:2])
