"""What a data set promises: see `DATASETS` for those that there are."""

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError

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


def check_source(source: Source, data: ConfigDict) -> None:
  """Checks that a source keeps its promises, by its labels and first picture.

  Anybody may have written it. Pictures of fractions would train a network, too,
  as black ones.

  Args:
    source: of a data set that is opened.
    data: config.data, that it was opened by.

  Raises:
    UserError: it does not; the message says what is promised.
  """
  start = f"config.data.name={data.name!r}: its"
  names, asked = tuple(source.attributes), tuple(data.attributes)
  if asked and names != asked:
    raise UserError(
      f"{start} attributes are {names}, not config.data's {asked}"
    )
  labels = np.asarray(source.labels)
  shape = len(source), len(names)
  if labels.shape != shape or not np.isin(labels, (0, 1)).all():
    raise UserError(
      f"{start} labels {list(labels.shape)} are not {list(shape)} of 0 and 1"
    )
  first = source[0]
  image, label = np.asarray(first["image"]), np.asarray(first["label"])
  square = [data.image_size, data.image_size, 3]
  if image.dtype != np.uint8 or list(image.shape) != square:
    raise UserError(
      f"{start} first picture is {image.dtype} {list(image.shape)}, not uint8"
      f" {square}"
    )
  if not np.array_equal(label, labels[0]):
    raise UserError(
      f"{start} first picture has the label {label.tolist()}, and labels[0] is"
      f" {labels[0].tolist()}"
    )


def spread_evenly(count: int, limit: int) -> np.ndarray:
  """Returns at most `limit` (0: all) of `count` positions, evenly spread.

  The first ones would be of a single class where pictures are sorted.
  """
  if not limit or limit >= count:
    return np.arange(count)
  return np.arange(limit) * count // limit
