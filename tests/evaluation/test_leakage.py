"""Leakage and gender bias, against examples worked out by hand."""

import json

import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.evaluation.metrics.leakage import (
  flips,
  gender_test,
  label_distribution,
)

HAIR = (("Black_Hair", "Blond_Hair", "Gray_Hair"),)
JUDGED = ("Black_Hair", "Blond_Hair", "Male", "Young")
BEFORE = np.array(
  [[1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]], np.uint8
)
AFTER = np.array(
  [[0, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1], [0, 1, 0, 1]], np.uint8
)


def test_flips_are_counted_both_ways():
  row = flips(BEFORE, AFTER, JUDGED, "Blond_Hair", exclusive=HAIR)
  assert row["Male"] == {
    "flips": 0.5,
    "to_on": pytest.approx(1 / 3),
    "to_off": 1.0,
    "images": 4,
    "were_off": 3,
  }
  assert row["Young"]["flips"] == row["Young"]["to_off"] == 0


def test_what_was_asked_for_is_no_leak():
  row = flips(BEFORE, AFTER, JUDGED, "Blond_Hair", exclusive=HAIR)
  assert list(row) == list(JUDGED)
  assert [name for name, cell in row.items() if cell is None] == [
    "Black_Hair", "Blond_Hair",
  ]  # fmt: skip
  # The group is another's: now black hair that vanished is a leak.
  row = flips(BEFORE, AFTER, JUDGED, "Young", exclusive=HAIR)
  assert row["Young"] is None and row["Black_Hair"]["to_off"] == 1


def test_a_target_unknown_to_the_judge_still_has_its_row():
  row = flips(BEFORE, AFTER, JUDGED, "Gray_Hair", exclusive=HAIR)
  assert row["Black_Hair"] is None and row["Blond_Hair"] is None
  assert row["Male"]["flips"] == 0.5


def test_a_translation_that_changes_nothing_leaks_nothing():
  row = flips(BEFORE, BEFORE, JUDGED, "Gray_Hair", exclusive=())
  assert all(cell["flips"] == 0 for cell in row.values())
  # All were judged off: there is no share of those judged on.
  assert row["Blond_Hair"]["to_off"] is None


def test_verdicts_of_another_judge_are_refused():
  with pytest.raises(ValueError, match=r"not both \[N, 3\]"):
    flips(BEFORE, AFTER, JUDGED[:3], "Young", exclusive=())


def test_the_gender_test_looks_at_one_gender_only():
  # Of three true women one is taken for a man after, and one was before.
  male = np.array([0, 0, 0, 1])
  assert gender_test(BEFORE, AFTER, JUDGED, male, 0) == {
    "misjudged": pytest.approx(1 / 3),
    "before": pytest.approx(1 / 3),
    "images": 3,
  }
  assert gender_test(BEFORE, AFTER, JUDGED, male, 1) == {
    "misjudged": 1.0, "before": 1.0, "images": 1,
  }  # fmt: skip
  nobody = gender_test(BEFORE, AFTER, JUDGED, np.zeros(4), 1)
  assert nobody == {"misjudged": None, "before": None, "images": 0}


def test_a_judge_without_male_cannot_test_gender():
  with pytest.raises(UserError, match="'Male' is not in the judge's"):
    gender_test(BEFORE, AFTER, ("a", "b", "c", "d"), np.zeros(4), 0)


SEEN = ("Bald", "Wearing_Lipstick", "Male")


def test_a_generator_that_makes_men_of_the_bald_is_found_out():
  before = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 1]], np.uint8)
  after = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1]], np.uint8)
  row = flips(before, after, SEEN, "Bald", exclusive=())
  assert row["Male"]["to_on"] == 1 and row["Wearing_Lipstick"]["flips"] == 0
  tests = [gender_test(before, after, SEEN, before[:, 2], v) for v in (0, 1)]
  assert tests == [
    {"misjudged": 1.0, "before": 0.0, "images": 2},
    {"misjudged": 0.0, "before": 0.0, "images": 1},
  ]
  assert json.loads(json.dumps([row, *tests])) == [row, *tests]


def test_nobody_to_translate_is_a_row_of_nothing():
  nobody = np.zeros((0, 3), np.uint8)
  assert flips(nobody, nobody, SEEN, "Bald", exclusive=())["Male"] == {
    "flips": None, "to_on": None, "to_off": None, "images": 0, "were_off": 0,
  }  # fmt: skip


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
