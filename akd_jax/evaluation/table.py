"""An evaluation as text: what is printed on the terminal."""

from collections.abc import Mapping
from typing import Any

from akd_jax.common.text_table import align_columns
from akd_jax.evaluation import record
from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.metric import PERCENT, Metric, Value


def render(result: Mapping[str, Any]) -> str:
  """Returns a result as text: what there is by attribute, all else by network.

  Args:
    result: what `evaluator.evaluate` returns.
  """
  first, *others = [
    _by_attribute(name, result)
    for name, metric in METRICS.items()
    if metric.by_attribute
  ]
  parts = [first, _summary(result), *others, _labels(result)]
  texts = [align_columns(rows) for rows in parts if len(rows) > 1]
  if any(name.endswith(record.MARK) for name, *_ in first):
    texts[0] += f"\n{record.FOOTNOTE}"
  return "\n\n".join(texts)


def _by_attribute(name: str, result: Mapping[str, Any]) -> list[list[str]]:
  """A line an attribute and one of all, a column a network.

  Behind these come doing nothing, true translations and, of the accuracy, real
  pictures, where they are known. Nothing where no network has a figure.
  """
  metric, networks = METRICS[name], result["networks"]
  first = next(iter(networks.values()))
  attributes = [*first["attributes"], None]
  columns = {
    title: [metric.read(network, x).value for x in attributes]
    for title, network in networks.items()
  }
  if not _any(columns.values()):
    return []
  chance = [metric.read(first, x).chance for x in attributes]
  columns |= {metric.chance: chance} if _any([chance]) else {}
  if metric.truth:
    truth = [metric.truth(first, x).value for x in attributes]
    columns |= {"true translations": truth} if _any([truth]) else {}
  if name == "accuracy":
    real = result["real_accuracy"]["attributes"]
    shares = [real.get(x) for x in attributes[:-1]]
    known = [x for x in shares if x is not None]
    mean = sum(known) / len(known) if known else None
    columns["real test split"] = [*shares, mean]
  doubted = record.find_doubted([result]) if name == "accuracy" else ()
  rows = [
    [
      record.mark(attribute or "all", doubted),
      *(_cell(metric, Value(x)) for x in values),
    ]
    for attribute, *values in zip(attributes, *columns.values(), strict=True)
    if _any([values])
  ]
  return [[metric.title, *columns], *rows]


def _summary(result: Mapping[str, Any]) -> list[list[str]]:
  """A line a metric that is not shown by attribute; none without a figure."""
  networks = result["networks"]
  rows = [["", *networks]]
  for metric in METRICS.values():
    values = [metric.read(network, None) for network in networks.values()]
    if metric.by_attribute or not _any([[x.value for x in values]]):
      continue
    title = metric.title
    if _any([[x.chance for x in values]]):
      title += f" ({metric.chance})"
    rows.append([title, *(_cell(metric, x) for x in values)])
  return rows


def _cell(metric: Metric, value: Value) -> str:
  """Writes a figure, and its chance level beside it where it has one."""
  known = [x for x in value if x is not None]
  return metric.unit.write(*known) if value.value is not None else "-"


def _any(columns: Any) -> bool:
  return any(x is not None for column in columns for x in column)


def _labels(result: Mapping[str, Any]) -> list[list[str]]:
  """Paper 2's Table V: what a network can mistake for the attribute."""
  if "training_labels" not in result:
    return []
  labels = result["training_labels"]
  rows = [["training split", "have it", "men among them"]]
  for name in next(iter(result["networks"].values()))["attributes"]:
    if row := labels["attributes"].get(name):
      rows.append([name, _percent(row["share"]), _percent(row["male"])])
  return [*rows, ["all", "", _percent(labels["male"])]]


def _percent(share: float | None) -> str:
  return "-" if share is None else PERCENT.write(share)
