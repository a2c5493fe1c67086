"""What a generator is worth: every metric, on one translation of each picture.

Each attribute is set on the test pictures that the protocol names. They are
translated and judged once; every metric looks at the same pictures.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax import inference, teaching
from akd_jax.attention import activation_name
from akd_jax.classify import Classifier
from akd_jax.data import pipeline
from akd_jax.metrics import accuracy
from akd_jax.metrics.cost import generator_cost
from akd_jax.metrics.localization import agreement
from akd_jax.metrics.outcomes import METRICS, Names, Outcome
from akd_jax.runs import Run, load_run
from akd_jax.state import Networks, create_networks

# {attribute: maps [n, h, w]}.
Attention = dict[str, np.ndarray]


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
  judge: Classifier,
  names: Names,
  config: ConfigDict,
  wanted: Sequence[str],
) -> Iterator[Outcome]:
  """Sets one attribute after the other, where a picture lacks it.

  Args:
    subject: the network.
    test: what it translates.
    judge: says which attributes a picture has.
    names: what it and the labels are of.
    config: of the run: its label rule, evaluation and attention.
    wanted: the attributes to set.
  """
  rule, near = config.data.label_rule, config.evaluation.looked_at
  before = accuracy.verdicts(judge.predict(test.images)[0], rule)
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
      truths, masks = _truth(test, chosen[:near], name)
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
        maps=_maps(
          subject, sources[:near], targets[:near], names.column(name), config
        ),
        truths=truths,
        masks=masks,
      )
    progress.done()


def _maps(
  subject: Subject,
  images: np.ndarray,
  targets: np.ndarray,
  column: int,
  config: ConfigDict,
) -> dict[str, np.ndarray]:
  """The attention of every block for the attribute that was set."""
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
  )
  return maps


def _truth(
  test: TestSet, chosen: np.ndarray, name: str
) -> tuple[np.ndarray | None, np.ndarray | None]:
  """True translations and the pixels that change, of drawn faces."""
  if not hasattr(test.source, "counterfactual"):
    return None, None
  pairs = [
    test.source.counterfactual(int(position), name)
    for position in test.positions[chosen]
  ]
  truths, masks = (np.stack(x) for x in zip(*pairs, strict=True))
  return truths, masks


def subjects(run: Run) -> list[Subject]:
  """The run's generator, after its teacher where that knows the same.

  Attention is looked at as in training: a student's from the logits that
  `config.attention.discriminator` names.
  """
  trained = _trained(run)
  own = np.eye(len(run.attributes))
  directory = run.config.teacher
  if not directory or not teaching.is_finished(directory):
    return [Subject("generator", trained, own)]
  teacher = load_run(directory)
  taught = _trained(teacher)
  student = Subject("student", trained, own)
  if run.config.attention.discriminator == "teacher":
    mapping = teaching.check_fit(run.config, teacher.config)
    pair = trained.networks.generator, taught.networks.discriminator
    judged = inference.Trained(
      Networks(*pair), trained.generator, taught.discriminator
    )
    student = Subject("student", judged, mapping)
  if teacher.attributes != run.attributes:
    return [student]
  return [Subject("teacher", taught, own), student]


def _trained(run: Run) -> inference.Trained:
  return inference.Trained(
    create_networks(run.config), run.generator, run.discriminator
  )


def measure(
  subject: Subject,
  test: TestSet,
  judge: Classifier,
  names: Names,
  config: ConfigDict,
  wanted: Sequence[str],
  keep: Callable[[str, Outcome], None],
) -> tuple[dict[str, Any], Attention]:
  """Measures one network.

  Args:
    subject, test, judge, names, config, wanted: as in `outcomes`.
    keep: called with the network's name and each outcome.

  Returns:
    What evaluation.json holds of the network, {"mean": accuracy, "attributes":
    {name: what METRICS give}, "block": the activation that is distilled,
    "cost"}; and the attention there, for `agree`.
  """
  rows: dict[str, Any] = {
    name: {"accuracy": None, "images": 0} for name in wanted
  }
  block = activation_name(
    config.attention.block,
    config.attention.hook,
    subject.trained.networks.generator.blocks,
  )
  attention: Attention = {}
  for outcome in outcomes(subject, test, judge, names, config, wanted):
    name = outcome.attribute
    for metric in METRICS.values():
      rows[name] |= metric(outcome, names)
    attention[name] = outcome.maps[block]
    keep(subject.name, outcome)
  known = [row["accuracy"] for row in rows.values() if row["images"]]
  generator = subject.trained.networks.generator
  result = {
    "mean": float(np.mean(known)) if known else None,
    "attributes": rows,
    "block": block,
    "cost": generator_cost(
      generator,
      subject.trained.generator,
      size=config.data.image_size,
      classes=len(names.attributes),
    ),
  }
  return result, attention


def agree(teacher: Attention, student: Attention) -> dict[str, Any]:
  """How alike both networks' maps are, for each attribute."""
  return {name: agreement(teacher[name], student[name]) for name in teacher}


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
