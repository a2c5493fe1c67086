"""Attribute accuracy, against examples worked out by hand."""

import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.evaluation.metrics.accuracy import (
  agreement,
  spread,
  target_labels,
  verdicts,
)

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Eyeglasses")
HAIR = (("Black_Hair", "Blond_Hair", "Gray_Hair"),)
LABELS = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]], np.uint8)

MULTILABEL = {"exclusive": HAIR, "label_rule": "multilabel"}
EXCLUSIVE = {"exclusive": (), "label_rule": "exclusive"}


def targets(name, labels=LABELS, **rules):
  return tuple(
    array.tolist() for array in target_labels(labels, ATTRIBUTES, name, **rules)
  )


@pytest.mark.parametrize(
  "protocol,name,expected",
  [
    ("lacking", "Blond_Hair", ([0, 2], [[0, 1, 0], [0, 1, 1]])),
    ("lacking", "Eyeglasses", ([0], [[1, 0, 1]])),
    ("all", "Blond_Hair", ([0, 1, 2], [[0, 1, 0], [0, 1, 1], [0, 1, 1]])),
    ("flip", "Blond_Hair", ([0, 1, 2], [[0, 1, 0], [0, 0, 1], [0, 1, 1]])),
    ("flip", "Eyeglasses", ([0, 1, 2], [[1, 0, 1], [0, 1, 0], [0, 0, 0]])),
  ],
)
def test_targets_of_each_protocol(protocol, name, expected):
  assert targets(name, protocol=protocol, **MULTILABEL) == expected


@pytest.mark.parametrize(
  "protocol,expected",
  [
    ("lacking", ([0, 2], [[0, 1, 0]] * 2)),
    ("all", ([0, 1, 2], [[0, 1, 0]] * 3)),
  ],
)
def test_an_exclusive_target_is_one_hot(protocol, expected):
  labels = np.eye(3, dtype=np.uint8)
  assert targets("Blond_Hair", labels, protocol=protocol, **EXCLUSIVE) == (
    expected
  )


def test_unknown_protocols_and_attributes_are_named():
  with pytest.raises(UserError, match="'lacks' is none.*'lacking'"):
    targets("Blond_Hair", protocol="lacks", **MULTILABEL)
  with pytest.raises(UserError, match="'Blonde_Hair'.*'Blond_Hair'"):
    targets("Blonde_Hair", protocol="all", **MULTILABEL)


def test_true_labels_are_not_edited():
  before = LABELS.copy()
  for protocol in ("lacking", "all", "flip"):
    targets("Blond_Hair", protocol=protocol, **MULTILABEL)
  np.testing.assert_array_equal(LABELS, before)


def test_a_verdict_is_a_sign_or_the_largest():
  logits = np.array([[-1.0, 2.0, 3.0], [-3.0, -2.0, -4.0]])
  assert verdicts(logits, "multilabel").tolist() == [[0, 1, 1], [0, 0, 0]]
  assert verdicts(logits, "exclusive").tolist() == [[0, 0, 1], [0, 1, 0]]


def test_a_limit_takes_images_from_all_over_the_split():
  assert spread(10, 3).tolist() == [0, 3, 6]
  assert spread(3, 0).tolist() == spread(3, 5).tolist() == [0, 1, 2]


def test_agreement_with_true_labels():
  logits = np.array([[5.0, -1.0, 1.0], [1.0, 2.0, -1.0], [-1.0, -2.0, -3.0]])
  assert agreement(logits, LABELS, ATTRIBUTES, "multilabel") == {
    "mean": pytest.approx(5 / 9),
    "attributes": {
      "Black_Hair": pytest.approx(2 / 3),
      "Blond_Hair": 1.0,
      "Eyeglasses": pytest.approx(0.0),
    },
  }


def test_agreement_of_exclusive_classes_is_that_of_their_own_images():
  logits = np.array([[5.0, 0, 0], [5.0, 0, 0], [0, 5.0, 0]])
  labels = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]], np.uint8)
  assert agreement(logits, labels, ATTRIBUTES, "exclusive") == {
      "mean": 0.75,
      "attributes": {
          "Black_Hair": 1.0, "Blond_Hair": 0.5, "Eyeglasses": None,
      },
  }  # fmt: skip
