"""What a metric is: one figure of a network, as every table prints it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from akd_jax.evaluation.metrics.outcome import Measured, Outcome


class Unit(NamedTuple):
  """How a value is printed.

  Attributes:
    symbol: stands behind it; may be empty.
    scale: the printed number is the value times this.
    digits: behind the point.
  """

  symbol: str
  scale: float
  digits: int

  def write(self, *values: float) -> str:
    """Returns "75.0 %" of one value, "75.0 (25.0) %" of one and its chance."""
    first, *others = (f"{self.scale * x:,.{self.digits}f}" for x in values)
    numbers = first + "".join(f" ({x})" for x in others)
    return f"{numbers} {self.symbol}".rstrip()


PERCENT = Unit("%", 100.0, 1)
NUMBER = Unit("", 1.0, 2)
COUNT = Unit("", 1.0, 0)
MILLIONS = Unit("M", 1e-6, 1)
MILLISECONDS = Unit("ms", 1e3, 1)
# Of figures whose names say that they are a thousand times too large.
THOUSANDTHS = Unit("", 1e3, 2)


class Value(NamedTuple):
  """A figure, and what it would be by chance; None where it is not known."""

  value: float | None
  chance: float | None = None


# A network of evaluation.json and an attribute, or None for all of them.
Reader = Callable[[Mapping[str, Any], str | None], Value]

# Each by the names on the way to an entry.
Paths = tuple[tuple[str, ...], ...]

# `Metric.same` of what the classifier predicts: one of another prior, or that
# has learnt from other pictures on purpose, predicts otherwise on purpose.
SAME_PREDICTIONS: Paths = (
  ("classifier", "prior"),
  ("classifier", "unbiased"),
  ("settings", "classifier", "data"),
)

# `Metric.chance` of a figure that has no chance level.
NO_CHANCE = ""


@dataclasses.dataclass(frozen=True)
class Metric:
  """One figure of a network.

  Attributes:
    title: names its row in tables.
    explanation: what it is, in a sentence for whoever reads a table.
    unit: how it is printed.
    better: which way is better; "neither" of what only describes.
    chance: by whose doing the figure is at its chance level ("a uniform map"),
      or NO_CHANCE, which is to be said outright.
    needs: names in `outcome.NEEDS`, all of which an outcome must have.
    read: what evaluation.json says of an attribute, or of all together.
    measure: what became of the pictures of one attribute -> entries of its row
      in evaluation.json. Metrics may share a function; it is called once.
    summarize: all that a network was asked -> entries of the network itself.
    truth: as `read`: what true translations, hence a perfect network, would
      have, where that need not be perfect itself.
    by_attribute: whether tables show it for every attribute.
    of_training: whether it depends on how a network was trained; its size, for
      one, does not.
    same: what has to be the same in two results for the figure to mean the same
      in both: paths in evaluation.json or its trained network.
  """

  title: str
  explanation: str
  unit: Unit
  better: Literal["higher", "lower", "neither"]
  chance: str
  needs: tuple[str, ...]
  read: Reader
  measure: Callable[[Outcome], dict[str, Any]] | None = None
  summarize: Callable[[Measured], dict[str, Any]] | None = None
  truth: Reader | None = None
  by_attribute: bool = False
  of_training: bool = True
  same: Paths = ()


def read_rows(*path: str, chance: tuple[str, ...] = ()) -> Reader:
  """Returns a reader of an entry of attributes' rows, by its path.

  Of all attributes together it is the mean over those that have it.

  Args:
    path: of the value in a row.
    chance: the path of its chance level, where it has one.
  """

  def read(network: Mapping[str, Any], attribute: str | None) -> Value:
    rows = rows_of(network, attribute)
    return Value(
      mean_of(rows, *path), mean_of(rows, *chance) if chance else None
    )

  return read


def read_network(*path: str) -> Reader:
  """Returns a reader of an entry of the network; no attribute has it."""

  def read(network: Mapping[str, Any], attribute: str | None) -> Value:
    return Value(None if attribute else entry_of(network, path))

  return read


def rows_of(
  network: Mapping[str, Any], attribute: str | None
) -> Mapping[str, Any]:
  """Returns the rows of an attribute, or of all, by attribute."""
  rows = network["attributes"]
  return rows if attribute is None else {attribute: rows.get(attribute)}


def mean_of(rows: Mapping[str, Any], *path: str) -> float | None:
  """Returns the mean of an entry of rows, given by its path.

  None where no row has it.
  """
  values = [entry_of(row, path) for row in rows.values()]
  known = [value for value in values if value is not None]
  return float(np.mean(known)) if known else None


def mean_if_any(values: np.ndarray) -> float | None:
  """Returns the mean of values [n]; None where there is none."""
  return float(values.mean()) if len(values) else None


def entry_of(row: Mapping[str, Any] | None, path: tuple[str, ...]) -> Any:
  """Returns an entry by its path; None where there is none."""
  entry: Any = row
  for name in path:
    entry = (entry or {}).get(name)
  return entry
