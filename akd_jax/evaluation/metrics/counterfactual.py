"""Translations against the truth, which only drawn faces have.

An avatar can be drawn again with one attribute set, which gives the picture
that a perfect generator would have made and the pixels that the attribute owns
(`AvatarSource.counterfactual` in akd_jax/data/avatars/source.py). Inside those
pixels the error says how well the attribute was drawn; outside, where truth and
source are equal, how much of the person was lost.
"""

from typing import Any

import numpy as np

from akd_jax.evaluation.metrics.metric import (
  NO_CHANCE,
  PERCENT,
  Metric,
  read_rows,
)
from akd_jax.evaluation.metrics.outcome import Outcome


def counterfactual_errors(
  sources: np.ndarray,
  translated: np.ndarray,
  truths: np.ndarray,
  masks: np.ndarray,
) -> dict[str, Any]:
  """Measures the errors of translations to one attribute, and of doing nothing.

  Args:
    sources: uint8 [N, S, S, 3], the pictures that were translated.
    translated: uint8 [N, S, S, 3].
    truths: uint8 [N, S, S, 3], the true translations.
    masks: bool [N, S, S], the pixels that the attribute owns.

  Returns:
    {"inside": {"error", "nothing"}, "outside": {"error", "nothing", "psnr"},
    "images", "left_out"}. An error is the mean absolute one over pixels and
    channels, in [0, 1]; "nothing" is that of the sources, the chance level.
    Both are means over images, so that every person counts alike. "psnr", in
    dB, is that of the mean squared error over images; None where the pictures
    are equal. Images whose mask is empty, or leaves nothing outside, are left
    out; without any other, all figures are None.
  """
  shapes = {sources.shape, translated.shape, truths.shape, (*masks.shape, 3)}
  if len(shapes) > 1:
    raise ValueError(f"pictures and masks do not fit: {sorted(shapes)}")
  kept = masks.any((1, 2)) & ~masks.all((1, 2))
  inside, truths = masks[kept], truths[kept]
  done, nothing = (
    np.abs(images[kept].astype(np.int16) - truths)
    for images in (translated, sources)
  )
  square = _mean(np.square(done, dtype=np.int32), ~inside, 255**2)
  return {
    "inside": {
      "error": _mean(done, inside, 255),
      "nothing": _mean(nothing, inside, 255),
    },
    "outside": {
      "error": _mean(done, ~inside, 255),
      "nothing": _mean(nothing, ~inside, 255),
      "psnr": float(-10 * np.log10(square)) if square else None,
    },
    "images": int(kept.sum()),
    "left_out": int((~kept).sum()),
  }


def _mean(values: np.ndarray, region: np.ndarray, scale: float) -> float | None:
  """Returns the mean over images of each one's mean over its region.

  Args:
    values: [N, S, S, 3].
    region: bool [N, S, S], nowhere empty.
    scale: what counts as 1.
  """
  if not len(values):
    return None
  total = (values.mean(-1) * region).sum((1, 2))
  return float((total / region.sum((1, 2))).mean() / scale)


def _measure(outcome: Outcome) -> dict[str, Any]:
  probes = outcome.probes
  assert probes.truths is not None and probes.masks is not None
  return {
    "counterfactual": counterfactual_errors(
      outcome.sources[probes.chosen],
      outcome.translated[probes.chosen],
      probes.truths,
      probes.masks,
    )
  }


ERROR_INSIDE = Metric(
  title="error inside the attribute",
  explanation=(
    "Mean absolute difference to the true translation, in the attribute's"
    " pixels; 100 % is black for white."
  ),
  unit=PERCENT,
  better="lower",
  chance="doing nothing",
  needs=("true translations",),
  read=read_rows(
    "counterfactual", "inside", "error",
    chance=("counterfactual", "inside", "nothing"),
  ),
  measure=_measure,
)  # fmt: skip
# Doing nothing has no error there.
ERROR_OUTSIDE = Metric(
  title="error outside",
  explanation=(
    "Mean absolute difference to the true translation, in all other pixels:"
    " how much of the person was lost."
  ),
  unit=PERCENT,
  better="lower",
  chance=NO_CHANCE,
  needs=("true translations",),
  read=read_rows("counterfactual", "outside", "error"),
  measure=_measure,
)
