"""What a data set promises: see `DATASETS` for those that there are."""

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from ml_collections import ConfigDict

SPLITS = ("train", "validation", "test")
LABEL_RULES = ("multilabel", "exclusive")
# Fields of config.data that some data sets do not read.
OPTIONAL = ("csv", "split", "split_rule", "test_share")


class Source(Protocol):
  """The pictures of one split with their labels, read in any order.

  Can be pickled, and read by many threads at once.

  Attributes:
    attributes: names of the C columns of the labels: `data.attributes`, or all
      where that is empty.
    labels: uint8 [N, C], 0 or 1.
    exclusive: groups of attributes of which at most one is on. They may name
      attributes that are not asked for.
    identities: [N], equal where two pictures show the same person; None where
      nobody knows.
  """

  @property
  def attributes(self) -> tuple[str, ...]: ...

  @property
  def labels(self) -> np.ndarray: ...

  @property
  def exclusive(self) -> tuple[tuple[str, ...], ...]: ...

  @property
  def identities(self) -> np.ndarray | None: ...

  def __len__(self) -> int: ...

  def __getitem__(self, index: int) -> dict[str, np.ndarray]:
    """Returns {"image": uint8 [S, S, 3], "label": uint8 [C]}."""
    ...


# (index, attribute) -> (image uint8 [S, S, 3], mask bool [S, S]).
Truth = Callable[[int, str], tuple[np.ndarray, np.ndarray]]
# The same of a source that is given first.
Counterfactual = Callable[[Any, int, str], tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A set of labelled pictures.

  Attributes:
    open: (config.data, split) -> a `Source`. Raises UserError where a field or
      a file is wrong.
    attributes: config.data -> the names of all that it has labels of, whether
      config.data asks for them or not. Raises UserError, too.
    counterfactual: gives the true picture of a person with an attribute on, and
      the pixels that the attribute owns; None where nobody knows them.
    reads: which fields of OPTIONAL have an effect.
    drawn: whether it is embedded, as the avatars are: its pictures are drawn
      where they are needed, square, of nobody who lives.
  """

  open: Callable[[ConfigDict, str], Source]
  attributes: Callable[[ConfigDict], tuple[str, ...]]
  counterfactual: Counterfactual | None = None
  reads: tuple[str, ...] = OPTIONAL
  drawn: bool = False


def spread_evenly(count: int, limit: int) -> np.ndarray:
  """Returns at most `limit` (0: all) of `count` positions, evenly spread.

  The first ones would be of a single class where pictures are sorted.
  """
  if not limit or limit >= count:
    return np.arange(count)
  return np.arange(limit) * count // limit
