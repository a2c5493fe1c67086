"""Every metric looks at the same translations, and says what it should."""

import numpy as np
import pytest

from akd_jax.evaluation.metrics.outcomes import METRICS, Names, Outcome

NAMES = Names(
  ("Bald", "Blond_Hair"),
  ("Bald", "Blond_Hair", "Male", "Young"),
  (("Bald", "Blond_Hair"),),
)


def outcome(**changes):
  """Blond hair set on four people; the first of them looked at closely."""
  sources = np.zeros((4, 8, 8, 3), np.uint8)
  truths = sources[:1].copy()
  truths[:, :4] = 200
  masks = np.any(truths != sources[:1], axis=-1)
  translated = sources.copy()
  translated[:, :4] = 200
  return Outcome(
    **{
      "attribute": "Blond_Hair",
      "positions": np.arange(4),
      "targets": np.array([[0, 1]] * 4),
      "labels": np.array([[1, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0] * 4]),
      "sources": sources,
      "translated": translated,
      "before": np.array([[1, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0] * 4]),
      "after": np.array(
        [[0, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]]
      ),
      "features": np.zeros((4, 2)),
      "closely": np.array([0]),
      "maps": {"block_0": np.array([[[1.0, 1.0], [0.0, 0.0]]])},
      "truths": truths,
      "masks": masks,
      "truly": np.array([[0, 1, 0, 1]]),
    }
    | changes
  )


def test_accuracy_is_the_share_of_wanted_verdicts():
  assert METRICS["accuracy"](outcome(), NAMES) == {
    "accuracy": 0.75,
    "images": 4,
  }


def test_a_flip_is_right_where_the_attribute_was_to_be_cleared():
  flipped = outcome(targets=np.array([[0, 1], [0, 1], [0, 1], [0, 0]]))
  assert METRICS["accuracy"](flipped, NAMES)["accuracy"] == 1


def test_the_judge_is_tried_on_the_truth():
  assert METRICS["true_accuracy"](outcome(), NAMES) == {"true_accuracy": 1}
  blind = outcome(truly=np.zeros((1, 4)))
  assert METRICS["true_accuracy"](blind, NAMES) == {"true_accuracy": 0}


def test_leakage_counts_what_nobody_asked_for():
  row = METRICS["leakage"](outcome(), NAMES)
  # Blond hair is to end baldness.
  assert row["flips"]["Bald"] is row["flips"]["Blond_Hair"] is None
  assert row["flips"]["Male"]["flips"] == 0.25
  assert row["flips"]["Young"]["flips"] == 0.25
  assert row["mean_flips"] == 0.25
  assert row["gender"]["male"] == {"misjudged": 0.5, "before": 0, "images": 2}
  assert row["gender"]["female"]["misjudged"] == 0
  # The one man looked at closely is taken for a woman by his true picture.
  assert row["true_gender"] == {
    "male": {"misjudged": 1, "before": 0, "images": 1},
    "female": {"misjudged": None, "before": None, "images": 0},
  }


def test_there_is_no_gender_test_of_a_judge_that_does_not_know():
  names = Names(NAMES.attributes, NAMES.attributes, ())
  few = outcome(before=np.eye(4)[:, :2], after=np.eye(4)[:, :2])
  assert "gender" not in METRICS["leakage"](few, names)


def test_the_true_translation_has_no_error():
  errors = METRICS["counterfactual"](outcome(), NAMES)["counterfactual"]
  assert errors["inside"]["error"] == errors["outside"]["error"] == 0
  assert errors["inside"]["nothing"] == pytest.approx(200 / 255)


def test_identity_is_looked_for_among_those_looked_at_closely():
  alone = METRICS["identity"](outcome(), NAMES)
  assert alone == {"identity": {"value": 1, "chance": 1, "images": 1}}


def test_attention_on_the_region_is_perfect():
  scores = METRICS["localization"](outcome(), NAMES)["attention"]["block_0"]
  assert scores["share"]["value"] == scores["iou"]["value"] == 1
  assert scores["share"]["chance"] == 0.5


def test_where_no_truth_is_known_nothing_is_said_of_it():
  blind = outcome(truths=None, masks=None, truly=None)
  assert METRICS["true_accuracy"](blind, NAMES) == {}
  assert "true_gender" not in METRICS["leakage"](blind, NAMES)
  assert METRICS["counterfactual"](blind, NAMES) == {}
  assert METRICS["identity"](blind, NAMES) == {}
  assert METRICS["localization"](blind, NAMES) == {}
