"""An evaluation as text: what is printed on the terminal."""

from collections.abc import Callable
from typing import Any

from akd_jax.experiments.page import mean_of

# Of a network of evaluation.json, its cell; None where it has none.
_Figure = Callable[[dict[str, Any]], str | None]


def table(result: dict[str, Any]) -> str:
  """The result as text: what there is by attribute, and all else by network.

  Args:
    result: what `evaluation.evaluate` returns.
  """
  parts = [
    _ruled(_accuracies(result), last=True),
    _ruled(_figures(result)),
    *(
      _ruled(rows)
      for rows in (_distances(result), _genders(result), _labels(result))
      if len(rows) > 1
    ),
  ]
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
  judge = result["real_accuracy"]["attributes"]
  real = {name: judge[name] for name in attributes}
  known = [x for x in real.values() if x is not None]
  columns["real test split"] = real | {
    "mean": sum(known) / len(known) if known else None
  }
  return [
    ["accuracy of", *columns],
    *(
      [name, *(_percent(column[name]) for column in columns.values())]
      for name in [*attributes, "mean"]
    ),
  ]


def _figures(result: dict[str, Any]) -> list[list[str]]:
  networks = result["networks"]
  rows = [["", *networks]]
  for title, value in _FIGURES.items():
    cells = [value(network) for network in networks.values()]
    if any(cell is not None for cell in cells):
      rows.append([title, *(cell or "-" for cell in cells)])
    if title == _LAST_OF_ATTENTION:
      rows += _agreement(result)
  return rows


def _agreement(result: dict[str, Any]) -> list[list[str]]:
  """Of the student's attention with the teacher's: one line, or none."""
  rows = result.get("attention_agreement", {})
  value, chance = mean_of(rows, "pearson"), mean_of(rows, "chance")
  if value is None or chance is None:
    return []
  above = ["-"] * (len(result["networks"]) - 1)
  return [[_AGREEMENT, *above, f"{value:.2f} ({chance:.2f})"]]


def _distances(result: dict[str, Any]) -> list[list[str]]:
  """Paper 2's Table III, by its name or that of what stands in for FID."""
  networks = [x["attributes"] for x in result["networks"].values()]
  rows: list[list[str]] = []
  for name in ("fid", "fd_classifier"):
    if any(name in row for network in networks for row in network.values()):
      rows.append([f"{_DISTANCES[name]} of", *result["networks"]])
      for attribute in networks[0]:
        values = [network[attribute].get(name) for network in networks]
        rows.append(
          [attribute, *("-" if x is None else f"{x:.2f}" for x in values)]
        )
  return rows


def _genders(result: dict[str, Any]) -> list[list[str]]:
  """Paper 2's Table IV, of every attribute: a translation's side effect."""
  columns = {
    title: {
      attribute: row.get("gender", {})
      for attribute, row in network["attributes"].items()
    }
    for title, network in result["networks"].items()
  }
  attributes = next(iter(result["networks"].values()))["attributes"]
  columns["true translations"] = {
    attribute: row.get("true_gender", {})
    for attribute, row in attributes.items()
  }
  known = {title: x for title, x in columns.items() if any(x.values())}
  rows = [["gender misjudged, women / men", *known]]
  for attribute in attributes:
    tests = [column[attribute] for column in known.values()]
    if any(tests):
      rows.append([attribute, *map(_both, tests)])
  return rows


def _both(test: dict[str, Any]) -> str:
  """What became of women and of men."""
  shares = (test.get(who, {}).get("misjudged") for who in ("female", "male"))
  return " / ".join(map(_percent, shares)) if test else "-"


def _labels(result: dict[str, Any]) -> list[list[str]]:
  """Paper 2's Table V: what a network can mistake for the attribute."""
  if "training_labels" not in result:
    return []
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


def _share_of(*path: str) -> _Figure:
  def figure(network):
    value = mean_of(network["attributes"], *path)
    return None if value is None else _percent(value)

  return figure


def _attention(score: str) -> _Figure:
  """At the block that is distilled, beside what a uniform map would have."""

  return lambda network: _beside_chance(
    network, "attention", network["block"], score
  )


def _beside_chance(network: dict[str, Any], *path: str) -> str | None:
  rows = network["attributes"]
  value, chance = (mean_of(rows, *path, x) for x in ("value", "chance"))
  if value is None or chance is None:
    return None
  return f"{100 * value:.1f} ({100 * chance:.1f}) %"


def _distance(name: str) -> _Figure:
  return lambda network: f"{network[name]:.2f}" if name in network else None


def _kernel_distance(name: str, scale: float = 1.0) -> _Figure:
  def figure(network):
    if name not in network:
      return None
    mean, deviation = (scale * network[name][x] for x in ("mean", "deviation"))
    return f"{mean:.2f} ± {deviation:.2f}"

  return figure


_DISTANCES = {"fid": "FID", "fd_classifier": "fd_classifier"}
_LAST_OF_ATTENTION = "attention's IoU (chance)"
_AGREEMENT = "agreement with the teacher's map (chance)"
# A line for each; none where no network has the figure.
_FIGURES: dict[str, _Figure] = {
  "other attributes that flip": _share_of("mean_flips"),
  "  where nothing is set": _lost,
  "error inside the attribute": _share_of("counterfactual", "inside", "error"),
  "  of doing nothing": _share_of("counterfactual", "inside", "nothing"),
  "error outside": _share_of("counterfactual", "outside", "error"),
  "identity kept (chance)": lambda network: _beside_chance(network, "identity"),
  "attention inside (chance)": _attention("share"),
  "attention's maximum inside (chance)": _attention("pointing"),
  _LAST_OF_ATTENTION: _attention("iou"),
  "FID": _distance("fid"),
  "KID x 1,000": _kernel_distance("kid", 1e3),
  "fd_classifier": _distance("fd_classifier"),
  "kd_classifier": _kernel_distance("kd_classifier"),
  "parameters": lambda network: f"{network['cost']['parameters']:,}",
  "multiply-accumulates": lambda network: (
    f"{network['cost']['macs'] / 1e6:,.1f} M"
  ),
  "latency, 1 picture": lambda network: (
    f"{1e3 * network['cost']['latency']['1']['median']:.1f} ms"
  ),
}
