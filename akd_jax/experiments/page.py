"""An experiment's table: every figure of every arm, over its seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from akd_jax.experiments.statistics import paired_difference, spread

# Of a row that says what chance gives.
_CHANCE = ", a uniform map"
# Of rows that say nothing of arms whose maps are made otherwise.
_OF_MAPS = ("attention", "agreement")
# evaluation.json of each seed.
Results = Sequence[Mapping[str, Any]]


def student(result: Mapping[str, Any]) -> Mapping[str, Any]:
  """What evaluation.json says of the network that was trained."""
  networks = result["networks"]
  return networks.get("student") or networks["generator"]


def mean_of(rows: Mapping[str, Any], *path: str) -> float | None:
  """Of an entry of their rows in evaluation.json, given by its path.

  None where no attribute has it.
  """
  values = []
  for row in rows.values():
    for name in path:
      row = (row or {}).get(name)
    if row is not None:
      values.append(row)
  return float(np.mean(values)) if values else None


def _accuracies(rows: Mapping[str, Any], kind: str) -> dict[str, Any]:
  return {f"accuracy, {name}": row.get(kind) for name, row in rows.items()}


def _genders(rows: Mapping[str, Any], kind: str) -> dict[str, Any]:
  """Paper 2's Table IV."""
  shares = {}
  for name, who in (("Bald", "female"), ("Wearing_Lipstick", "male")):
    tests = rows.get(name, {}).get(kind, {})
    shares[f"{name} on {who}: gender misjudged"] = tests.get(who, {}).get(
      "misjudged"
    )
  return shares


def _attention(rows: Mapping[str, Any], block: str) -> dict[str, Any]:
  """Each score, where a uniform map's is another one, beside it."""
  return {
    title: mean_of(rows, "attention", block, score, kind)
    for title, score, kind in (
      ("attention inside", "share", "value"),
      (f"attention inside{_CHANCE}", "share", "chance"),
      ("attention's maximum inside", "pointing", "value"),
      ("attention's IoU", "iou", "value"),
      (f"attention's IoU{_CHANCE}", "iou", "chance"),
    )
  }


def _distances(network: Mapping[str, Any]) -> dict[str, float]:
  """Paper 2's Table III; those of the judge's features where there is no FID.

  KID as it is reported, a thousand times what it is.
  """
  found = {}
  for name in ("fid", "fd_classifier"):
    if name in network:
      found[name] = network[name]
    for attribute, row in network["attributes"].items():
      if name in row:
        found[f"{name}, {attribute}"] = row[name]
  if "kid" in network:
    found["KID x 1,000"] = 1e3 * network["kid"]["mean"]
  if "kd_classifier" in network:
    found["kd_classifier"] = network["kd_classifier"]["mean"]
  return found


def _in_percent(shares: Mapping[str, float | None]) -> dict[str, float]:
  return {k: 100 * x for k, x in shares.items() if x is not None}


def figures_of_truth(results: Results) -> dict[str, float]:
  """Those of `figures` that the judge gives the true translations.

  Args:
    results: of the arms of one seed. The mean is that of the first: a teacher
      may know other attributes.
  """
  found: dict[str, float] = {}
  for result in reversed(results):
    rows = student(result)["attributes"]
    found |= _in_percent(
      {"accuracy": mean_of(rows, "true_accuracy")}
      | _accuracies(rows, "true_accuracy")
      | _genders(rows, "true_gender")
    )
  return found


