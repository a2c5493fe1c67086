"""Draws how good students are by their size, as the experiment `sizes` found.

python docs/sizes.py [docs/results/sizes.csv] [docs/sizes.png]

A line is a recipe and a number of blocks; its points are widths, means over
seeds. The dashed line is the teacher.
"""

import re
import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from verdict import published

RESULTS = Path(__file__).with_name("results") / "sizes.csv"
PICTURE = Path(__file__).with_name("sizes.png")
PANELS = {
  "accuracy": "accuracy, %",
  "identity": "identity kept, %",
  "fd_classifier": "fd_classifier, less is better",
}
# "that pays, w 8 n 3"
VARIANT = re.compile(r"(.*), w (\d+) n (\d+)")
STYLES = {1: ":", 3: "-", 6: "--"}
COLOURS = {"that pays": "tab:blue", "untaught": "tab:orange"}


def draw(found: dict[str, dict[str, float]]) -> Figure:
  """Draws a panel a metric over the generator's parameters."""
  lines: dict[tuple[str, int], list[dict[str, float]]] = {}
  for variant, figures in found.items():
    if match := VARIANT.fullmatch(variant):
      lines.setdefault((match[1], int(match[3])), []).append(figures)
  figure = Figure((11, 3.6), layout="constrained")
  for panel, (metric, title) in zip(
    figure.subplots(1, len(PANELS)), PANELS.items(), strict=True
  ):
    for (recipe, blocks), points in lines.items():
      points = sorted(points, key=lambda x: x["parameters"])
      panel.plot(
        [x["parameters"] for x in points],
        [x[metric] for x in points],
        STYLES[blocks],
        marker="o",
        color=COLOURS[recipe],
        label=f"{recipe}, {blocks} block{'s' * (blocks > 1)}",
      )
    teacher = found["teacher"]
    panel.axhline(teacher[metric], color="gray", linestyle="-.", linewidth=1)
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g} k")
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_title(title, fontsize=10)
    panel.set_xlabel("parameters of the student", fontsize=9)
    panel.grid(alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)
  figure.legend(
    *panel.get_legend_handles_labels(),
    loc="outside right center",
    fontsize=8,
    frameon=False,
  )
  return figure


def main(results: Path = RESULTS, picture: Path = PICTURE) -> None:
  """Reads the numbers of the seeds, draws the chart."""
  draw(published(results)).savefig(picture, dpi=100)
  print(f"written to {picture}")


if __name__ == "__main__":
  main(*map(Path, sys.argv[1:]))
