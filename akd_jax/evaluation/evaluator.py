"""What a trained run is worth, beside its teacher: every metric."""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.files import written_whole
from akd_jax.data import pipeline
from akd_jax.data.attributes import attribute_indices
from akd_jax.evaluation import attribute_classifier as judge
from akd_jax.evaluation import portraits
from akd_jax.evaluation.classifier_training import Classifier
from akd_jax.evaluation.metrics.accuracy import verdicts
from akd_jax.evaluation.metrics.cost import generator_cost
from akd_jax.evaluation.metrics.leakage import GENDER, flips, label_distribution
from akd_jax.evaluation.metrics.localization import agreement
from akd_jax.evaluation.metrics.outcomes import METRICS, Names, Outcome
from akd_jax.evaluation.reference import Distances, Reference, load_or_compute
from akd_jax.evaluation.translations import (
  TestSet,
  asked,
  attention_of,
  left_alone,
  load_test_set,
  outcomes,
)
from akd_jax.inference.grids import sitters
from akd_jax.inference.translator import Translator, load_translators
from akd_jax.plotting import flip_matrix as matrices
from akd_jax.plotting.sample_grid import save_png
from akd_jax.training import validation
from akd_jax.training.run_dir import Run

# People whose attention is drawn.
_SHOWN = 2
# Of a config: what a run can be evaluated by, other than it was trained by.
SECTIONS = ("evaluation", "classifier")
# Fields of config.attention that decide whose maps are measured.
_MAPS = ("method", "hook", "block", "discriminator")

# {attribute: maps [n, h, w]}.
Attention = dict[str, np.ndarray]


