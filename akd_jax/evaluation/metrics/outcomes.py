"""What became of pictures on which an attribute was set, and its metrics."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from akd_jax.evaluation.metrics import leakage
from akd_jax.evaluation.metrics.counterfactual import counterfactual_errors
from akd_jax.evaluation.metrics.identity import identity_kept
from akd_jax.evaluation.metrics.localization import localization


class Outcome(NamedTuple):
  """Pictures on which one attribute was set; n are looked at closely.

  Attributes:
    attribute: its name.
    positions: [M], the pictures' indices in the test split.
    targets: 0/1 [M, C], the labels that were asked for.
    labels: 0/1 [M, K], the true ones.
    sources: uint8 [M, S, S, 3].
    translated: uint8 [M, S, S, 3].
    before: 0/1 [M, K], the judge's verdicts on the sources.
    after: 0/1 [M, K], and on the translations.
    features: [M, F], the judge's, of the translations.
    closely: [n], which of the M are looked at closely: some that lack the
      attribute, whatever the protocol, since their truth is known.
    maps: {activation: [n, h, w]}, their attention; none without any.
    truths: uint8 [n, S, S, 3], the true translations; None where unknown.
    masks: bool [n, S, S], the pixels that the attribute owns; None, too.
    truly: 0/1 [n, K], the judge's verdicts on the true translations; None, too.
  """

  attribute: str
  positions: np.ndarray
  targets: np.ndarray
  labels: np.ndarray
  sources: np.ndarray
  translated: np.ndarray
  before: np.ndarray
  after: np.ndarray
  features: np.ndarray
  closely: np.ndarray
  maps: dict[str, np.ndarray]
  truths: np.ndarray | None
  masks: np.ndarray | None
  truly: np.ndarray | None


class Names(NamedTuple):
  """What the labels of an `Outcome` are of.

  Attributes:
    attributes: the C that are translated.
    judged: the K that the judge knows; begins with the former.
    exclusive: groups of attributes of which at most one is on.
  """

  attributes: tuple[str, ...]
  judged: tuple[str, ...]
  exclusive: tuple[tuple[str, ...], ...]

  def column(self, name: str) -> int:
    """Of an attribute, in labels of either kind."""
    return self.judged.index(name)


def _accuracy(outcome: Outcome, names: Names) -> dict[str, Any]:
  column = names.column(outcome.attribute)
  right = outcome.after[:, column] == outcome.targets[:, column]
  return {"accuracy": float(right.mean()), "images": len(right)}


def _true_accuracy(outcome: Outcome, names: Names) -> dict[str, Any]:
  """That of a perfect generator: where this is low, the judge is to blame."""
  if outcome.truly is None:
    return {}
  seen = outcome.truly[:, names.column(outcome.attribute)] > 0
  return {"true_accuracy": float(seen.mean())}


def _leakage(outcome: Outcome, names: Names) -> dict[str, Any]:
  pair = outcome.before, outcome.after
  flips = leakage.flips(
    *pair, names.judged, outcome.attribute, exclusive=names.exclusive
  )
  shares = [cell["flips"] for cell in flips.values() if cell]
  result: dict[str, Any] = {
    "flips": flips,
    "mean_flips": float(np.mean(shares)) if shares else None,
  }
  # No gender test where setting the attribute is to change it.
  if flips.get(leakage.GENDER):
    male = outcome.labels[:, names.column(leakage.GENDER)]
    result["gender"] = leakage.gender_tests(*pair, names.judged, male)
    if outcome.truly is not None:
      near = outcome.closely
      result["true_gender"] = leakage.gender_tests(
        outcome.before[near], outcome.truly, names.judged, male[near]
      )
  return result


def _counterfactual(outcome: Outcome, names: Names) -> dict[str, Any]:
  del names
  if outcome.truths is None or outcome.masks is None:
    return {}
  return {
    "counterfactual": counterfactual_errors(
      outcome.sources[outcome.closely],
      outcome.translated[outcome.closely],
      outcome.truths,
      outcome.masks,
    )
  }


def _identity(outcome: Outcome, names: Names) -> dict[str, Any]:
  del names
  if outcome.masks is None:
    return {}
  near = outcome.closely
  return {
    "identity": identity_kept(
      outcome.sources[near], outcome.translated[near], outcome.masks
    )
  }


def _localization(outcome: Outcome, names: Names) -> dict[str, Any]:
  del names
  if outcome.masks is None:
    return {}
  return {
    "attention": {
      activation: localization(maps, outcome.masks)
      for activation, maps in outcome.maps.items()
    }
  }


# Each gives some entries of an attribute's row in evaluation.json.
METRICS: dict[str, Callable[[Outcome, Names], dict[str, Any]]] = {
  "accuracy": _accuracy,
  "true_accuracy": _true_accuracy,
  "leakage": _leakage,
  "counterfactual": _counterfactual,
  "identity": _identity,
  "localization": _localization,
}
