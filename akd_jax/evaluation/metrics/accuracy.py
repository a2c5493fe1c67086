"""Attribute accuracy: on how many translated images a classifier sees it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from akd_jax.common.errors import UserError, nearest
from akd_jax.data.attributes import attribute_indices, set_attribute

# lacking: set the attribute on the images that lack it; all: on all images;
# flip: set it where it lacks and clear it where it is.
PROTOCOLS = ("lacking", "all", "flip")


def target_labels(
  labels: np.ndarray,
  attributes: Sequence[str],
  name: str,
  *,
  exclusive: Sequence[Sequence[str]],
  label_rule: str,
  protocol: str,
) -> tuple[np.ndarray, np.ndarray]:
  """Says which images to translate, and into what, to test one attribute.

  Args:
    labels: 0/1 [N, C], of the images as they are.
    attributes: names of the C columns.
    name: the attribute to test.
    exclusive: groups of attributes of which at most one is on.
    label_rule: "multilabel", or "exclusive": then each target is one-hot.
    protocol: one of PROTOCOLS; of "exclusive" labels not "flip", which clears
      a class.

  Returns:
    Positions [M] of the images, and their target labels [M, C].

  Raises:
    UserError: the attribute or the protocol is unknown.
  """
  if protocol not in PROTOCOLS:
    raise UserError(
      f"accuracy protocol {protocol!r} is none of {', '.join(PROTOCOLS)}"
      + nearest(protocol, PROTOCOLS)
    )
  if label_rule == "exclusive":
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


def verdicts(logits: np.ndarray, label_rule: str) -> np.ndarray:
  """What a classifier says: 0/1 [N, C] from its logits [N, C]."""
  if label_rule == "exclusive":
    columns = np.arange(logits.shape[1])
    return (logits.argmax(1)[:, None] == columns).astype(np.uint8)
  return (logits > 0).astype(np.uint8)


def spread(count: int, limit: int) -> np.ndarray:
  """At most `limit` (0: all) of `count` positions, evenly spread.

  The first ones would be of a single class where a test split is sorted.
  """
  if not limit or limit >= count:
    return np.arange(count)
  return np.arange(limit) * count // limit


def agreement(
  logits: np.ndarray,
  labels: np.ndarray,
  attributes: Sequence[str],
  label_rule: str,
) -> dict[str, Any]:
  """How well a classifier's logits [N, C] agree with true labels [N, C].

  Returns:
    {"mean", "attributes": {name: accuracy}}: the share of images judged
    rightly; for an exclusive class that of its own images, and None where it
    has none.
  """
  right = verdicts(logits, label_rule) == labels
  results: dict[str, float | None] = {}
  for column, name in enumerate(attributes):
    judged = right[:, column]
    if label_rule == "exclusive":
      judged = judged[labels[:, column] > 0]
    results[name] = float(judged.mean()) if len(judged) else None
  known = [value for value in results.values() if value is not None]
  return {"mean": float(np.mean(known)), "attributes": results}
