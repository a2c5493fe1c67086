r"""Measures a trained run on the test split, beside its teacher.

  python -m akd_jax.evaluate --workdir=runs/student [--step=N] \
      [--attributes=Blond_Hair,Eyeglasses] [--save_images=DIR]

Sets each attribute where it lacks and asks a classifier, trained on the real
training split only, what it sees: whether the attribute is there, and what else
changed. Drawn faces are compared with their true translations, attention maps
with the pixels that the attribute owns. Prints a table and writes
WORKDIR/evaluation.json and WORKDIR/evaluation/*.png.
"""

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from absl import flags

from akd_jax import cli
from akd_jax.comparison import mean_of
from akd_jax.errors import UserError

if TYPE_CHECKING:
  from akd_jax.metrics.outcomes import Outcome

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's directory.")
_STEP = flags.DEFINE_integer("step", None, "Which checkpoint; the last.")
_ATTRIBUTES = flags.DEFINE_list("attributes", [], "Only these.")
_SAVE_IMAGES = flags.DEFINE_string(
  "save_images", None, "Where to write every translation as a PNG of its own."
)


def table(result: dict[str, Any]) -> str:
  """The result as text: accuracy by attribute, then all else by network."""
  networks = result["networks"]
  others = [["", *networks]]
  for title, value in _FIGURES.items():
    cells = [value(network) for network in networks.values()]
    if any(cell is not None for cell in cells):
      others.append([title, *(cell or "-" for cell in cells)])
  parts = [_ruled(_accuracies(result), last=True), _ruled(others)]
  if "training_labels" in result:
    parts.append(_ruled(_labels(result)))
  return "\n\n".join(parts)


def _accuracies(result: dict[str, Any]) -> list[list[str]]:
  """Of the networks, then of the judge: on true translations, on real faces."""
  networks = result["networks"]
  attributes = next(iter(networks.values()))["attributes"]
  columns = {
    title: {
      name: row["accuracy"] for name, row in network["attributes"].items()
    }
    | {"mean": network["mean"]}
    for title, network in networks.items()
  }
  mean = mean_of(attributes, "true_accuracy")
  if mean is not None:
    columns["true translations"] = {
      name: row.get("true_accuracy") for name, row in attributes.items()
    } | {"mean": mean}
  judge = result["classifier"]["test_accuracy"]
  columns["real test split"] = judge["attributes"] | {"mean": judge["mean"]}
  return [
    ["accuracy of", *columns],
    *(
      [name, *(_percent(column[name]) for column in columns.values())]
      for name in [*attributes, "mean"]
    ),
  ]


def _labels(result: dict[str, Any]) -> list[list[str]]:
  """Paper 2's Table V: what a network can mistake for the attribute."""
  labels = result["training_labels"]
  rows = [["training split", "have it", "men among them"]]
  for name in next(iter(result["networks"].values()))["attributes"]:
    if row := labels["attributes"].get(name):
      rows.append([name, _percent(row["share"]), _percent(row["male"])])
  return [*rows, ["all", "", _percent(labels["male"])]]


def _ruled(rows: list[list[str]], last: bool = False) -> str:
  """Columns under a rule, with another above the last line where it sums up."""
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  lines = [
    "  ".join(
      [
        row[0].ljust(widths[0]),
        *map(str.rjust, row[1:], widths[1:]),
      ]
    )
    for row in rows
  ]
  rule = "-" * len(lines[0])
  lines.insert(1, rule)
  if last:
    lines.insert(-1, rule)
  return "\n".join(lines)


def _percent(share: float | None) -> str:
  return "-" if share is None else f"{100 * share:.1f} %"


def _lost(network: dict[str, Any]) -> str:
  return _percent(mean_of(network["left_alone"], "flips"))


def _share_of(*path: str) -> "Callable[[dict[str, Any]], str | None]":
  def figure(network):
    value = mean_of(network["attributes"], *path)
    return None if value is None else _percent(value)

  return figure


def _attention(score: str) -> "Callable[[dict[str, Any]], str | None]":
  """At the block that is distilled, beside what a uniform map would have."""

  def figure(network):
    path = "attention", network["block"], score
    value, chance = (
      mean_of(network["attributes"], *path, x) for x in ("value", "chance")
    )
    if value is None or chance is None:
      return None
    return f"{100 * value:.1f} ({100 * chance:.1f}) %"

  return figure


def _distance(name: str) -> "Callable[[dict[str, Any]], str | None]":
  return lambda network: f"{network[name]:.2f}" if name in network else None


# A line for each; none where no network has the figure.
_FIGURES: "dict[str, Callable[[dict[str, Any]], str | None]]" = {
  "other attributes that flip": _share_of("mean_flips"),
  "  where nothing is set": _lost,
  "error inside the attribute": _share_of("counterfactual", "inside", "error"),
  "  of doing nothing": _share_of("counterfactual", "inside", "nothing"),
  "error outside": _share_of("counterfactual", "outside", "error"),
  "attention inside (chance)": _attention("share"),
  "attention's maximum inside (chance)": _attention("pointing"),
  "attention's IoU (chance)": _attention("iou"),
  "FID": _distance("fid"),
  "fd_classifier": _distance("fd_classifier"),
  "parameters": lambda network: f"{network['cost']['parameters']:,}",
  "multiply-accumulates": lambda network: (
    f"{network['cost']['macs'] / 1e6:,.1f} M"
  ),
  "latency, 1 picture": lambda network: (
    f"{1e3 * network['cost']['latency']['1']['median']:.1f} ms"
  ),
}


def _saver(folder: str) -> "Callable[[str, Outcome], None]":
  """Writes FOLDER/NETWORK/ATTRIBUTE/INDEX.png, the index in the test split."""
  from akd_jax.pictures import save_png

  def save(network: str, outcome: "Outcome") -> None:
    root = pathlib.Path(folder, network, outcome.attribute)
    for position, image in zip(
      outcome.positions, outcome.translated, strict=True
    ):
      save_png(root / f"{position:06}.png", image)

  return save


def main(argv: list[str]) -> None:
  """Evaluates, prints the table, writes evaluation.json and the pictures."""
  cli.no_arguments(argv)
  from akd_jax import compilation, evaluation, runs

  compilation.use_persistent_cache()
  workdir: str = _WORKDIR.value or ""
  if runs.is_file(workdir):
    raise UserError(
      f"--workdir={workdir} is a file: evaluate the run it is the teacher of"
    )
  keep = _saver(_SAVE_IMAGES.value) if _SAVE_IMAGES.value else None
  result = evaluation.evaluate(
    workdir, _STEP.value, tuple(_ATTRIBUTES.value), keep
  )
  path = evaluation.write(result, workdir)
  print(f"\n{table(result)}\n\nwritten to {path}")


if __name__ == "__main__":
  flags.mark_flag_as_required("workdir")
  cli.run(main)
