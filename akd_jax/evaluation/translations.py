"""Sets attributes on test pictures: translates, judges, looks closely."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax.data import pipeline
from akd_jax.distillation.akd import teacher_target
from akd_jax.distillation.attention import activation_name
from akd_jax.evaluation.classifier_training import Classifier
from akd_jax.evaluation.metrics import accuracy
from akd_jax.evaluation.metrics.outcomes import Names, Outcome
from akd_jax.inference import translator as inference


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
    attributes: the T that its generator is given; a teacher of pseudo-attention
      knows others than the C that are set.
    trained: its parameters; the discriminator is that whose logits its
      attention comes from.
    conditions: [C, T], from the attributes that are set to its own.
    selectors: [C, T'], to that discriminator's classes.
  """

  name: str
  attributes: tuple[str, ...]
  trained: inference.Trained
  conditions: np.ndarray
  selectors: np.ndarray


def load_test_set(source: Any, limit: int, threads: int) -> TestSet:
  """At most `limit` (0: all) pictures, evenly spread over the split."""
  positions = accuracy.spread(len(source), limit)
  images, labels = pipeline.read(source, positions.tolist(), threads)
  return TestSet(images, labels, positions, source)


class Asked(NamedTuple):
  """Which pictures an attribute is set on.

  Attributes:
    chosen: [M], which of the test set.
    targets: 0/1 [M, C], the labels that are asked for.
    closely: [n], which of the M are looked at closely: some that lack the
      attribute.
  """

  chosen: np.ndarray
  targets: np.ndarray
  closely: np.ndarray


def asked(
  test: TestSet, names: Names, attribute: str, config: ConfigDict
) -> Asked:
  """Sets one attribute, by config.evaluation.protocol.

  Args:
    test: the pictures.
    names: what their labels are of.
    attribute: the one to set.
    config: of the run: its label rule and evaluation.
  """
  chosen, targets = accuracy.target_labels(
    test.labels[:, : len(names.attributes)],
    names.attributes,
    attribute,
    exclusive=names.exclusive,
    label_rule=config.data.label_rule,
    protocol=config.evaluation.protocol,
  )
  lacking = test.labels[chosen, names.column(attribute)] == 0
  closely = np.flatnonzero(lacking)[: config.evaluation.probe_images]
  return Asked(chosen, targets, closely)


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
    subject: the network, of the attributes that are set.
    test: what it translates.
    before: 0/1 [N, K], the judge's verdicts on that.
    judge: says which attributes a picture has.
    names: what it and the labels are of.
    config: of the run: its label rule, evaluation and attention.
    wanted: the attributes to set.
  """
  rule = config.data.label_rule
  progress = Progress(subject.name, len(wanted))
  for name in wanted:
    chosen, targets, closely = asked(test, names, name, config)
    if len(chosen):
      sources = test.images[chosen]
      translated = inference.translate(subject.trained, sources, targets)
      logits, features = judge.predict(translated)
      column = names.column(name)
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
        maps=attention_of(
          subject, sources[closely], targets[closely], column, config
        ),
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


def attention_of(
  subject: Subject,
  images: np.ndarray,
  targets: np.ndarray,
  column: int,
  config: ConfigDict,
) -> dict[str, np.ndarray]:
  """The attention of every block for the attribute that was set.

  Args:
    subject: whose.
    images: uint8 [N, S, S, 3].
    targets: 0/1 [N, C], the attributes that were asked for.
    column: of the one that was set.
    config: of the run: its attention.

  Returns:
    {activation: [N, h, w]}; none without images.
  """
  if not len(images):
    return {}
  blocks = subject.trained.networks.generator.blocks
  _, found = inference.translate_with_attention(
    subject.trained,
    images,
    np.asarray(teacher_target(targets, subject.conditions)),
    np.tile(subject.selectors[column], (len(images), 1)),
    [
      activation_name(block, config.attention.hook, blocks)
      for block in range(blocks)
    ],
    config.attention.method,
  )
  return found


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