def figures(result: Mapping[str, Any]) -> dict[str, float]:
  """What is compared, by the name of its row; shares in percent.

  Args:
    result: evaluation.json, and {"losses": weighted terms at the end}.
  """
  network = student(result)
  rows, block = network["attributes"], network["block"]
  shares = {
    "accuracy": network["mean"],
    **_accuracies(rows, "accuracy"),
    "other attributes that flip": mean_of(rows, "mean_flips"),
    "flips where nothing is set": mean_of(network["left_alone"], "flips"),
    "error inside the attribute": mean_of(
      rows, "counterfactual", "inside", "error"
    ),
    "error outside": mean_of(rows, "counterfactual", "outside", "error"),
    "identity kept": mean_of(rows, "identity", "value"),
    **_attention(rows, block),
    **_genders(rows, "gender"),
  }
  losses = result.get("losses", {})
  for name, term in (("L_akd", "g_loss_akd"), ("L_out", "g_loss_out")):
    if term in losses:
      shares[f"{name}, weighted, of L_rec"] = (
        losses[term] / losses["g_loss_rec"]
      )
  found = _in_percent(shares)
  found |= _distances(network)
  for title, name in (
    ("agreement with the teacher's attention", "pearson"),
    ("agreement with that of other people", "chance"),
  ):
    agreement = mean_of(result.get("attention_agreement", {}), name)
    if agreement is not None:
      found[title] = agreement
  return found


def markdown(
  title: str,
  paper: str,
  command: str,
  seconds: float,
  arms: Mapping[str, Results],
) -> str:
  """The document of an experiment.

  Args:
    title: its heading.
    paper: what the paper reports; may be empty.
    command: that it is the outcome of.
    seconds: of training, all runs together.
    arms: name -> results, one a seed; the first is the baseline. Where an arm
      has not all seeds yet, only those that all have are compared.
  """
  count = min(map(len, arms.values()))
  if not count:
    return ""
  found = {
    arm: [figures(result) for result in results[:count]]
    for arm, results in arms.items()
  }
  baseline = next(iter(found))
  same = set(student(arms[baseline][0])["attributes"])
  # A mean over other attributes is no more or less than the baseline's.
  others = [
    arm
    for arm, results in arms.items()
    if arm != baseline and set(student(results[0])["attributes"]) == same
  ]
  truth = [
    figures_of_truth([results[seed] for results in arms.values()])
    for seed in range(count)
  ]
  if any(truth):
    found["true translations"] = truth
  judge = arms[baseline][0]["real_accuracy"]["mean"]
  rows = list(dict.fromkeys(row for arm in found.values() for row in arm[0]))

  def values(arm: str, row: str) -> list[float | None]:
    return [seed.get(row) for seed in found[arm]]

  maps = {arm: results[0]["attention"] for arm, results in arms.items()}

  def difference(arm: str, row: str) -> str:
    if row.startswith(_OF_MAPS) and maps[arm] != maps[baseline]:
      return "-"
    return _difference(values(arm, row), values(baseline, row))

  lines = [f"# {title}", ""]
  if paper:
    lines += [f"The paper: {paper}", ""]
  lines += [
    f"`{command}`",
    "",
    f"{count} seed{'s' * (count > 1)}, {seconds / 3600:.1f} hours of training."
    " Mean and standard deviation over seeds; shares in percent."
    f" The judge is right on {100 * judge:.2f} % of the real test split.",
    "",
    *_table(
      ["", *found],
      [[row, *(_spread(values(arm, row)) for arm in found)] for row in rows],
    ),
    "",
    f"Difference to *{baseline}*, seed by seed, with its 95 % interval:",
    "",
    *_table(
      ["", *others],
      [
        [row, *(difference(arm, row) for arm in others)]
        for row in rows
        if None not in values(baseline, row) and not row.endswith(_CHANCE)
      ],
    ),
  ]
  return "\n".join(lines) + "\n"


def _table(header: Sequence[str], rows: Sequence[list[str]]) -> list[str]:
  lines = [header, ["---"] * len(header), *rows]
  return ["| " + " | ".join(cells) + " |" for cells in lines]


def _spread(values: Sequence[float | None]) -> str:
  known = [x for x in values if x is not None]
  if len(known) < len(values):
    return "-"
  mean, deviation = spread(known)
  return f"{mean:.2f}" + ("" if np.isnan(deviation) else f" ± {deviation:.2f}")


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
