"""Which pictures are translated, and into what."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.ranges import check_choice
from akd_jax.data.attributes import attribute_indices, set_attribute
from akd_jax.data.dataset import Truth, spread_evenly
from akd_jax.data.photos.source import find_exclusive
from akd_jax.data.replaced import read_own
from akd_jax.evaluation.metrics.outcome import Names
from akd_jax.training.run import Run

# lacking: set the attribute on the images that lack it; all: on all images;
# flip: set it where it lacks and clear it where it is.
PROTOCOLS = ("lacking", "all", "flip")


class TestSet(NamedTuple):
  """Real pictures of the test split, and what is known of them.

  Attributes:
    images: uint8 [N, S, S, 3].
    labels: 0/1 [N, K], of the attributes that the classifier knows; the first
      C are those that are translated.
    positions: [N], their indices in the source.
    people: [N], whose picture each is; where the source does not know, every
      picture is taken for one of another person.
    truth: their true translations by their index; None where nobody knows.
    files: the names of all photos of the split; None of drawn pictures.
  """

  images: np.ndarray
  labels: np.ndarray
  positions: np.ndarray
  people: np.ndarray
  truth: Truth | None
  files: Sequence[str] | None


def target_labels(
  labels: np.ndarray,
  attributes: Sequence[str],
  name: str,
  *,
  exclusive: Sequence[Sequence[str]],
  label_rule: str,
  protocol: str,
) -> tuple[np.ndarray, np.ndarray]:
  """Chooses images to test one attribute on, and their target labels.

  Args:
    labels: 0/1 [N, C], of the images as they are.
    attributes: names of the C columns.
    name: the attribute to test.
    exclusive: groups of attributes of which at most one is on.
    label_rule: "multilabel", or one by which each target is one-hot.
    protocol: one of PROTOCOLS; "flip", which clears an attribute, goes with
      "multilabel" alone.

  Returns:
    Positions [M] of the images, and their target labels [M, C].

  Raises:
    UserError: the attribute or the protocol is unknown.
  """
  check_choice("evaluation.protocol", protocol, PROTOCOLS)
  if label_rule != "multilabel":
    exclusive = [attributes]
  (column,) = attribute_indices(attributes, [name], "config.data.attributes")
  on = labels[:, column] > 0
  targets = set_attribute(labels, attributes, name, exclusive)
  if protocol == "flip":
    targets[on] = labels[on]
    targets[on, column] = 0
  chosen = np.arange(len(labels))
  if protocol == "lacking":
    chosen = np.flatnonzero(~on)
  return chosen, targets[chosen]


def choose_groups(run: Run, source: Any) -> tuple[tuple[str, ...], ...]:
  """Returns the groups of attributes of which at most one is on.

  The data have those of all that the classifier knows. A released network may
  have other rules of its own attributes; then it is asked by these.
  """
  theirs, own = (
    set(find_exclusive(run.attributes, groups))
    for groups in (source.exclusive, run.exclusive)
  )
  return source.exclusive if theirs == own else run.exclusive


def load_test_set(
  source: Any, limit: int, threads: int, truth: Truth | None = None
) -> TestSet:
  """Loads at most `limit` (0: all) pictures, evenly spread over the split.

  Those that cannot be read are left out, where they may be.

  Args:
    source: the split.
    limit: how many.
    threads: that read.
    truth: see `pipeline.truth_of`.

  Raises:
    UserError: none of them can be read.
  """
  chosen = spread_evenly(len(source), limit).tolist()
  images, labels, positions = read_own(source, chosen, threads, "test")
  if not len(images):
    raise UserError(
      f"config.evaluation.images={limit}: none of these pictures of the test"
      " split can be read; take more, or 0 for all"
    )
  identities = getattr(source, "identities", None)
  people = (
    positions if identities is None else np.asarray(identities)[positions]
  )
  files = getattr(source, "names", None)
  return TestSet(images, labels, positions, people, truth, files)


class Selection(NamedTuple):
  """Which pictures an attribute is set on.

  Attributes:
    chosen: [M], which of the test set.
    targets: 0/1 [M, C], the labels that are asked for.
    probes: [n], which of the M are probe images: some that lack the attribute,
      evenly spread over those that do.
  """

  chosen: np.ndarray
  targets: np.ndarray
  probes: np.ndarray


def select(
  test: TestSet, names: Names, attribute: str, config: ConfigDict
) -> Selection:
  """Chooses the pictures that one attribute is set on.

  Args:
    test: the pictures.
    names: what their labels are of.
    attribute: the one to set.
    config: of the run: its label rule and evaluation.
  """
  chosen, targets = target_labels(
    test.labels[:, : len(names.attributes)],
    names.attributes,
    attribute,
    exclusive=names.exclusive,
    label_rule=config.data.label_rule,
    protocol=config.evaluation.protocol,
  )
  lacking = np.flatnonzero(test.labels[chosen, names.column(attribute)] == 0)
  some = spread_evenly(len(lacking), config.evaluation.probe_images)
  return Selection(chosen, targets, lacking[some])


def true_translations(
  test: TestSet, chosen: np.ndarray, name: str
) -> tuple[np.ndarray | None, np.ndarray | None]:
  """Returns what setting an attribute truly does, where that is known.

  Args:
    test: the pictures.
    chosen: [n], which of them.
    name: the attribute.

  Returns:
    uint8 [n, S, S, 3], and bool [n, S, S], the pixels that change, of drawn
    faces; None and None of others, or of none.
  """
  if not len(chosen) or test.truth is None:
    return None, None
  pairs = [
    test.truth(int(position), name) for position in test.positions[chosen]
  ]
  truths, masks = (np.stack(x) for x in zip(*pairs, strict=True))
  return truths, masks
