"""Sets attributes on test pictures: translates, judges, looks closely."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax import inference
from akd_jax.attention import activation_name
from akd_jax.classify import Classifier
from akd_jax.data import pipeline
from akd_jax.metrics import accuracy
from akd_jax.metrics.outcomes import Names, Outcome


class TestSet(NamedTuple):
  """Real pictures of the test split, and what is known of them.

  Attributes:
    images: uint8 [N, S, S, 3].
    labels: 0/1 [N, K], of the attributes that the judge knows; the first C
      are those that are translated.
    positions: [N], their indices in the source.
    source: where they come from.
  """

  images: np.ndarray
  labels: np.ndarray
  positions: np.ndarray
  source: Any


class Subject(NamedTuple):
  """A network that is measured.

  Attributes:
    name: "teacher", "student" or "generator".
    trained: its parameters; the discriminator is that whose logits its
      attention comes from.
    selectors: [C, T], from the attributes to that discriminator's classes.
  """

  name: str
  trained: inference.Trained
  selectors: np.ndarray


def load_test_set(source: Any, limit: int, threads: int) -> TestSet:
  """At most `limit` (0: all) pictures, evenly spread over the split."""
  positions = accuracy.spread(len(source), limit)
  images, labels = pipeline.read(source, positions.tolist(), threads)
  return TestSet(images, labels, positions, source)


def outcomes(
  subject: Subject,
  test: TestSet,
  before: np.ndarray,
  judge: Classifier,
  names: Names,
  config: ConfigDict,
  wanted: Sequence[str],
) -> Iterator[Outcome]:
  """Sets one attribute after the other, where a picture lacks it.

  Args:
    subject: the network.
    test: what it translates.
    before: 0/1 [N, K], the judge's verdicts on that.
    judge: says which attributes a picture has.
    names: what it and the labels are of.
    config: of the run: its label rule, evaluation and attention.
    wanted: the attributes to set.
  """
  rule, near = config.data.label_rule, config.evaluation.looked_at
  progress = Progress(subject.name, len(wanted))
  for name in wanted:
    chosen, targets = accuracy.target_labels(
      test.labels[:, : len(names.attributes)],
      names.attributes,
      name,
      exclusive=names.exclusive,
      label_rule=rule,
      protocol=config.evaluation.protocol,
    )
    if len(chosen):
      sources = test.images[chosen]
      translated = inference.translate(subject.trained, sources, targets)
      logits, features = judge.predict(translated)
      column = names.column(name)
      lacking = test.labels[chosen, column] == 0
      closely = np.flatnonzero(lacking)[:near]
      truths, masks = true_translations(test, chosen[closely], name)
      truly = None
      if truths is not None:
        truly = accuracy.verdicts(judge.predict(truths)[0], rule)
      yield Outcome(
        attribute=name,
        positions=test.positions[chosen],
        targets=targets,
        labels=test.labels[chosen],
        sources=sources,
        translated=translated,
        before=before[chosen],
        after=accuracy.verdicts(logits, rule),
        features=features,
        closely=closely,
        maps=_maps(subject, sources[closely], targets[closely], column, config),
        truths=truths,
        masks=masks,
        truly=truly,
      )
    progress.done()


def left_alone(
  subject: Subject, test: TestSet, judge: Classifier, names: Names, rule: str
) -> np.ndarray:
  """The judge's verdicts after asking for what is there already.

  Whatever changes is lost by the network, not changed along with something.

  Args:
    subject, test, judge, names: as for `outcomes`.
    rule: config.data.label_rule.

  Returns:
    0/1 [N, K].
  """
  labels = test.labels[:, : len(names.attributes)]
  restored = inference.translate(subject.trained, test.images, labels)
  return accuracy.verdicts(judge.predict(restored)[0], rule)


def _maps(
  subject: Subject,
  images: np.ndarray,
  targets: np.ndarray,
  column: int,
  config: ConfigDict,
) -> dict[str, np.ndarray]:
  """The attention of every block for the attribute that was set."""
  if not len(images):
    return {}
  blocks = subject.trained.networks.generator.blocks
  _, maps = inference.translate_with_attention(
    subject.trained,
    images,
    targets,
    np.tile(subject.selectors[column], (len(images), 1)),
    [
      activation_name(block, config.attention.hook, blocks)
      for block in range(blocks)
    ],
    config.attention.method,
  )
  return maps


def true_translations(
  test: TestSet, chosen: np.ndarray, name: str
) -> tuple[np.ndarray | None, np.ndarray | None]:
  """What setting an attribute truly does, where that is known.

  Args:
    test: the pictures.
    chosen: [n], which of them.
    name: the attribute.

  Returns:
    uint8 [n, S, S, 3], and bool [n, S, S], the pixels that change, of drawn
    faces; None and None of others, or of none.
  """
  if not len(chosen) or not hasattr(test.source, "counterfactual"):
    return None, None
  pairs = [
    test.source.counterfactual(int(position), name)
    for position in test.positions[chosen]
  ]
  truths, masks = (np.stack(x) for x in zip(*pairs, strict=True))
  return truths, masks


class Progress:
  """A line on the terminal whenever a part of the work is done."""

  def __init__(self, what: str, parts: int):
    self._what, self._parts, self._done = what, parts, 0
    self._started = time.monotonic()

  def done(self) -> None:
    """Says that one more part is done, and how long the others may take."""
    self._done += 1
    each = (time.monotonic() - self._started) / self._done
    left = round(each * (self._parts - self._done))
    print(
      f"{self._what}: {self._done}/{self._parts} attributes, {left} s left",
      file=sys.stderr,
      flush=True,
    )
