"""Tables and charts of the page that a browser shows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from akd_jax.evaluation import record
from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.metric import Metric
from akd_jax.experiments.columns import (
  DECISIVE,
  Column,
  format_difference,
  format_spread,
)
from akd_jax.experiments.compared import Variant
from akd_jax.experiments.statistics import spread
from akd_jax.plotting import charts
from akd_jax.training.metrics_file import list_terms, read_terms


class Row(NamedTuple):
  """A row of a table.

  Attributes:
    title: at its left.
    hint: what it is, shown where a pointer rests; may be empty.
    cells: one a column.
    best: which of them are the best.
    note: at its right; may be empty.
  """

  title: str
  hint: str
  cells: list[str]
  best: frozenset[int] = frozenset()
  note: str = ""


class Table(NamedTuple):
  """A table with a heading.

  Attributes:
    title: of the table.
    hint: what it shows.
    names: of its columns.
    rows: below.
    note: below them; may be empty.
  """

  title: str
  hint: str
  names: list[str]
  rows: list[Row]
  note: str = ""


def hint(metric: Metric) -> str:
  """Returns what a figure is, and which way is better."""
  if metric.better == "neither":
    return metric.explanation
  return f"{metric.explanation} {metric.better.capitalize()} is better."


def title(metric: Metric) -> str:
  """Returns a figure's title with its unit."""
  symbol = metric.unit.symbol
  return f"{metric.title}, {symbol}" if symbol else metric.title


def figures(columns: Sequence[Column]) -> Table:
  """Returns every figure of all attributes together, its best value marked."""
  rows = []
  for metric in METRICS.values():
    if not any(column.values(metric) for column in columns):
      continue
    known = [x for column in columns for x in _chances(metric, column)]
    rows.append(
      Row(
        title(metric),
        hint(metric),
        [format_spread(metric, column) for column in columns],
        _best(metric, columns),
        f"{', '.join(dict.fromkeys(known))}, {metric.chance}" if known else "",
      )
    )
  return Table("Figures", "", [x.name for x in columns], rows)


def _chances(metric: Metric, column: Column) -> list[str]:
  """Returns the chance level of a network, the mean of its seeds; [] of none.

  Some have one of their own, such as the agreement with maps of other people.
  """
  found = [metric.read(x, None).chance for x in column.networks]
  known = [x for x in found if x is not None]
  return [metric.unit.write(float(np.mean(known)))] if known else []


def _best(metric: Metric, columns: Sequence[Column]) -> frozenset[int]:
  found = {i: column.values(metric) for i, column in enumerate(columns)}
  means = {i: float(np.mean(x)) for i, x in found.items() if x}
  measured = [columns[i] for i in means]
  alike = all(x.is_comparable(metric, measured[0]) for x in measured)
  if metric.better == "neither" or len(means) < 2 or not alike:
    return frozenset()
  best = (max if metric.better == "higher" else min)(means.values())
  return frozenset(i for i, mean in means.items() if mean == best)


def by_attribute(
  columns: Sequence[Column], doubted: Collection[str]
) -> list[Table]:
  """Returns a table for each figure that an attribute has of its own.

  Args:
    columns: the networks.
    doubted: attributes whose accuracy is to be marked.
  """
  attributes = dict.fromkeys(
    name for column in columns for name in column.networks[0]["attributes"]
  )
  tables = []
  for figure, metric in METRICS.items():
    marks = doubted if figure == "accuracy" else ()
    rows = [
      Row(
        record.mark(name, marks),
        "",
        [format_spread(metric, x, name) for x in columns],
      )
      for name in attributes
      if any(column.values(metric, name) for column in columns)
    ]
    if metric.by_attribute and rows:
      names = [column.name for column in columns]
      note = record.FOOTNOTE if set(marks) & set(attributes) else ""
      tables.append(Table(title(metric), hint(metric), names, rows, note))
  return tables


def differences(columns: Sequence[Column]) -> Table | None:
  """Returns each variant less the first; None of a single one."""
  students = [x for x in columns if not x.teaches]
  if len(students) < 2:
    return None
  first, *others = students
  rows = []
  for metric in METRICS.values():
    cells = [format_difference(metric, other, first) for other in others]
    if metric.of_training and set(cells) != {"-"}:
      rows.append(Row(title(metric), hint(metric), cells))
  names = [f"{other.name} less {first.name}" for other in others]
  return Table("Differences", "", names, rows)


def leakage(columns: Sequence[Column]) -> list[Table]:
  """Returns a matrix for each network: what flips where an attribute is set.

  Cells are percent of the pictures, of the first seed; "=" is asked for.
  """
  tables = []
  for column in columns:
    rows = {
      name: row["flips"]
      for name, row in column.networks[0]["attributes"].items()
      if isinstance(row.get("flips"), Mapping)
    }
    known = list(dict.fromkeys(x for row in rows.values() for x in row))
    lines = [
      Row(name, "", [_flips(row.get(x)) for x in known])
      for name, row in rows.items()
    ]
    if lines:
      tables.append(Table(column.name, "", known, lines))
  return tables


def _flips(cell: Mapping[str, Any] | None) -> str:
  if cell is None:
    return "="
  return "-" if cell["flips"] is None else f"{100 * cell['flips']:.0f}"


def training(
  variants: Sequence[Variant], colours: Mapping[str, str]
) -> list[str]:
  """Returns the curve of each term of training, of first seeds, as SVG."""
  runs = {
    variant.name: read_terms(variant.seeds[0].workdir) for variant in variants
  }
  return [charts.draw_curves(term, runs, colours) for term in list_terms(runs)]


def sizes(columns: Sequence[Column], colours: Mapping[str, str]) -> list[str]:
  """Returns each decisive figure over the networks' sizes, as SVG."""
  size = METRICS["parameters"]
  drawn = []
  for metric in (METRICS[name] for name in DECISIVE):
    points = []
    for column in columns:
      parameters, found = column.values(size), column.values(metric)
      if parameters and found:
        points.append(charts.Point(column.name, parameters[0], *spread(found)))
    if len({point.x for point in points}) > 1:
      drawn.append(
        charts.draw_scatter(title(metric), "parameters", points, colours)
      )
  return drawn
