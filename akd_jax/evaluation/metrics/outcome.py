"""What became of pictures on which an attribute was set."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from akd_jax.evaluation.metrics.frechet import Statistics

GENDER = "Male"


class Names(NamedTuple):
  """What the labels of an `Outcome` are of.

  Attributes:
    attributes: the C that are translated.
    known: the K that the attribute classifier knows; begins with the former.
    exclusive: groups of attributes of which at most one is on.
  """

  attributes: tuple[str, ...]
  known: tuple[str, ...]
  exclusive: tuple[tuple[str, ...], ...]

  def column(self, name: str) -> int:
    """Returns an attribute's column, in labels of either kind."""
    return self.known.index(name)

  def asked_for(self, name: str) -> set[str]:
    """Returns what changes by right where an attribute is set.

    It, and all that exclude it: setting Blond_Hair is to clear Black_Hair.
    """
    groups = (group for group in self.exclusive if name in group)
    return {name}.union(*groups)


class Reference(NamedTuple):
  """Features of the real pictures that translations are to look like.

  Attributes:
    names: of the Frechet and of the kernel distance by these features.
    embed: uint8 [N, S, S, 3] -> features [N, F]; None where they are the
      attribute classifier's, which are at hand.
    statistics: those of the pictures that have an attribute, by its name; ""
      is all pictures.
    sample: [n, F], features of some, evenly spread.
  """

  names: tuple[str, str]
  embed: Callable[[np.ndarray], np.ndarray] | None
  statistics: dict[str, Statistics]
  sample: np.ndarray


class Probes(NamedTuple):
  """The probe images of an outcome: n pictures of which more is measured.

  All lack the attribute, whatever the protocol: their true translation is
  known where pictures are drawn.

  Attributes:
    chosen: [n], which of the outcome's pictures they are.
    people: [n], whose picture each is; pictures of equal numbers are of one
      person.
    block: the activation whose attention is distilled.
    maps: {activation: [n, h, w]}, the network's attention; empty without any.
    drawn: [n, S, S], where a blend says that it draws; None of others.
    teacher_maps: [n, h, w], its teacher's at the teacher's block; None without.
    truths: uint8 [n, S, S, 3], the true translations; None where unknown.
    masks: bool [n, S, S], the pixels that the attribute owns: those that change
      in the true translations, or of a photo those of REGIONS; None where
      neither is known.
    predictions: 0/1 [n, K], the classifier's of the true translations; None
      where these are unknown.
    distances: [n, n], by a face network, of each translation (a line) to each
      source, nan where a source has no face; None of drawn faces, without a
      face network, and where gender was to change.
  """

  chosen: np.ndarray
  people: np.ndarray
  block: str
  maps: dict[str, np.ndarray]
  drawn: np.ndarray | None
  teacher_maps: np.ndarray | None
  truths: np.ndarray | None
  masks: np.ndarray | None
  predictions: np.ndarray | None
  distances: np.ndarray | None


class Outcome(NamedTuple):
  """M pictures on which one attribute was set.

  Attributes:
    attribute: its name.
    names: what the labels are of.
    positions: [M], the pictures' indices in the test split.
    targets: 0/1 [M, C], the labels that were asked for.
    labels: 0/1 [M, K], the true ones.
    sources: uint8 [M, S, S, 3].
    translated: uint8 [M, S, S, 3].
    before: 0/1 [M, K], the attribute classifier's predictions of the sources.
    after: 0/1 [M, K], and of the translations.
    features: [M, F], of the translations, as the reference's.
    reference: the real pictures.
    probes: some pictures, of which more is known.
  """

  attribute: str
  names: Names
  positions: np.ndarray
  targets: np.ndarray
  labels: np.ndarray
  sources: np.ndarray
  translated: np.ndarray
  before: np.ndarray
  after: np.ndarray
  features: np.ndarray
  reference: Reference
  probes: Probes


class Measured(NamedTuple):
  """A network, and all that it was asked.

  Attributes:
    generator: its module.
    variables: of the generator: parameters, and statistics where it has any.
    image_size: side of the pictures.
    names: what labels are of.
    before: 0/1 [N, K], the attribute classifier's predictions of test pictures.
    restored: 0/1 [N, K], and of these translated to the labels that they have.
    features: [M, F] of each outcome's translations, as the reference's.
    reference: the real pictures.
  """

  generator: Any
  variables: Any
  image_size: int
  names: Names
  before: np.ndarray
  restored: np.ndarray
  features: Sequence[np.ndarray]
  reference: Reference


def _gender_is_kept(outcome: Outcome) -> bool:
  changed = outcome.names.asked_for(outcome.attribute)
  return GENDER in outcome.names.known and GENDER not in changed


def _maps_are_comparable(outcome: Outcome) -> bool:
  """Whether there are a teacher's maps, of the size of the network's own.

  A teacher of another system may have others.
  """
  theirs = outcome.probes.teacher_maps
  own = outcome.probes.maps.get(outcome.probes.block)
  if theirs is None or own is None:
    return False
  return theirs.shape == own.shape


# What a metric may need of an outcome, and whether one has it.
NEEDS: dict[str, Callable[[Outcome], bool]] = {
  "true translations": lambda outcome: outcome.probes.truths is not None,
  "a region": lambda outcome: outcome.probes.masks is not None,
  "attention": lambda outcome: bool(outcome.probes.maps),
  "a mask": lambda outcome: outcome.probes.drawn is not None,
  "a teacher's attention": _maps_are_comparable,
  "a face network": lambda outcome: outcome.probes.distances is not None,
  "gender": _gender_is_kept,
}
