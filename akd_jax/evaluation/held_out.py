"""A score of a generator while it is trained, on the validation split.

It asks for both things that a translation has to do at once: the attribute is
there to be seen, and the person can be had back. Either alone is cheap to have,
by turning everyone into somebody else or by copying the source.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.dataset import spread_evenly
from akd_jax.data.replaced import read_own
from akd_jax.evaluation.attribute_classifier import (
  Classifier,
  open_splits,
  with_known_attributes,
)
from akd_jax.evaluation.classifier_cache import classifier_of
from akd_jax.evaluation.selection import target_labels
from akd_jax.inference.network import Wanted
from akd_jax.inference.translator import translate, translators_of
from akd_jax.systems.model import Model
from akd_jax.training.hooks import Found, Hook, Setting
from akd_jax.training.metrics_file import ACCURACY

# Images uint8 [N, S, S, 3], and what is asked of them, to images uint8.
Translate = Callable[[np.ndarray, Wanted], np.ndarray]
Scorer = Callable[[Translate], dict[str, float]]


class _Task(NamedTuple):
  """Pictures, each with an attribute that it lacks and is to be given.

  Attributes:
    attributes: the C names.
    images: uint8 [N, S, S, 3].
    labels: 0/1 [N, C], as they are.
    targets: 0/1 [N, C], as they are to be.
    columns: [N], the attribute that is set.
  """

  attributes: tuple[str, ...]
  images: np.ndarray
  labels: np.ndarray
  targets: np.ndarray
  columns: np.ndarray


def make_scorer(config: ConfigDict, source: Any) -> Scorer | None:
  """Makes what scores generators of a run; trains its classifier if need be.

  Args:
    config: of the run, resolved: `config.held_out.images` says how many
      pictures of the split are translated, to each attribute that they lack.
    source: the run's validation split.

  Returns:
    A function of what a generator does to pictures, which returns
    "held_out/accuracy": of the pictures that lack an attribute, the share on
    which the run's attribute classifier sees it once it is set, mean over
    attributes; "held_out/accuracy/NAME": of an attribute that some picture
    lacks; "held_out/reconstruction_error": the mean absolute difference of
    pixels, in [0, 1], of a picture and its translation translated back; and
    "held_out/score": accuracy x (1 - reconstruction error), in [0, 1], higher
    is better. None where `config.held_out.images` is 0.

  Raises:
    UserError: no picture lacks any attribute.
    Stopped: the classifier's training was asked to stop.
  """
  count = config.held_out.images
  if not count:
    return None
  task = _task(config, source, count)
  known = with_known_attributes(config)
  classifier = classifier_of(known, open_splits(known.data))

  def score(translate: Translate) -> dict[str, float]:
    return _score(translate, task, classifier)

  return score


def _task(config: ConfigDict, source: Any, count: int) -> _Task:
  """Asks for every attribute that some evenly spread pictures lack."""
  places = spread_evenly(len(source), count).tolist()
  images, labels, _ = read_own(
    source, places, config.data.threads, "validation"
  )
  cases = [
    target_labels(
      labels,
      source.attributes,
      name,
      exclusive=source.exclusive,
      label_rule=config.data.label_rule,
      protocol="lacking",
    )
    for name in source.attributes
  ]
  chosen = np.concatenate([case[0] for case in cases])
  if not len(chosen):
    raise UserError(
      f"config.held_out.images={count}: none of these pictures of the"
      " validation split lacks any attribute; take more, or 0 for no score"
    )
  return _Task(
    tuple(source.attributes),
    images[chosen],
    labels[chosen],
    np.concatenate([case[1] for case in cases]),
    np.repeat(np.arange(len(cases)), [len(case[0]) for case in cases]),
  )


def _score(
  translate: Translate, task: _Task, classifier: Classifier
) -> dict[str, float]:
  edits = np.eye(task.labels.shape[1], dtype=np.float32)[task.columns]
  there = Wanted(task.targets, task.labels, edits)
  translated = translate(task.images, there)
  labels = classifier.predict(translated).labels
  seen = labels[np.arange(len(labels)), task.columns] > 0
  of_each = {
    f"{ACCURACY}/{task.attributes[column]}": float(
      seen[task.columns == column].mean()
    )
    for column in np.unique(task.columns)
  }
  accuracy = np.mean(list(of_each.values()))
  back = Wanted(task.labels, task.targets, edits)
  restored = translate(translated, back)
  error = np.mean(np.abs(restored.astype(np.int16) - task.images)) / 255
  return {
    ACCURACY: float(accuracy),
    **of_each,
    "held_out/reconstruction_error": float(error),
    "held_out/score": float(accuracy * (1 - error)),
  }


def make_score_hook(setting: Setting) -> Hook | None:
  """Makes the hook that scores a run's generator.

  Every config.checkpoint_every steps, and after the last: a checkpoint of a
  stop has no score. On a pod the first process scores, and the others wait.
  """
  every = setting.config.checkpoint_every
  if setting.config.held_out.images and jax.process_index() > 0:
    return Hook(every, lambda step, model: Found())
  score = make_scorer(setting.config, setting.validation)
  if score is None:
    return None

  def call(step: int, model: Model) -> Found:
    del step
    *_, translator = translators_of(setting.config, model, setting.teacher)
    return Found(score(functools.partial(translate, translator)))

  return Hook(every, call)
