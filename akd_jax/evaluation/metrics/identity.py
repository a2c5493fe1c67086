"""Whether a translated person is still the same, among others."""

from typing import Any

import numpy as np

from akd_jax.evaluation.metrics.metric import PERCENT, Metric, read_rows
from akd_jax.evaluation.metrics.outcome import Outcome


def identity_kept(
  sources: np.ndarray, translated: np.ndarray, masks: np.ndarray
) -> dict[str, Any]:
  """Measures how often a translation is nearest to its own source.

  Rank-1 identification, by the mean absolute difference of the pixels that the
  attribute does not own. A perfect translation is equal to its source there.

  Args:
    sources: uint8 [N, S, S, 3], of N people.
    translated: uint8 [N, S, S, 3].
    masks: bool [N, S, S], the pixels that the attribute owns on each.

  Returns:
    {"value", "chance", "images"}: a share in [0, 1], where the own source among
    n that are equally near counts 1/n, and that of picking at random. Both are
    None without pictures.
  """
  if sources.shape != translated.shape or masks.shape != sources.shape[:-1]:
    raise ValueError(
      f"sources {sources.shape}, translations {translated.shape} and masks"
      f" {masks.shape} do not fit"
    )
  count = len(sources)
  found = []
  for position, (image, mask) in enumerate(zip(translated, masks, strict=True)):
    own = image[~mask].ravel()
    others = sources[:, ~mask].reshape(count, -1)
    # Bytes less bytes, as bytes: that is fast.
    apart = np.maximum(others, own) - np.minimum(others, own)
    distances = apart.sum(1, dtype=np.int64)
    nearest = distances == distances.min()
    found.append(nearest[position] / nearest.sum())
  return {
    "value": float(np.mean(found)) if count else None,
    "chance": 1 / count if count else None,
    "images": count,
  }


def _measure(outcome: Outcome) -> dict[str, Any]:
  probes = outcome.probes
  assert probes.masks is not None
  chosen = probes.chosen
  return {
    "identity": identity_kept(
      outcome.sources[chosen], outcome.translated[chosen], probes.masks
    )
  }


IDENTITY = Metric(
  title="identity kept",
  explanation=(
    "Share of translations that, outside the attribute's pixels, are nearer to"
    " their own source than to any other."
  ),
  unit=PERCENT,
  better="higher",
  chance="picking at random",
  needs=("true translations",),
  read=read_rows("identity", "value", chance=("identity", "chance")),
  measure=_measure,
)
