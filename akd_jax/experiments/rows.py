"""Rows of an experiment's page: every figure that a network has."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from akd_jax.distillation import METHODS
from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.metric import (
  NO_CHANCE,
  PERCENT,
  Metric,
  Value,
)
from akd_jax.evaluation.record import trained_network

# Results of each seed: evaluation.json, and in its trained network "losses",
# the weighted terms at the end of training.
Results = Sequence[Mapping[str, Any]]


@functools.cache
def _weighed(term: str) -> Metric:
  """A term of the generator's loss beside the reconstruction."""

  def read(network: Mapping[str, Any], attribute: str | None) -> Value:
    losses = network.get("losses", {})
    # A loss of weight 0 has no term.
    if attribute or not {term, "g_loss_rec"} <= set(losses):
      return Value(None)
    return Value(losses[term] / losses["g_loss_rec"])

  title = f"L_{term.removeprefix('g_loss_')}, weighted, of L_rec"
  explanation = (
    "Its share of the loss at the end of training, beside the reconstruction's."
  )
  return Metric(title, explanation, PERCENT, "neither", NO_CHANCE, (), read)


def list_metrics() -> Mapping[str, Metric]:
  """Returns the metrics that have rows: evaluation's, and each method's loss.

  Looked up each time, since a file of one's own may have entered more.
  """
  return METRICS | {
    f"{name}_of_reconstruction": _weighed(method.term)
    for name, method in METHODS.items()
  }


class Row(NamedTuple):
  """A row of a page.

  Attributes:
    metric: its name in `list_metrics`.
    attribute: whose figure it is; "" of all.
    by_chance: whether it is the chance level.
  """

  metric: str
  attribute: str
  by_chance: bool

  @property
  def title(self) -> str:
    """What the row is called on the page."""
    metric = list_metrics()[self.metric]
    parts = [metric.title]
    if self.attribute:
      parts.append(self.attribute)
    if self.by_chance:
      parts.append(metric.chance)
    if self.is_cost and metric.unit.symbol:
      parts.append(metric.unit.symbol)
    return ", ".join(parts)

  @property
  def is_cost(self) -> bool:
    """Whether it is of a network's size, however that was trained."""
    return not list_metrics()[self.metric].of_training

  @property
  def digits(self) -> int:
    """How many are printed behind the point."""
    return list_metrics()[self.metric].unit.digits if self.is_cost else 2


def read_figures(result: Mapping[str, Any]) -> dict[Row, float]:
  """Returns what a seed of a variant has of every row, as it is printed.

  Args:
    result: evaluation.json, as `record.read` returns it.
  """
  return read_network(trained_network(result))


def read_network(network: Mapping[str, Any]) -> dict[Row, float]:
  """Returns what a network of evaluation.json has of every row."""
  return _rows(
    network, {x: metric.read for x, metric in list_metrics().items()}
  )


def read_truth(results: Results) -> dict[Row, float]:
  """Returns what true translations have of those rows that say so.

  Args:
    results: of the variants of one seed. The means are those of the first: a
      teacher may know other attributes.
  """
  truths = {name: x.truth for name, x in list_metrics().items() if x.truth}
  found: dict[Row, float] = {}
  for result in reversed(results):
    found |= _rows(trained_network(result), truths)
  return found


def _rows(
  network: Mapping[str, Any], readers: Mapping[str, Any]
) -> dict[Row, float]:
  found, every = {}, list_metrics()
  for name, read in readers.items():
    metric = every[name]
    of_each = network["attributes"] if metric.by_attribute else ()
    for attribute in (None, *of_each):
      value, chance = read(network, attribute)
      # A chance level an attribute is more than anyone reads.
      levels = {False: value, True: None if attribute else chance}
      for by_chance, level in levels.items():
        if level is not None:
          row = Row(name, attribute or "", by_chance)
          found[row] = metric.unit.scale * level
  return found
