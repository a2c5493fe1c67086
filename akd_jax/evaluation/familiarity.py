"""Whether a picture is like those that a run has learnt from.

A discriminator has learnt to tell the run's pictures from others, so its critic
score is the measure: of pictures of another kind it is far from what the run's
own get. What those get is measured on the validation split, and kept in the
user's cache.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import numpy as np

from akd_jax.common.array_digest import digest_arrays
from akd_jax.data import pipeline
from akd_jax.data.dataset import spread_evenly
from akd_jax.evaluation import kept_measures
from akd_jax.evaluation.attribute_classifier import accuracy_of, predicted
from akd_jax.inference.batches import apply_in_pieces
from akd_jax.models.pixels import to_unit
from akd_jax.systems.model import Model
from akd_jax.training.run import Run

# Of the validation split, how many are scored, and the share that is usual.
COUNT, USUAL = 1000, 0.99
# A quantile is trusted where at least so many scores lie beyond it.
_ENOUGH = 5
_PIECE = 32


class Familiarity(NamedTuple):
  """What a discriminator says of pictures like those it has learnt from.

  Attributes:
    low, high: USUAL of such pictures have a critic score in between.
    accuracy: how often its class logits predict their attributes, or class,
      rightly; NaN of a system that has none.
  """

  low: float
  high: float
  accuracy: float

  def warn(self, score: float) -> str | None:
    """Returns what to say of a picture of an unusual critic score."""
    if self.low <= score <= self.high:
      return None
    bounds = self.low, self.high
    # As many digits as tell the score from the bound that it is beyond.
    digits = 2
    while digits < 6 and f"{score:.{digits}f}" in (
      f"{bound:.{digits}f}" for bound in bounds
    ):
      digits += 1
    said, low, high = (f"{x:.{digits}f}" for x in (score, *bounds))
    return (
      "unlike the pictures that the network has learnt from: its critic score"
      f" is {said}, where {USUAL:.0%} of such pictures have {low} to {high}"
    )


def score_pictures(
  model: Model, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
  """Returns critic scores [N] and class logits [N, C] of uint8 images.

  Those are None of a system that does not classify.
  """
  function = functools.partial(_score, model)
  scores, logits = apply_in_pieces(function, _PIECE, images)
  return scores, logits


@jax.jit
def _score(
  model: Model, image: jax.Array
) -> tuple[jax.Array, jax.Array | None]:
  scores = model.discriminate(to_unit(image))
  return scores.critic.mean((1, 2, 3)), scores.logits


def load_or_measure(run: Run) -> Familiarity:
  """Returns what a run's discriminator says of its validation split.

  Raises:
    UserError: the run's pictures are not there, or would be downloaded.
  """
  look = digest_arrays(run.model.discriminator)
  known = kept_measures.load_or_measure(
    run.config.data,
    "familiarity",
    (look, COUNT, USUAL, "accuracy_of", "find_usual"),
    lambda source: _measure(run, source)._asdict(),
  )
  return Familiarity(**known)


def _measure(run: Run, source: Any) -> Familiarity:
  data = run.config.data
  chosen = spread_evenly(len(source), COUNT).tolist()
  scores, seen, true = [], [], []
  for images, labels in pipeline.read_in_batches(source, chosen, data.threads):
    critic, logits = score_pictures(run.model, images)
    scores.append(critic)
    if logits is not None:
      seen.append(predicted(logits, data.label_rule))
      true.append(labels)
  low, high = find_usual(np.concatenate(scores))
  accuracy = math.nan
  if seen:
    both = np.concatenate(seen), np.concatenate(true)
    accuracy = accuracy_of(*both, run.attributes, data.label_rule)["mean"]
  return Familiarity(low, high, accuracy)


def find_usual(scores: np.ndarray) -> tuple[float, float]:
  """Returns the range in which USUAL of such critic scores [N] lie.

  The quantiles of a few scores lie too close together. Then it is the
  prediction interval of one more by Student's t, as if scores were normal.
  """
  outside, count = (1 - USUAL) / 2, len(scores)
  if outside * count >= _ENOUGH:
    low, high = np.quantile(scores, (outside, 1 - outside))
    return float(low), float(high)
  if count < 2:
    return -math.inf, math.inf
  # Imported here: it takes a second.
  from scipy import stats

  mean, deviation = float(scores.mean()), float(scores.std(ddof=1))
  reach = stats.t.ppf(1 - outside, count - 1) * deviation
  reach = float(reach) * math.sqrt(1 + 1 / count)
  return mean - reach, mean + reach
