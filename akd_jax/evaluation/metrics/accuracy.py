"""Attribute accuracy: on how many translated images a classifier sees it."""

from typing import Any

from akd_jax.evaluation.metrics.metric import (
  PERCENT,
  SAME_PREDICTIONS,
  Metric,
  read_rows,
)
from akd_jax.evaluation.metrics.outcome import Outcome


def attribute_accuracy(outcome: Outcome) -> dict[str, Any]:
  """Measures how often the attribute is predicted as it was asked for.

  Returns:
    {"accuracy", "unchanged_accuracy", "images"}: the share of the translations
    and of the sources as they are; and, where true translations are known,
    "true_accuracy", the share of these: where it is low, the classifier is to
    blame, not the network.
  """
  column = outcome.names.column(outcome.attribute)
  wanted = outcome.targets[:, column]
  found = {
    "accuracy": float((outcome.after[:, column] == wanted).mean()),
    "unchanged_accuracy": float((outcome.before[:, column] == wanted).mean()),
    "images": len(wanted),
  }
  if outcome.probes.predictions is not None:
    seen = outcome.probes.predictions[:, column] > 0
    found["true_accuracy"] = float(seen.mean())
  return found


ACCURACY = Metric(
  title="accuracy",
  explanation=(
    "Share of translations of which the attribute classifier predicts what was"
    " asked for."
  ),
  unit=PERCENT,
  better="higher",
  chance="doing nothing",
  needs=(),
  read=read_rows("accuracy", chance=("unchanged_accuracy",)),
  measure=attribute_accuracy,
  truth=read_rows("true_accuracy"),
  by_attribute=True,
  same=SAME_PREDICTIONS,
)
