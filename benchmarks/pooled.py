"""What attention distillation gains over all tables that share no students.

  python benchmarks/pooled.py [--pages=docs/results] [--row=accuracy] \
      [--tables PAGE:VARIANT ...]

Reads the difference of a variant to its page's baseline from PAGE.csv, or from
PAGE.md where there is none, and pools the tables by a random-effects
meta-analysis (akd_jax/experiments/statistics.py names its method): once by the
error of each table, and, since three seeds hardly tell a table's own error,
once by one deviation of seeds for all tables. By default the tables are those
that share no baseline with each other; of Table 3's two readings it is paper
1's.
"""

import argparse
import csv
import pathlib
import re
from typing import NamedTuple

import numpy as np

from akd_jax.experiments.rows import list_metrics
from akd_jax.experiments.statistics import (
  paired_difference,
  pool,
  quantile,
  seeds_needed,
)

TABLES = (
  "paper1_table1:with",
  "longer:with",
  "paper1_table2:with",
  "paper1_table3:paper 1's reading",
  "larger:with",
  "better_teacher:L_akd",
  "weight:with",
  "paper2_table4:AKD-GAN",
)
# A difference as its page has it: +1.90 [-8.53, +12.33].
_NUMBER = r"([+-][\d.]+)"
_DIFFERENCE = re.compile(rf"{_NUMBER} \[{_NUMBER}, {_NUMBER}\]")


class Difference(NamedTuple):
  """That of a table: its mean, standard error and seeds."""

  table: str
  mean: float
  error: float
  seeds: int


def read(pages, table, row):
  """The `Difference` of PAGE:VARIANT in a row, named as its page names it."""
  page, _, variant = table.partition(":")
  numbers = pathlib.Path(pages, f"{page}.csv")
  if numbers.exists():
    mean, high, seeds = from_csv(numbers, variant, row)
  else:
    mean, high, seeds = from_page(numbers.with_suffix(".md"), variant, row)
  return Difference(table, mean, (high - mean) / quantile(seeds - 1), seeds)


def from_csv(path, variant, row):
  """(mean, end of its interval, seeds) of the numbers of each seed."""
  title, _, attribute = row.partition(", ")
  values = {}
  with open(path, newline="") as file:
    for line in csv.DictReader(file):
      metric = list_metrics().get(line["metric"])
      if metric and (metric.title, line["attribute"]) == (title, attribute):
        values.setdefault(line["variant"], []).append(float(line["value"]))
  baseline = next(iter(values.values()), None)
  if variant not in values:
    raise SystemExit(f"{path} has no {row!r} of {variant!r}")
  mean, _, high = paired_difference(values[variant], baseline)
  return mean, high, len(baseline)


def from_page(path, variant, row):
  """(mean, end of its interval, seeds), rounded as the page is."""
  text = path.read_text()
  _, _, differences = text.partition("Difference to ")
  lines = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in differences.splitlines()
    if line.startswith("|")
  ]
  header, cells = lines[0], {line[0]: line for line in lines}
  if row not in cells or variant not in header:
    raise SystemExit(f"{path} has no {row!r} of {variant!r}")
  found = _DIFFERENCE.fullmatch(cells[row][header.index(variant)])
  if not found:
    raise SystemExit(f"{path} has no interval of {row!r} of {variant!r}")
  mean, low, high = map(float, found.groups())
  seeds = int(re.search(r"^(\d+) seeds?, ", text, re.MULTILINE)[1])
  # Half the interval, which is rounded less than its distance to the mean.
  return mean, mean + (high - low) / 2, seeds


def common_errors(tables):
  """Standard errors by one variance of seeds, the mean of the tables' own."""
  variances = [x.error**2 * x.seeds for x in tables]
  freedoms = [x.seeds - 1 for x in tables]
  variance = np.average(variances, weights=freedoms)
  return [float(np.sqrt(variance / x.seeds)) for x in tables]


def sentence(name, pooled):
  return (
    f"{name}: {pooled.mean:+.2f} [{pooled.low:+.2f}, {pooled.high:+.2f}];"
    f" tables deviate by {pooled.deviation:.2f}, I^2"
    f" {100 * pooled.inconsistency:.0f} %, p of Cochran's Q {pooled.p:.2f}"
  )


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("--pages", default="docs/results")
  parser.add_argument("--row", default="accuracy")
  parser.add_argument("--tables", nargs="+", default=TABLES)
  arguments = parser.parse_args()
  tables = [
    read(arguments.pages, table, arguments.row) for table in arguments.tables
  ]
  print(f"| table | difference in {arguments.row} | its error | seeds |")
  print("|---|---|---|---|")
  for x in tables:
    print(f"| {x.table} | {x.mean:+.2f} | {x.error:.2f} | {x.seeds} |")
  means, errors = ([getattr(x, name) for x in tables] for name in
                   ("mean", "error"))  # fmt: skip
  common = common_errors(tables)
  print(f"\n{sentence('by the error of each table', pool(means, errors))}")
  print(sentence("by one deviation of seeds", pool(means, common)))
  deviation = common[0] * tables[0].seeds ** 0.5
  print(
    f"differences of a seed deviate by {deviation:.2f}; with a power of 80 % a"
    f" true difference of 2 is found by {seeds_needed(2, deviation)} seeds, by"
    f" {seeds_needed(2, 2.8)} where they deviate by 2.8"
  )


if __name__ == "__main__":
  main()
