"""Leakage: what else changes where one attribute is set, and gender bias.

A judge that knows more attributes than the generator translates looks at
pictures before and after. A generator that learnt that the bald are men (99.6 %
of CelebA's are) makes men of women; paper 2, section IV-E2, measures that.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from akd_jax.data.attributes import attribute_indices

GENDER = "Male"
# The values of Male, as results name them.
GENDERS = ("female", "male")

Flips = dict[str, dict[str, Any] | None]


def flips(
  before: np.ndarray,
  after: np.ndarray,
  judged: Sequence[str],
  target: str,
  *,
  exclusive: Sequence[Sequence[str]],
) -> Flips:
  """How often each attribute flips where `target` is set: a matrix's row.

  Args:
    before: 0/1 [N, K], the judge's verdicts on the source pictures.
    after: 0/1 [N, K], its verdicts on their translations.
    judged: names of the K columns.
    target: the attribute that was set; the judge need not know it.
    exclusive: groups of attributes of which at most one is on.

  Returns:
    {name: {"flips", "to_on", "to_off", "images", "were_off"}} of all K. The
    shares are of all N images, of the `were_off` judged off before, and of the
    others; None where there are none. In place of the dictionary stands None
    where the change was asked for: at the target, and at what shares a group
    with it (setting Blond_Hair is to clear Black_Hair).
  """
  if before.shape != after.shape or before.shape[1:] != (len(judged),):
    raise ValueError(
      f"verdicts {before.shape} before and {after.shape} after are not both"
      f" [N, {len(judged)}]"
    )
  asked = {target}.union(*(group for group in exclusive if target in group))
  return {
    name: None if name in asked else _flips(before[:, i] > 0, after[:, i] > 0)
    for i, name in enumerate(judged)
  }


def _flips(before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
  changed = before != after
  return {
    "flips": _share(changed),
    "to_on": _share(changed[~before]),
    "to_off": _share(changed[before]),
    "images": len(before),
    "were_off": int((~before).sum()),
  }


def _share(hits: np.ndarray) -> float | None:
  return float(hits.mean()) if len(hits) else None


def gender_test(
  before: np.ndarray,
  after: np.ndarray,
  judged: Sequence[str],
  male: np.ndarray,
  value: int,
) -> dict[str, Any]:
  """How often people of one gender are taken for the other (paper 2, Table IV).

  The table has two of these tests: Bald set on women (value 0), and
  Wearing_Lipstick set on men (value 1).

  Args:
    before: 0/1 [N, K], the judge's verdicts on the source pictures.
    after: 0/1 [N, K], its verdicts on their translations.
    judged: names of the K columns; Male is one.
    male: 0/1 [N], the true labels.
    value: of Male, of those who are tested.

  Returns:
    {"misjudged", "before", "images"}: the share taken for the other gender
    after and, since no judge is perfect, before; None without such people.
  """
  (column,) = attribute_indices(judged, [GENDER], "the judge's attributes")
  tested = (male > 0) == bool(value)
  wrong = [
    (said[tested, column] > 0) != bool(value) for said in (after, before)
  ]
  return {
    "misjudged": _share(wrong[0]),
    "before": _share(wrong[1]),
    "images": int(tested.sum()),
  }


def gender_tests(
  before: np.ndarray,
  after: np.ndarray,
  judged: Sequence[str],
  male: np.ndarray,
) -> dict[str, Any]:
  """The gender test of women and of men: {"female", "male": `gender_test`}."""
  return {
    who: gender_test(before, after, judged, male, value)
    for value, who in enumerate(GENDERS)
  }


def label_distribution(
  labels: np.ndarray, attributes: Sequence[str]
) -> dict[str, Any]:
  """How the attributes of a data set go with gender (paper 2, Table V).

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
      "share": _share(has),
      "images": int(has.sum()),
      "male": _share(male[has]),
      "female": _share(~male[has]),
      "of_male": _share(has[male]),
      "of_female": _share(has[~male]),
    }
  return {
    "images": len(labels),
    "male": _share(male),
    "female": _share(~male),
    "attributes": rows,
  }
