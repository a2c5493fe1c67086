"""An experiment's page: every figure of every variant, over its seeds."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from akd_jax.evaluation import record
from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.metric import (
  NO_CHANCE,
  PERCENT,
  Metric,
  Value,
)
from akd_jax.evaluation.record import trained_network
from akd_jax.experiments.statistics import paired_difference, spread

# Results of each seed: evaluation.json, and in its trained network "losses",
# the weighted terms at the end of training.
Results = Sequence[Mapping[str, Any]]


def _weighed(term: str, title: str) -> Metric:
  """A term of the generator's loss beside the reconstruction."""

  def read(network: Mapping[str, Any], attribute: str | None) -> Value:
    losses = network.get("losses", {})
    # A loss of weight 0 has no term.
    if attribute or not {term, "g_loss_rec"} <= set(losses):
      return Value(None)
    return Value(losses[term] / losses["g_loss_rec"])

  explanation = (
    "Its share of the loss at the end of training, beside the reconstruction's."
  )
  return Metric(title, explanation, PERCENT, "neither", NO_CHANCE, (), read)


# Rows of a page: of its evaluation, and of how a network was trained.
FIGURES = METRICS | {
  "akd_of_reconstruction": _weighed("g_loss_akd", "L_akd, weighted, of L_rec"),
  "output_of_reconstruction": _weighed(
    "g_loss_out", "L_out, weighted, of L_rec"
  ),
}


class Row(NamedTuple):
  """A row of a page.

  Attributes:
    metric: a name in FIGURES.
    attribute: whose figure it is; "" of all.
    by_chance: whether it is the chance level.
  """

  metric: str
  attribute: str
  by_chance: bool

  @property
  def title(self) -> str:
    """What the row is called on the page."""
    metric = FIGURES[self.metric]
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
    return not FIGURES[self.metric].of_training

  @property
  def digits(self) -> int:
    """How many are printed behind the point."""
    return FIGURES[self.metric].unit.digits if self.is_cost else 2


def figures(result: Mapping[str, Any]) -> dict[Row, float]:
  """Returns what a seed of a variant has of every row, as it is printed.

  Args:
    result: evaluation.json, as `record.read` returns it.
  """
  return figures_of_network(trained_network(result))


def figures_of_network(network: Mapping[str, Any]) -> dict[Row, float]:
  """Returns what a network of evaluation.json has of every row."""
  return _rows(network, {x: metric.read for x, metric in FIGURES.items()})


def figures_of_truth(results: Results) -> dict[Row, float]:
  """Returns what true translations have of those rows that say so.

  Args:
    results: of the variants of one seed. The means are those of the first: a
      teacher may know other attributes.
  """
  truths = {name: x.truth for name, x in FIGURES.items() if x.truth}
  found: dict[Row, float] = {}
  for result in reversed(results):
    found |= _rows(trained_network(result), truths)
  return found


def _rows(
  network: Mapping[str, Any], readers: Mapping[str, Any]
) -> dict[Row, float]:
  found = {}
  for name, read in readers.items():
    metric = FIGURES[name]
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


def table_of_seeds(variants: Mapping[str, Results]) -> str:
  """Writes the numbers of each seed as CSV, from which all others follow.

  Args:
    variants: as for `markdown`.

  Returns:
    Lines of variant, seed, metric (by its name in METRICS, with "_by_chance"
    where it is the chance level), attribute (empty of all) and value, as on the
    page: shares in percent, KID a thousand times, latency in milliseconds.
  """
  text = io.StringIO()
  lines = csv.writer(text, lineterminator="\n")
  lines.writerow(["variant", "seed", "metric", "attribute", "value"])
  for variant, results in variants.items():
    for seed, result in enumerate(results):
      for row, value in figures(result).items():
        metric = row.metric + "_by_chance" * row.by_chance
        lines.writerow([variant, seed, metric, row.attribute, repr(value)])
  return text.getvalue()


