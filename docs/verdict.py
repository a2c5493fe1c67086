"""Prints how a student compares with its teacher, and with other students.

python docs/verdict.py WORKDIR

The other students are of the same size, trained as long without a teacher and
by the papers' attention: means over the seeds of docs/results/distillation.csv,
which this command wrote:
  python -m akd_jax.experiment --name=distillation --out=docs/results
"""

import csv
import statistics
import sys
from pathlib import Path

from akd_jax.evaluation import record
from akd_jax.evaluation.metrics import METRICS

PUBLISHED = Path(__file__).with_name("results") / "distillation.csv"
VARIANTS = {"untaught": "untaught", "attention": "by attention"}
ROWS = (
  "accuracy", "leakage", "error_inside", "error_outside", "identity",
  "fd_classifier",
)  # fmt: skip


def published(path: Path) -> dict[str, dict[str, float]]:
  """Returns {variant: {metric: mean over seeds}}, as an experiment wrote it."""
  values: dict[str, dict[str, list[float]]] = {}
  with path.open(newline="") as file:
    for row in csv.DictReader(file):
      if row["attribute"] == "":
        of_variant = values.setdefault(row["variant"], {})
        of_variant.setdefault(row["metric"], []).append(float(row["value"]))
  return {
    variant: {name: statistics.mean(x) for name, x in metrics.items()}
    for variant, metrics in values.items()
  }


def table(networks: dict, others: dict[str, dict[str, float]]) -> str:
  """Writes a line a metric, a column a network.

  Args:
    networks: of evaluation.json.
    others: see `published`.
  """
  titles = [*networks, *(f"{VARIANTS[name]}*" for name in VARIANTS)]
  lines = [["", *titles]]
  for name in ROWS:
    metric = METRICS[name]
    values = [metric.read(x, None).value for x in networks.values()]
    values += [others[x][name] / metric.unit.scale for x in VARIANTS]
    lines.append([metric.title, *map(metric.unit.write, values)])
  widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
  return "\n".join(_line(line, widths) for line in lines)


def _line(cells: list[str], widths: list[int]) -> str:
  first, *others = zip(cells, widths, strict=True)
  aligned = [cell.rjust(width) for cell, width in others]
  return "  ".join([first[0].ljust(first[1]), *aligned])


def main(workdir: str) -> None:
  """Prints the table of a run."""
  networks = record.read(Path(workdir) / f"{record.WHOLE}.json")["networks"]
  print(table(networks, published(PUBLISHED)))
  print("* trained as long, three seeds: docs/findings/distillation.md")


if __name__ == "__main__":
  main(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__))
