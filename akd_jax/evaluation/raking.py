"""Weights by which one attribute says nothing of another.

Of CelebA's blond people 94 in 100 are women. A classifier that learns from them
may learn to see gender in the hair, and a generator that only dyes hair is then
found to change gender. Pictures are weighed against that as surveys are: by
raking (Deming and Stephan, "On a least squares adjustment of a sampled
frequency table when the expected marginal totals are known", 1940).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.common.ranges import check_choice

# Each pass weighs all pairs in turn; what one moves, the next puts right.
_MOST_PASSES = 1_000
# How far a cell's share of all pictures may be from that of independence.
_ENOUGH = 1e-6
# Where no weights will do, those of a combination go to 0.
_LEAST = 1e-100
_FIELD = "classifier.unbiased"


class Weights(NamedTuple):
  """What pictures weigh, by their labels. On the training split 1 on average.

  Attributes:
    pairs: [P, 2], the columns of two attributes that are made independent.
    logs: [P, 2, 2], by the values of both. The logarithm of a picture's weight
      is their sum over its pairs.
  """

  pairs: np.ndarray
  logs: np.ndarray

  def of(self, labels: np.ndarray) -> np.ndarray:
    """Returns the weights [N] of pictures with 0/1 labels [N, C]."""
    first, second = np.asarray(labels, int).T[self.pairs.T]
    each = self.logs[np.arange(len(self.pairs))[:, None], first, second]
    return np.exp(each.sum(0))


def rake(
  labels: np.ndarray,
  attributes: Sequence[str],
  independent: Mapping[str, Sequence[str]],
) -> Weights:
  """Returns weights by which pairs of attributes are independent.

  How often each attribute is there stays as it was.

  Args:
    labels: 0/1 [N, C], of the pictures that are learnt from.
    attributes: names of the C columns.
    independent: {attribute: those that it must not go with}.

  Raises:
    UserError: one is unknown, or of a pair no picture has a combination of
      values, or no weights are found that make all pairs independent at once.
  """
  names = [(one, other) for one, x in independent.items() for other in x]
  labels = np.asarray(labels, int)
  for one, other in names:
    check_choice(_FIELD, one, attributes)
    check_choice(f"{_FIELD}.{one}", other, attributes)
  pairs = np.array([[list(attributes).index(x) for x in y] for y in names])
  # Of each pair the combination that a picture has: 0 to 3, [P, N].
  cells = 2 * labels.T[pairs[:, 0]] + labels.T[pairs[:, 1]]
  wanted = np.stack([_list_wanted(labels[:, pair]) for pair in pairs])
  for pair, cell in zip(names, cells, strict=True):
    _check_cells(pair, np.bincount(cell, minlength=4))
  logs = _fit(cells, wanted)
  if logs is not None:
    return Weights(pairs, logs.reshape(-1, 2, 2))
  raise UserError(
    f"config.{_FIELD}: no weights were found that make all of {_say(names)}"
    " independent at once; leave some out"
  )


def _fit(cells: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
  """Returns by how much each combination weighs more, as logarithms [P, 4].

  Args:
    cells: [P, N], the combination of each pair that a picture has, 0 to 3.
    wanted: [P, 4], the share of all that each combination is to have.

  Returns:
    None where no such weights are found.
  """
  logs, weights = np.zeros_like(wanted), np.ones(cells.shape[1])
  for _ in range(_MOST_PASSES):
    furthest = 0.0
    for log, cell, want in zip(logs, cells, wanted, strict=True):
      found = np.bincount(cell, weights, 4) / len(weights)
      furthest = max(furthest, np.abs(found - want).max())
      factor = want / np.maximum(found, _LEAST)
      log += np.log(factor)
      weights *= factor[cell]
    if furthest < _ENOUGH:
      return logs
  return None


def measure_effective_size(weights: np.ndarray) -> float:
  """Returns how many equal pictures tell as much as these (Kish, 1965)."""
  return float(weights.sum() ** 2 / (weights**2).sum())


def _list_wanted(labels: np.ndarray) -> np.ndarray:
  """Returns the shares [4] that combinations of two columns are to have."""
  first, second = labels.mean(0)
  return np.outer((1 - first, first), (1 - second, second)).ravel()


def _check_cells(pair: tuple[str, str], counts: np.ndarray) -> None:
  if counts.all():
    return
  has = ("without", "with")
  first, second = divmod(int(np.argmin(counts)), 2)
  raise UserError(
    f"config.{_FIELD}: no training picture is {has[first]} {pair[0]} and"
    f" {has[second]} {pair[1]}, so that none can weigh more; leave"
    f" {pair[1]} out"
  )


def _say(names: Sequence[tuple[str, str]]) -> str:
  return ", ".join(f"{one} and {other}" for one, other in names)