def markdown(
  title: str,
  paper: str,
  command: str,
  seconds: float,
  variants: Mapping[str, Results],
) -> str:
  """Writes the page of an experiment.

  Args:
    title: its heading.
    paper: what the paper reports; may be empty.
    command: that it is the outcome of.
    seconds: of training, all runs together.
    variants: name -> results, one a seed; the first is the baseline. Where one
      has not all seeds yet, only those that all have are compared.
  """
  count = min(map(len, variants.values()))
  if not count:
    return ""
  found = {
    variant: [figures(result) for result in results[:count]]
    for variant, results in variants.items()
  }
  baseline = next(iter(found))
  same = set(trained_network(variants[baseline][0])["attributes"])
  # A mean over other attributes is no more or less than the baseline's.
  others = [
    variant
    for variant, results in variants.items()
    if variant != baseline
    and set(trained_network(results[0])["attributes"]) == same
  ]
  truth = [
    figures_of_truth([results[seed] for results in variants.values()])
    for seed in range(count)
  ]
  if any(truth):
    found["true translations"] = truth
  accuracy = variants[baseline][0]["real_accuracy"]["mean"]
  rows = list(dict.fromkeys(x for seeds in found.values() for x in seeds[0]))

  def values(variant: str, row: Row) -> list[float | None]:
    return [seed.get(row) for seed in found[variant]]

  doubted = {
    name
    for results in variants.values()
    for result in results
    for name in record.doubted(result)
  }

  def title_of(row: Row) -> str:
    doubtful = row.metric == "accuracy" and row.attribute in doubted
    return f"{row.title} {record.MARK}" if doubtful else row.title

  maps = {name: results[0]["attention"] for name, results in variants.items()}

  def difference(variant: str, row: Row) -> str:
    # Of maps that are made otherwise the difference says nothing.
    of_maps = "attention" in FIGURES[row.metric].needs
    if of_maps and maps[variant] != maps[baseline]:
      return "-"
    return _difference(values(variant, row), values(baseline, row))

  lines = [f"# {title}", ""]
  if paper:
    lines += [f"The paper: {paper}", ""]
  lines += [
    f"`{command}`",
    "",
    f"{count} seed{'s' * (count > 1)}, {seconds / 3600:.1f} hours of training."
    " Mean and standard deviation over seeds; shares in percent."
    f" The attribute classifier is right on {100 * accuracy:.2f} % of the real"
    " test split.",
    "",
    *_table(
      ["", *found],
      [
        [
          title_of(row),
          *(_spread(values(variant, row), row) for variant in found),
        ]
        for row in rows
      ],
    ),
    "",
    f"Difference to *{baseline}*, seed by seed, with its 95 % interval:",
    "",
    *_table(
      ["", *others],
      [
        [title_of(row), *(difference(variant, row) for variant in others)]
        for row in rows
        if None not in values(baseline, row)
        and not (row.by_chance or row.is_cost)
      ],
    ),
  ]
  if any(title_of(row).endswith(record.MARK) for row in rows):
    lines += ["", record.FOOTNOTE]
  return "\n".join(lines) + "\n"


def _table(header: Sequence[str], rows: Sequence[list[str]]) -> list[str]:
  lines = [header, ["---"] * len(header), *rows]
  # A name may have what separates cells.
  return [
    "| " + " | ".join(x.replace("|", r"\|") for x in cells) + " |"
    for cells in lines
  ]


def _spread(values: Sequence[float | None], row: Row) -> str:
  known = [x for x in values if x is not None]
  if len(known) < len(values):
    return "-"
  mean, deviation = (f"{x:.{row.digits}f}" for x in spread(known))
  # All seeds are as large.
  alone = len(known) == 1 or (row.is_cost and not float(deviation))
  return mean if alone else f"{mean} ± {deviation}"


def _difference(
  values: Sequence[float | None], baseline: Sequence[float | None]
) -> str:
  pairs = [
    (a, b)
    for a, b in zip(values, baseline, strict=True)
    if a is not None and b is not None
  ]
  if len(pairs) < len(values):
    return "-"
  mean, low, high = paired_difference(*zip(*pairs, strict=True))
  interval = "" if np.isnan(low) else f" [{low:+.2f}, {high:+.2f}]"
  return f"{mean:+.2f}{interval}"
