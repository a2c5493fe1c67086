"""Which attributes a photo has: a run's classifier or discriminator says so."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from akd_jax.evaluation.attribute_classifier import predicted
from akd_jax.evaluation.classifier_cache import find_classifier
from akd_jax.evaluation.familiarity import score_pictures
from akd_jax.inference.network import Recognizer
from akd_jax.systems import system_of
from akd_jax.training.run import Run


def recognizer_of(run: Run) -> Recognizer | None:
  """Returns the attribute classifier where it is there already.

  Nothing is trained for it: without one, the discriminator's class logits say
  which attributes pictures have. None where it has no such logits.
  """
  classifier = find_classifier(run.config)
  if classifier is None and not system_of(run.config).classifies:
    return None
  if classifier is None:

    def score(images: np.ndarray) -> Any:
      return score_pictures(run.model, images)[1]

    return Recognizer("discriminator", _predictor(run, score), None)
  known = classifier.metadata["attributes"]
  columns = [known.index(name) for name in run.attributes]
  rates = classifier.metadata["test_accuracy"]["attributes"]
  tested = [rates[x] for x in run.attributes if rates[x] is not None]

  def classify(images: np.ndarray) -> np.ndarray:
    return classifier.score(images)[:, columns]

  return Recognizer(
    "attribute classifier", _predictor(run, classify), float(np.mean(tested))
  )


def _predictor(
  run: Run, score: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
  def predict(images: np.ndarray) -> np.ndarray:
    logits = score(images)
    labels = predicted(logits, run.config.data.label_rule)
    return without_contradictions(labels, logits, run.attributes, run.exclusive)

  return predict


def without_contradictions(
  labels: np.ndarray,
  logits: np.ndarray,
  attributes: Sequence[str],
  exclusive: Sequence[Sequence[str]],
) -> np.ndarray:
  """Returns labels with at most one attribute of each exclusive group.

  Args:
    labels: 0/1 [N, C].
    logits: [N, C]; of those that are on together, the largest stays.
    attributes: names of the C columns.
    exclusive: groups of attributes, of which some may be others.
  """
  settled = labels.copy()
  for group in exclusive:
    columns = [attributes.index(name) for name in group if name in attributes]
    if len(columns) < 2:
      continue
    some = np.where(settled[:, columns] > 0, logits[:, columns], -np.inf)
    best = some.argmax(1)[:, None] == np.arange(len(columns))
    settled[:, columns] *= best.astype(settled.dtype)
  return settled
