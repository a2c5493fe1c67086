"""An experiment's page: every figure of every variant, over its seeds."""

import csv
import io
import itertools
from collections.abc import Mapping, Sequence

from akd_jax.evaluation import record
from akd_jax.experiments.rows import (
  Results,
  Row,
  list_metrics,
  read_figures,
  read_truth,
)
from akd_jax.experiments.statistics import format_difference, format_spread


def format_seeds(
  variants: Mapping[str, Results], seeds: Sequence[int] = ()
) -> str:
  """Returns the numbers of each seed as CSV, from which all others follow.

  Args:
    variants: as for `render`.
    seeds: of the results of each; 0, 1, 2 and so on by default.

  Returns:
    Lines of variant, seed, metric (by its name in METRICS, with "_by_chance"
    where it is the chance level), attribute (empty of all) and value, as on the
    page: shares in percent, KID a thousand times, latency in milliseconds.
  """
  text = io.StringIO()
  lines = csv.writer(text, lineterminator="\n")
  lines.writerow(["variant", "seed", "metric", "attribute", "value"])
  for variant, results in variants.items():
    for seed, result in zip(seeds or itertools.count(), results, strict=False):
      for row, value in read_figures(result).items():
        metric = row.metric + "_by_chance" * row.by_chance
        lines.writerow([variant, seed, metric, row.attribute, repr(value)])
  return text.getvalue()


def render(
  title: str,
  paper: str,
  command: str,
  seconds: float,
  variants: Mapping[str, Results],
) -> str:
  """Returns the page of an experiment; "" where no seed has every variant.

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
    variant: [read_figures(result) for result in results[:count]]
    for variant, results in variants.items()
  }
  baseline = next(iter(found))
  first = variants[baseline][0]
  others = [
    variant
    for variant, results in variants.items()
    if variant != baseline
    and record.are_comparable(results[0], first, list_metrics()["accuracy"])
  ]
  truth = [
    read_truth([results[seed] for results in variants.values()])
    for seed in range(count)
  ]
  if any(truth):
    found["true translations"] = truth
  rows = list(dict.fromkeys(x for seeds in found.values() for x in seeds[0]))

  def values(variant: str, row: Row) -> list[float | None]:
    return [seed.get(row) for seed in found[variant]]

  doubted = record.find_doubted(x for seeds in variants.values() for x in seeds)

  def title_of(row: Row) -> str:
    doubtful = row.metric == "accuracy" and row.attribute in doubted
    return f"{row.title} {record.MARK}" if doubtful else row.title

  def difference(variant: str, row: Row) -> str:
    metric = list_metrics()[row.metric]
    if not record.are_comparable(variants[variant][0], first, metric):
      return "-"
    return format_difference(
      values(variant, row), values(baseline, row), row.digits
    )

  differences = [
    [title_of(row), *(difference(variant, row) for variant in others)]
    for row in rows
    if None not in values(baseline, row) and not (row.by_chance or row.is_cost)
  ]
  judged = [x for name in (baseline, *others) for x in variants[name]]
  lines = [f"# {title}", ""]
  if paper:
    lines += [f"The paper: {paper}", ""]
  lines += [
    f"`{command}`",
    "",
    f"{count} seed{'s' * (count > 1)}, {seconds / 3600:.1f} hours of training."
    " Mean and standard deviation over seeds; shares in percent."
    f" {record.say_classifiers(judged)}",
    "",
    *format_table(
      ["", *found],
      [
        [
          title_of(row),
          *(format_spread(values(x, row), row.digits) for x in found),
        ]
        for row in rows
      ],
    ),
    "",
    f"Difference to *{baseline}*, seed by seed, with its 95 % interval:",
    "",
    *format_table(["", *others], differences),
    *_say_chance(differences),
  ]
  if any(title_of(row).endswith(record.MARK) for row in rows):
    lines += ["", record.FOOTNOTE]
  return "\n".join(lines) + "\n"


def _say_chance(rows: Sequence[list[str]]) -> list[str]:
  """Says how many of a table's intervals would hold no 0 without any effect."""
  count = sum("[" in cell for cells in rows for cell in cells[1:])
  by_chance = round(0.05 * count)
  if not by_chance:
    return []
  return [
    "",
    f"If nothing differed, about {by_chance} of these {count} intervals would"
    " hold no 0 all the same.",
  ]


def format_table(header: Sequence[str], rows: Sequence[list[str]]) -> list[str]:
  """Returns the lines of a table in Markdown."""
  lines = [header, ["---"] * len(header), *rows]
  return ["| " + " | ".join(map(_cell, cells)) + " |" for cells in lines]


def _cell(text: str) -> str:
  """Returns the text of a table's cell, which may have what separates them."""
  return text.replace("|", r"\|")
