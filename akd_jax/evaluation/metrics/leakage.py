"""Leakage: which other attributes change where one is set.

A classifier that knows more attributes than the generator translates looks at
pictures before and after. What changes even where nothing is asked for is lost
by the network rather than changed along with an attribute.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from akd_jax.evaluation.metrics.metric import (
  NO_CHANCE,
  PERCENT,
  SAME_PREDICTIONS,
  Metric,
  Value,
  mean_if_any,
  mean_of,
  read_rows,
)
from akd_jax.evaluation.metrics.outcome import Measured, Outcome

Flips = dict[str, dict[str, Any] | None]


def flips(
  before: np.ndarray,
  after: np.ndarray,
  known: Sequence[str],
  asked_for: Collection[str] = (),
) -> Flips:
  """Measures how often each attribute flips: a row of the leakage matrix.

  Args:
    before: 0/1 [N, K], predictions of the source pictures.
    after: 0/1 [N, K], predictions of their translations.
    known: names of the K columns.
    asked_for: attributes whose change is no leak; see `Names.asked_for`.

  Returns:
    {name: {"flips", "to_on", "to_off", "images", "were_off"}} of all K. The
    shares are of all N images, of the `were_off` predicted off before, and of
    the others; None where there are none. In place of the dictionary stands
    None where the change was asked for.
  """
  if before.shape != after.shape or before.shape[1:] != (len(known),):
    raise ValueError(
      f"predictions {before.shape} before and {after.shape} after are not both"
      f" [N, {len(known)}]"
    )
  return {
    name: None
    if name in asked_for
    else _flips(before[:, i] > 0, after[:, i] > 0)
    for i, name in enumerate(known)
  }


def _flips(before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
  changed = before != after
  return {
    "flips": mean_if_any(changed),
    "to_on": mean_if_any(changed[~before]),
    "to_off": mean_if_any(changed[before]),
    "images": len(before),
    "were_off": int((~before).sum()),
  }


def leaks(outcome: Outcome) -> dict[str, Any]:
  """Measures what nobody asked for: {"flips": `flips`, "mean_flips"}."""
  names = outcome.names
  found = flips(
    outcome.before,
    outcome.after,
    names.known,
    names.asked_for(outcome.attribute),
  )
  return {"flips": found, "mean_flips": mean_of(found, "flips")}


def losses(measured: Measured) -> dict[str, Any]:
  """Measures what flips where nothing is set: {"self_translation": `flips`}."""
  found = flips(measured.before, measured.restored, measured.names.known)
  return {"self_translation": found}


def _read_losses(network: Mapping[str, Any], attribute: str | None) -> Value:
  if attribute:
    return Value(None)
  return Value(mean_of(network["self_translation"], "flips"))


LEAKAGE = Metric(
  title="other attributes that flip",
  explanation=(
    "Share of translations on which the prediction of another attribute"
    " changes."
  ),
  unit=PERCENT,
  better="lower",
  chance=NO_CHANCE,
  needs=(),
  read=read_rows("mean_flips"),
  measure=leaks,
  same=SAME_PREDICTIONS,
)
SELF_TRANSLATION = Metric(
  title="flips where nothing is set",
  explanation=(
    "Share of predictions that change where a picture is translated to its own"
    " labels: what the network loses anyhow."
  ),
  unit=PERCENT,
  better="lower",
  chance=NO_CHANCE,
  needs=(),
  read=_read_losses,
  summarize=losses,
  same=SAME_PREDICTIONS,
)
