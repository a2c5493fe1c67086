"""Leakage, against examples worked out by hand."""

import numpy as np
import pytest

from akd_jax.evaluation.metrics.leakage import flips, losses
from akd_jax.evaluation.metrics.outcome import Measured, Names

KNOWN = ("Black_Hair", "Blond_Hair", "Male", "Young")
HAIR = (("Black_Hair", "Blond_Hair", "Gray_Hair"),)
NAMES = Names(KNOWN[:2], KNOWN, HAIR)
BEFORE = np.array(
  [[1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]], np.uint8
)
AFTER = np.array(
  [[0, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1], [0, 1, 0, 1]], np.uint8
)


def row_of(target):
  return flips(BEFORE, AFTER, KNOWN, NAMES.asked_for(target))


def test_flips_are_counted_both_ways():
  row = row_of("Blond_Hair")
  assert row["Male"] == {
    "flips": 0.5,
    "to_on": pytest.approx(1 / 3),
    "to_off": 1.0,
    "images": 4,
    "were_off": 3,
  }
  assert row["Young"]["flips"] == row["Young"]["to_off"] == 0


def test_what_was_asked_for_is_no_leak():
  row = row_of("Blond_Hair")
  assert list(row) == list(KNOWN)
  assert [name for name, cell in row.items() if cell is None] == [
    "Black_Hair", "Blond_Hair",
  ]  # fmt: skip
  # The group is another's: now black hair that vanished is a leak.
  row = row_of("Young")
  assert row["Young"] is None and row["Black_Hair"]["to_off"] == 1


def test_a_target_that_the_classifier_does_not_know_still_has_its_row():
  row = row_of("Gray_Hair")
  assert row["Black_Hair"] is None and row["Blond_Hair"] is None
  assert row["Male"]["flips"] == 0.5


def test_a_translation_that_changes_nothing_leaks_nothing():
  row = flips(BEFORE, BEFORE, KNOWN)
  assert all(cell["flips"] == 0 for cell in row.values())
  # All were predicted off: there is no share of those predicted on.
  assert row["Blond_Hair"]["to_off"] is None


def test_what_is_lost_goes_from_the_picture_to_its_translation():
  fields = dict.fromkeys(Measured._fields)
  fields |= {"names": NAMES, "before": BEFORE, "restored": AFTER}
  lost = losses(Measured(**fields))["self_translation"]
  assert lost == flips(BEFORE, AFTER, KNOWN)
  assert (lost["Blond_Hair"]["to_on"], lost["Black_Hair"]["to_off"]) == (1, 1)


def test_predictions_of_another_classifier_are_refused():
  with pytest.raises(ValueError, match=r"not both \[N, 3\]"):
    flips(BEFORE, AFTER, KNOWN[:3])


def test_a_generator_that_makes_men_of_the_bald_is_found_out():
  known = ("Bald", "Wearing_Lipstick", "Male")
  before = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 1]], np.uint8)
  after = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1]], np.uint8)
  row = flips(before, after, known, {"Bald"})
  assert row["Male"]["to_on"] == 1 and row["Wearing_Lipstick"]["flips"] == 0


def test_nobody_to_translate_is_a_row_of_nothing():
  nobody = np.zeros((0, 4), np.uint8)
  assert flips(nobody, nobody, KNOWN)["Male"] == {
    "flips": None, "to_on": None, "to_off": None, "images": 0, "were_off": 0,
  }  # fmt: skip
