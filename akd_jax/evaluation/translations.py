"""Sets attributes on test pictures: translates, classifies, and looks where."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.output import note
from akd_jax.evaluation.attribute_classifier import Classifier
from akd_jax.evaluation.faces import Faces
from akd_jax.evaluation.metrics.outcome import (
  GENDER,
  Names,
  Outcome,
  Probes,
  Reference,
)
from akd_jax.evaluation.selection import (
  Selection,
  TestSet,
  select,
  true_translations,
)
from akd_jax.inference.network import Wanted, set_one
from akd_jax.inference.translator import (
  Look,
  Translator,
  translate,
  translate_with_attention,
)
from akd_jax.models.stargan import MASK

# {attribute: maps [n, h, w] of its probe images}.
Attention = dict[str, np.ndarray]


class Instruments(NamedTuple):
  """What the networks of a run are measured with.

  Attributes:
    test: the pictures that they translate.
    before: 0/1 [N, K], the classifier's predictions of these.
    classifier: says which attributes a picture has.
    reference: the real pictures that translations are to look like.
    names: what labels are of.
    config: of the run: its label rule, evaluation and attention.
    faces: compares people; None of drawn faces, and without a face network.
  """

  test: TestSet
  before: np.ndarray
  classifier: Classifier
  reference: Reference
  names: Names
  config: ConfigDict
  faces: Faces | None


def outcomes(
  translator: Translator,
  instruments: Instruments,
  wanted: Sequence[str],
  teacher_attention: Mapping[str, np.ndarray],
) -> Iterator[Outcome]:
  """Sets one attribute after the other, and yields what became of pictures.

  Of an attribute that is set on no picture nothing is yielded.

  Args:
    translator: the network, of the attributes that are set.
    instruments: what it is measured with.
    wanted: the attributes to set.
    teacher_attention: the attention of its teacher, if it has one.
  """
  test, before, classifier, reference, names, config, faces = instruments
  progress = _Progress(translator.name, len(wanted))
  for name in wanted:
    asked = select(test, names, name, config)
    chosen, targets, probes = asked
    if len(chosen):
      sources = test.images[chosen]
      labels = test.labels[chosen, : targets.shape[1]]
      translated = translate(
        translator, sources, set_one(targets, labels, names.column(name))
      )
      after, features = classifier.predict(translated)
      if reference.embed:
        features = reference.embed(translated)
      truths, masks = true_translations(test, chosen[probes], name)
      seen = test.positions[chosen[probes]], sources[probes]
      if faces and len(probes):
        masks = faces.regions(*seen, name)
      maps = attention_of(translator, instruments, name, asked)
      drawn = maps.pop(MASK, None)
      yield Outcome(
        attribute=name,
        names=names,
        positions=test.positions[chosen],
        targets=targets,
        labels=test.labels[chosen],
        sources=sources,
        translated=translated,
        before=before[chosen],
        after=after,
        features=features,
        reference=reference,
        probes=Probes(
          chosen=probes,
          people=test.people[chosen[probes]],
          block=translator.name_activation(config.attention),
          maps=maps,
          drawn=drawn,
          teacher_maps=teacher_attention.get(name),
          truths=truths,
          masks=masks,
          predictions=(
            None if truths is None else classifier.predict(truths).labels
          ),
          distances=(
            faces.distances(*seen, translated[probes])
            if faces and GENDER not in names.asked_for(name)
            else None
          ),
        ),
      )
    progress.done()


def translate_to_own_labels(
  translator: Translator, instruments: Instruments
) -> np.ndarray:
  """Asks for what is there already, and classifies what comes of it.

  No attribute was set, so that what flips was lost on the way.

  Returns:
    0/1 [N, K], the classifier's predictions.
  """
  test, names = instruments.test, instruments.names
  labels = test.labels[:, : len(names.attributes)]
  nothing = Wanted(labels, labels, np.zeros_like(labels))
  restored = translate(translator, test.images, nothing)
  return instruments.classifier.predict(restored).labels


def attention_to(
  translator: Translator, instruments: Instruments, wanted: Sequence[str]
) -> Attention:
  """Returns where a network looks, at the block that is distilled.

  Args:
    translator: it may know other attributes than those that are set, as the
      teacher of pseudo-attention does.
    instruments: what it is measured with.
    wanted: the attributes that are set.
  """
  test, names, config = (
    instruments.test, instruments.names, instruments.config,
  )  # fmt: skip
  found: Attention = {}
  for name in wanted:
    asked = select(test, names, name, config)
    maps = attention_of(translator, instruments, name, asked)
    if maps:
      found[name] = maps[translator.name_activation(config.attention)]
  return found


def attention_of(
  translator: Translator,
  instruments: Instruments,
  name: str,
  asked: Selection,
) -> dict[str, np.ndarray]:
  """Returns the attention of every block for the attribute that was set.

  Args:
    translator: whose.
    instruments: what it is measured with.
    name: of the attribute.
    asked: on which pictures it was set.

  Returns:
    {activation: [n, h, w]} of the probe images, of a blend MASK among them;
    none without any.
  """
  if not len(asked.probes):
    return {}
  test, config = instruments.test, instruments.config
  chosen, targets = (x[asked.probes] for x in (asked.chosen, asked.targets))
  column = instruments.names.column(name)
  count, classes = targets.shape
  _, found = translate_with_attention(
    translator,
    test.images[chosen],
    set_one(targets, test.labels[chosen, :classes], column),
    np.tile(np.eye(classes)[column], (count, 1)),
    Look(
      translator.list_activations(config.attention), config.attention.method
    ),
  )
  return found


class _Progress:
  """Prints a line on the terminal whenever a part of the work is done."""

  def __init__(self, what: str, parts: int):
    self._what, self._parts, self._done = what, parts, 0
    self._started = time.monotonic()

  def done(self) -> None:
    """Says that one more part is done, and how long the others may take."""
    self._done += 1
    each = (time.monotonic() - self._started) / self._done
    left = round(each * (self._parts - self._done))
    note(f"{self._what}: {self._done}/{self._parts} attributes, {left} s left")
