"""Networks side by side: the figures of each seed, and what they come to."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.metric import Metric
from akd_jax.evaluation.record import are_comparable, trained_network
from akd_jax.experiments import statistics
from akd_jax.experiments.compared import Variant
from akd_jax.experiments.statistics import paired_difference

# Those by which networks are judged.
DECISIVE = (
  "accuracy",
  "leakage",
  "error_inside",
  "error_outside",
  "identity",
  "fid",
  "fd_classifier",
)


class Column(NamedTuple):
  """A network with the figures of each seed.

  Attributes:
    name: of the variant, or of who taught all of them.
    results: evaluation.json, one a seed, as if a run had trained this network.
    seeds: of each.
    teaches: whether the others have learnt from it.
  """

  name: str
  results: Sequence[dict[str, Any]]
  seeds: list[int]
  teaches: bool = False

  @property
  def networks(self) -> list[Mapping[str, Any]]:
    """What each seed's result says of the network."""
    return [trained_network(result) for result in self.results]

  def values(self, metric: Metric, attribute: str | None = None) -> list[float]:
    """Returns a figure of each seed as it is printed; [] where one lacks it."""
    found = [metric.read(x, attribute).value for x in self.networks]
    return [metric.unit.scale * x for x in statistics.keep_if_all(found)]

  def paired(
    self, metric: Metric, other: "Column"
  ) -> tuple[list[float], list[float]]:
    """Returns a figure of both, of each seed that both have; [] without one.

    None, too, where it does not mean the same of both. Of a seed that each has
    several times, the first goes with the first, and so on.
    """
    if not self.is_comparable(metric, other):
      return [], []
    ours, theirs = (
      dict(zip(_numbered(x.seeds), x.values(metric), strict=False))
      for x in (self, other)
    )
    common = [seed for seed in ours if seed in theirs]
    return [ours[x] for x in common], [theirs[x] for x in common]

  def is_comparable(self, metric: Metric, other: "Column") -> bool:
    """Whether a figure means the same of both."""
    return all(
      are_comparable(ours, theirs, metric)
      for ours in self.results
      for theirs in (*self.results, *other.results)
    )


def _numbered(seeds: Sequence[int]) -> list[tuple[int, int]]:
  """Returns each seed with how many of its kind came before."""
  return [(seed, seeds[:i].count(seed)) for i, seed in enumerate(seeds)]


def columns_of(variants: Sequence[Variant]) -> list[Column]:
  """Returns the teacher, where all have the same, and each variant.

  Variants that have not been evaluated are left out.
  """
  evaluated = [variant for variant in variants if variant.results]
  columns = [
    Column(
      variant.name,
      variant.results,
      [seed.config.seed for seed in variant.seeds],
    )
    for variant in evaluated
  ]
  teachers = [[_teacher(x) for x in variant.results] for variant in evaluated]
  same = all(x == teachers[0] for x in teachers)
  if not teachers or not same or None in teachers[0]:
    return columns
  shown = [
    result | {"networks": {"generator": result["networks"]["teacher"]}}
    for result in columns[0].results
  ]
  # Where all seeds have learnt from one network, it has no spread.
  shown = shown[:1] if len(set(teachers[0])) == 1 else shown
  name = _free_name({x.name for x in columns})
  seeds = columns[0].seeds[: len(shown)]
  return [Column(name, shown, seeds, teaches=True), *columns]


def _teacher(result: Mapping[str, Any]) -> tuple[str, float] | None:
  """Tells teachers apart; None where a result has no figures of one.

  Earlier versions have not noted which network taught.
  """
  figures = result["networks"].get("teacher")
  if not figures or figures.get("mean") is None:
    return None
  return result.get("teacher") or "", figures["mean"]


def _free_name(taken: Collection[str]) -> str:
  """Returns what the teacher is called, other than any variant."""
  name = "teacher"
  while name in taken:
    name = f"their {name}"
  return name


def say_verdict(columns: Sequence[Column]) -> str:
  """Says what the first network is worth beside the others.

  A difference counts where its 95 % interval holds no 0. Of one seed nothing
  can be said of chance, and the sentence says so.
  """
  students = [x for x in columns if not x.teaches]
  if not students:
    return "Nothing has been evaluated yet."
  first, *others = students
  if others:
    return " ".join(_compare(first, other) for other in others)
  if columns[0].teaches:
    return _compare_to_teacher(first, columns[0])
  accuracy = format_spread(METRICS["accuracy"], first)
  return f"{first.name} sets its attributes on {accuracy} % of the pictures."


def _compare(first: Column, other: Column) -> str:
  better: list[str] = []
  worse: list[str] = []
  seeds = 0
  for name in DECISIVE:
    metric = METRICS[name]
    pairs = first.paired(metric, other)
    if not pairs[0]:
      continue
    seeds = len(pairs[0])
    mean, low, high = paired_difference(*pairs)
    if low <= 0 <= high or not mean:
      continue
    gains = (mean > 0) == (metric.better == "higher")
    (better if gains else worse).append(
      f"{metric.title} ({mean:+.{metric.unit.digits}f})"
    )
  both = f"{first.name} and {other.name}"
  unlike = _say_unlike(first, other)
  if not seeds:
    return f"{both} {unlike or 'have no seed in common.'}"
  if unlike:
    unlike = f" {both} {unlike}"
  if not better and not worse:
    return f"{both} do not differ by more than seeds do.{unlike}"
  found = {"better": better, "worse": worse}
  said = ", and ".join(
    f"{how} in {', '.join(titles)}" for how, titles in found.items() if titles
  )
  chance = " One seed: this may be chance." if seeds == 1 else ""
  return f"Beside {other.name}, {first.name} is {said}.{chance}{unlike}"


def _say_unlike(first: Column, other: Column) -> str:
  """Says why accuracies of both do not mean the same; "" where they do."""
  if first.is_comparable(METRICS["accuracy"], other):
    return ""
  networks = (*first.networks, *other.networks)
  if len({frozenset(x["attributes"]) for x in networks}) > 1:
    return "set different attributes."
  if not first.is_comparable(METRICS["error_outside"], other):
    return "were evaluated with different fields of config.evaluation."
  return (
    "have classifiers that differ on purpose (config.classifier): what these"
    " predict is not compared."
  )


def _compare_to_teacher(student: Column, teacher: Column) -> str:
  accuracy, size = METRICS["accuracy"], METRICS["parameters"]
  parameters = student.values(size), teacher.values(size)
  share = 100 * parameters[0][0] / parameters[1][0] if all(parameters) else None
  smaller = f", with {share:.0f} % of its parameters" if share else ""
  return (
    f"{student.name} sets its attributes on {format_spread(accuracy, student)}"
    f" % of the pictures, its teacher on {format_spread(accuracy, teacher)} %"
    f"{smaller}."
  )


def format_spread(
  metric: Metric, column: Column, attribute: str | None = None
) -> str:
  """Returns the mean over seeds and its spread, without a unit."""
  values = column.values(metric, attribute)
  return statistics.format_spread(values, metric.unit.digits)


def format_difference(metric: Metric, column: Column, baseline: Column) -> str:
  """Returns a difference, seed by seed, and its 95 % interval."""
  pairs = column.paired(metric, baseline)
  return statistics.format_difference(*pairs, metric.unit.digits)
