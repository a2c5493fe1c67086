"""Gender bias: who is taken for the other gender once an attribute is set.

A generator that learnt that the bald are men (99.6 % of CelebA's are) makes men
of women; paper 2, section IV-E2, measures that.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from akd_jax.data.attributes import attribute_indices
from akd_jax.evaluation.metrics.metric import (
  PERCENT,
  SAME_PREDICTIONS,
  Metric,
  mean_if_any,
  read_rows,
)
from akd_jax.evaluation.metrics.outcome import GENDER, Outcome

# The values of Male, as results name them.
GENDERS = ("female", "male")


def gender_test(
  before: np.ndarray, after: np.ndarray, male: np.ndarray
) -> dict[str, Any]:
  """Measures how often people are taken for the other gender (Table IV).

  The paper's table has two of these figures: Bald set on women, and
  Wearing_Lipstick set on men.

  Args:
    before: 0/1 [N], whether the source pictures are predicted to be of men.
    after: 0/1 [N], and their translations.
    male: 0/1 [N], the true labels.

  Returns:
    {"female", "male": {"misjudged", "before", "images"}}: of those who are
    women and men, the share taken for the other gender after and, since no
    classifier is perfect, before; None without such people.
  """
  tests = {}
  for value, who in enumerate(GENDERS):
    tested = (male > 0) == bool(value)
    wrong = [(x[tested] > 0) != bool(value) for x in (after, before)]
    tests[who] = {
      "misjudged": mean_if_any(wrong[0]),
      "before": mean_if_any(wrong[1]),
      "images": int(tested.sum()),
    }
  return tests


def gender_tests(outcome: Outcome) -> dict[str, Any]:
  """Measures {"gender": `gender_test`} of those whose attribute was set.

  And "true_gender" of the true translations, where these are known.
  """
  column = outcome.names.column(GENDER)
  before, male = outcome.before[:, column], outcome.labels[:, column]
  after = outcome.after[:, column]
  # By the protocol "flip" it is taken away from others.
  given = outcome.targets[:, outcome.names.column(outcome.attribute)] > 0
  found = {"gender": gender_test(before[given], after[given], male[given])}
  probes = outcome.probes
  if probes.predictions is not None:
    found["true_gender"] = gender_test(
      before[probes.chosen], probes.predictions[:, column], male[probes.chosen]
    )
  return found


def label_distribution(
  labels: np.ndarray, attributes: Sequence[str]
) -> dict[str, Any]:
  """Counts how the attributes of a data set go with gender (paper 2, Table V).

  Args:
    labels: 0/1 [N, C].
    attributes: names of the C columns; Male is one.

  Returns:
    {"images", "male", "female", "attributes": {name: {"share", "images",
    "male", "female", "of_male", "of_female"}}}: the share of men and women
    among all, and for every other attribute its share of all images, that of
    men and women among those who have it, and the share of men and of women
    who have it; None where a share is one of nothing. The table prints the
    shares among Bald and Wearing_Lipstick twice, the latter's the wrong way
    round; the text beside it argues from the last two as well.
  """
  (column,) = attribute_indices(attributes, [GENDER], "the labels' attributes")
  on = labels > 0
  male = on[:, column]
  rows = {}
  for i, name in enumerate(attributes):
    if name == GENDER:
      continue
    has = on[:, i]
    rows[name] = {
      "share": mean_if_any(has),
      "images": int(has.sum()),
      "male": mean_if_any(male[has]),
      "female": mean_if_any(~male[has]),
      "of_male": mean_if_any(has[male]),
      "of_female": mean_if_any(has[~male]),
    }
  return {
    "images": len(labels),
    "male": mean_if_any(male),
    "female": mean_if_any(~male),
    "attributes": rows,
  }


def _metric(who: str, title: str) -> Metric:
  return Metric(
    title=title,
    explanation=(
      "Of them, the share predicted to be of the other gender once the"
      " attribute is set."
    ),
    unit=PERCENT,
    better="lower",
    chance="doing nothing",
    needs=("gender",),
    read=read_rows(
      "gender", who, "misjudged", chance=("gender", who, "before")
    ),
    measure=gender_tests,
    truth=read_rows("true_gender", who, "misjudged"),
    by_attribute=True,
    same=SAME_PREDICTIONS,
  )


WOMEN_TAKEN_FOR_MEN = _metric("female", "women taken for men")
MEN_TAKEN_FOR_WOMEN = _metric("male", "men taken for women")
