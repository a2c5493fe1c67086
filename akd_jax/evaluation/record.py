"""evaluation.json: what an evaluation has found, whichever version wrote it."""

import copy
import json
import pathlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.config import ADDED
from akd_jax.common.errors import UserError
from akd_jax.common.files import write_whole
from akd_jax.common.json_text import parse
from akd_jax.evaluation.metrics.metric import Metric, entry_of

# Of a config: what a run can be evaluated by, other than it was trained by.
SECTIONS = ("evaluation", "classifier")
# Of evaluations of some of the attributes, which leave the whole one alone.
WHOLE, PARTIAL = "evaluation", "evaluation_partial"

# An attribute's accuracy is marked where its classifier is right on a smaller
# share of real pictures, or of those that have it: one that never sees a rare
# attribute is right on nearly all.
TRUSTED = 0.9
MARK = "†"
FOOTNOTE = (
  f"{MARK} On real pictures, or on those that have this attribute, the"
  f" classifier is right on less than {100 * TRUSTED:.0f} %."
)


def write(result: Mapping[str, Any], path: pathlib.Path) -> None:
  """Writes a result as JSON, whole or not at all."""
  with write_whole(path) as temporary:
    temporary.write_text(json.dumps(result, indent=2) + "\n")


def read(path: pathlib.Path) -> dict[str, Any]:
  """Reads a result, with the names that this version writes.

  Raises:
    UserError: it cannot be read, or is no evaluation's result.
  """
  try:
    result = renew(parse(path.read_text()))
    networks = result["networks"].values()
    rows = [row for x in networks for row in x["attributes"].values()]
    is_whole = (
      isinstance(result["step"], int)
      and isinstance(trained_network(result)["attributes"], dict)
      and all(isinstance(row, dict) for row in rows)
    )
  except OSError as error:
    raise UserError(f"cannot read {path}: {error.strerror}") from None
  except (ValueError, KeyError, TypeError, AttributeError) as error:
    raise UserError(_damaged(path, error)) from None
  if not is_whole:
    raise UserError(_damaged(path, "it lacks figures"))
  return result


def _damaged(path: pathlib.Path, what: object) -> str:
  return (
    f"{path} is no result of an evaluation, or damaged ({what}): evaluate the"
    " run again"
  )


def renew(result: dict[str, Any]) -> dict[str, Any]:
  """Gives a result of an earlier version the names that this one writes.

  `left_alone` of a network is `self_translation`, and `attention_agreement` of
  the result an entry of the student's rows. Settings that it lacks have the
  values that mean what it did.
  """
  for network in result["networks"].values():
    if "left_alone" in network:
      network["self_translation"] = network.pop("left_alone")
  rows = trained_network(result)["attributes"]
  for attribute, agreement in result.pop("attention_agreement", {}).items():
    rows.setdefault(attribute, {})["agreement"] = agreement
  settings = result.get("settings", {})
  evaluation = settings.get("evaluation", {})
  if "looked_at" in evaluation:
    evaluation["probe_images"] = evaluation.pop("looked_at")
  for field, value in ADDED.items():
    section, _, name = field.partition(".")
    if section in SECTIONS and section in settings:
      settings[section].setdefault(name, copy.copy(value))
  return result


def list_settings(config: ConfigDict) -> dict[str, Any]:
  """Returns how a run is evaluated, as plain JSON: sections of its config."""
  fields = json.loads(config.to_json_best_effort())
  return {name: fields[name] for name in SECTIONS}


def find_doubted(results: Iterable[Mapping[str, Any]]) -> set[str]:
  """Returns the attributes whose accuracy is to be marked with MARK.

  Args:
    results: of evaluations, in which the classifier's accuracy on the real test
      split may be missing, and its recall.
  """
  return {
    name
    for result in results
    for kind in ("attributes", "recall")
    for name, share in result.get("real_accuracy", {}).get(kind, {}).items()
    if share is not None and share < TRUSTED
  }


def mark(attribute: str, found: Collection[str]) -> str:
  """Returns an attribute's name, with MARK where its accuracy is doubted."""
  return f"{attribute} {MARK}" if attribute in found else attribute


def trained_network(result: Mapping[str, Any]) -> dict[str, Any]:
  """Returns what a result says of the network that the run has trained."""
  networks = result["networks"]
  return networks.get("student") or networks["generator"]


def are_comparable(
  first: Mapping[str, Any], second: Mapping[str, Any], metric: Metric
) -> bool:
  """Whether a figure means the same in two results.

  It does not where both are of other attributes, measured on other pictures, of
  maps that are made otherwise, or differ in what the metric wants to be the
  same. How large a network is means the same everywhere.
  """
  ours, theirs = ({**x, **trained_network(x)} for x in (first, second))
  paths = list(metric.same)
  if "attention" in metric.needs:
    paths.append(("attention",))
  # What an earlier version does not say is as what is empty.
  if any(
    (entry_of(ours, path) or None) != (entry_of(theirs, path) or None)
    for path in paths
  ):
    return False
  return not metric.of_training or (
    set(ours["attributes"]) == set(theirs["attributes"])
    and _evaluation(first) == _evaluation(second)
  )


def _evaluation(result: Mapping[str, Any]) -> dict[str, Any]:
  """Returns how a result was measured; a file may have moved."""
  fields = result.get("settings", {}).get("evaluation", {})
  return {name: x for name, x in fields.items() if name != "inception"}


def say_classifiers(results: Iterable[Mapping[str, Any]]) -> str:
  """Says how good the classifiers are by which results are compared."""
  accuracies = {
    str(x.get("classifier")): _say_accuracy(x)
    for x in results
    if "real_accuracy" in x
  }
  if not accuracies:
    return ""
  first, *others = sorted(accuracies.values())
  if not others:
    return (
      f"The attribute classifier is right on {first} of the real test split."
    )
  return (
    f"Accuracies are of several attribute classifiers, right on"
    f" {', '.join([first, *others])} of the real test split."
  )


def _say_accuracy(result: Mapping[str, Any]) -> str:
  accuracy = f"{100 * result['real_accuracy']['mean']:.2f} %"
  equal = entry_of(result, ("classifier", "prior")) == "equal"
  return f"{accuracy} (with an equal prior)" if equal else accuracy


def find_teacher(
  result: Mapping[str, Any],
  wanted: Sequence[str],
  others: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
  """Returns {"teacher": its figures}, where another result has them.

  Args:
    result: of the same teacher, measured alike and on the same device, but for
      its networks.
    wanted: the attributes to be measured.
    others: results, as read from their files.
  """
  # As they are read back from a file.
  result = json.loads(json.dumps(result))
  alike = [name for name in result if name not in ("step", "networks")]
  for other in others:
    figures = other["networks"].get("teacher")
    if (
      figures
      and list(figures["attributes"]) == list(wanted)
      and all(other.get(name) == result[name] for name in alike)
    ):
      return {"teacher": figures}
  return {}