def evaluate(
  run: Run,
  only: tuple[str, ...] = (),
  keep: Callable[[str, Outcome], None] | None = None,
  fields: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
  """Evaluates a run, and its teacher where that knows the same attributes.

  Of a teacher of other attributes (pseudo-attention) the attention is compared.

  Args:
    run: with the config that it was trained by.
    only: attributes to test; all by default.
    keep: called with the name of a network and what became of each attribute;
      None for nothing more than the figures.
    fields: of config.evaluation and config.classifier, by their dotted names,
      that are to be others than the run's.

  Returns:
    What evaluation.json holds: {"step", "settings", "protocol", "attention":
    whose maps are measured, "classifier", "real_accuracy": of that on the
    run's test split, "networks": {"teacher" and "student", or "generator": see
    `measure`}, "attention_agreement", "training_labels": how attributes go with
    gender, where that is known (paper 2, Table V)}.

  Raises:
    UserError: there is no such attribute, or another field is to be changed.
  """
  for field in fields or {}:
    if field.partition(".")[0] not in SECTIONS:
      raise UserError(
        f"--config.{field}: it is the run's; here, evaluation and classifier"
        " can be others"
      )
  if fields:
    run = run._replace(config=ConfigDict(run.config.to_dict()))
    run.config.update_from_flattened_dict(fields)
    validation.check(run.config)
  attribute_indices(run.attributes, only, "config.data.attributes")
  config = judge.judged(run.config)
  splits = [
    pipeline.open_source(config.data, split) for split in pipeline.SPLITS
  ]
  train, _, test = splits
  classifier = judge.judge_of(config, splits)
  real = load_or_compute(config, classifier, train)
  pictures = load_test_set(test, config.evaluation.images, config.data.threads)
  before = verdicts(
    classifier.predict(pictures.images)[0], config.data.label_rule
  )
  names = Names(run.attributes, config.data.attributes, test.exclusive)
  wanted = only or run.attributes
  own = np.eye(len(run.attributes))
  networks, attention = {}, []
  for subject in load_translators(run):
    if subject.attributes == run.attributes and np.array_equal(
      subject.conditions, own
    ):
      networks[subject.name], maps = measure(
        subject, pictures, before, classifier, real, names, run.config,
        wanted, keep,
      )  # fmt: skip
    else:
      maps = look(subject, pictures, names, run.config, wanted)
    attention.append(maps)
  result = {
    "step": run.step,
    "settings": settings(run.config),
    "protocol": config.evaluation.protocol,
    "attention": {name: config.attention[name] for name in _MAPS},
    "classifier": classifier.metadata,
    "real_accuracy": judge.real_accuracy(config, classifier, test),
    "networks": networks,
  }
  if GENDER in names.judged:
    result["training_labels"] = label_distribution(train.labels, names.judged)
  if len(attention) > 1:
    result["attention_agreement"] = agree(*attention)
  return result


def settings(config: ConfigDict) -> dict[str, Any]:
  """How a run is evaluated, as plain JSON: the sections of its config."""
  fields = json.loads(config.to_json_best_effort())
  return {name: fields[name] for name in SECTIONS}


def write(result: dict[str, Any], workdir: str, run: Run) -> pathlib.Path:
  """Writes WORKDIR/evaluation.json, and pictures to WORKDIR/evaluation.

  leakage_NETWORK.png: what else changes; attention_NETWORK.png: where each of
  its blocks looks.
  """
  path = pathlib.Path(workdir) / "evaluation.json"
  _draw_attention(path.parent, run)
  for name, network in result["networks"].items():
    matrix = {
      attribute: row["flips"]
      for attribute, row in network["attributes"].items()
      if "flips" in row
    }
    matrix["nothing"] = network["left_alone"]
    matrices.draw(
      matrix,
      path.parent / "evaluation" / f"leakage_{name}.png",
      f"{path.parent.name}: what else changes, {name}",
    )
  with written_whole(path) as temporary:
    temporary.write_text(json.dumps(result, indent=2) + "\n")
  return path


def _draw_attention(workdir: pathlib.Path, run: Run) -> None:
  source = pipeline.open_source(run.config.data, "test")
  people = sitters(source, _SHOWN)
  for subject in load_translators(run):
    title = f"{workdir.name}: attention, {subject.name}"
    sheet = portraits.every_block(
      title, subject, people, source, run.config.attention
    )
    save_png(workdir / "evaluation" / f"attention_{subject.name}.png", sheet)


def measure(
  subject: Translator,
  test: TestSet,
  before: np.ndarray,
  classifier: Classifier,
  reference: Reference,
  names: Names,
  config: ConfigDict,
  wanted: Sequence[str],
  keep: Callable[[str, Outcome], None] | None,
) -> tuple[dict[str, Any], Attention]:
  """Measures one network.

  Args:
    subject, test, before, classifier, names, config, wanted: as in `outcomes`.
    reference: the real pictures that translations are to look like.
    keep: called with the network's name and each outcome.

  Returns:
    What evaluation.json holds of the network, {"mean": accuracy, "attributes":
    {name: what METRICS give}, "left_alone": what flips where nothing is asked
    for, "block": the activation that is distilled, the distances to real
    pictures, "cost"}; and the attention there, for `agree`.
  """
  rows: dict[str, Any] = {
    name: {"accuracy": None, "images": 0} for name in wanted
  }
  block = _distilled(subject, config)
  attention: Attention = {}
  distances = Distances(reference)
  for outcome in outcomes(
    subject, test, before, classifier, names, config, wanted
  ):
    name = outcome.attribute
    for metric in METRICS.values():
      rows[name] |= metric(outcome, names)
    asked_for = outcome.targets[:, names.column(name)] > 0
    rows[name] |= distances.add(
      name, outcome.translated, outcome.features, asked_for
    )
    if outcome.maps:
      attention[name] = outcome.maps[block]
    if keep:
      keep(subject.name, outcome)
  after = left_alone(subject, test, classifier, names, config.data.label_rule)
  lost = flips(before, after, names.judged, target="", exclusive=())
  known = [row["accuracy"] for row in rows.values() if row["images"]]
  generator = subject.model.networks.generator
  result = {
    "mean": float(np.mean(known)) if known else None,
    "attributes": rows,
    "left_alone": lost,
    "block": block,
    **distances.overall(),
    "cost": generator_cost(
      generator,
      subject.model.generator,
      size=config.data.image_size,
      classes=len(names.attributes),
    ),
  }
  return result, attention


def look(
  subject: Translator,
  test: TestSet,
  names: Names,
  config: ConfigDict,
  wanted: Sequence[str],
) -> Attention:
  """The attention of a teacher of pseudo-attention, for `agree`.

  Args:
    subject, test, names, config, wanted: as in `outcomes`, but the subject
      knows other attributes.
  """
  found: Attention = {}
  for name in wanted:
    case = asked(test, names, name, config)
    every = attention_of(
      subject,
      test,
      case.chosen[case.closely],
      case.targets[case.closely],
      names.column(name),
      config,
    )
    if every:
      found[name] = every[_distilled(subject, config)]
  return found


def _distilled(subject: Translator, config: ConfigDict) -> str:
  """The activation whose attention is distilled."""
  return subject.name_activation(config.attention)


def agree(teacher: Attention, student: Attention) -> dict[str, Any]:
  """How alike both networks' maps are, for each attribute."""
  return {name: agreement(teacher[name], student[name]) for name in teacher}
