"""What a trained run is worth, beside its teacher: every metric."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data import pipeline
from akd_jax.data.attributes import attribute_indices
from akd_jax.evaluation import record
from akd_jax.evaluation.attribute_classifier import (
  open_splits,
  with_known_attributes,
)
from akd_jax.evaluation.classifier_cache import (
  classifier_of,
  measure_real_accuracy,
)
from akd_jax.evaluation.faces import load_faces
from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.cost import name_device
from akd_jax.evaluation.metrics.gender import label_distribution
from akd_jax.evaluation.metrics.outcome import (
  GENDER,
  NEEDS,
  Measured,
  Names,
  Outcome,
)
from akd_jax.evaluation.reference import load_or_compute
from akd_jax.evaluation.selection import choose_groups, load_test_set
from akd_jax.evaluation.translations import (
  Attention,
  Instruments,
  attention_to,
  outcomes,
  translate_to_own_labels,
)
from akd_jax.inference.translator import Translator, load_translators
from akd_jax.training import validation
from akd_jax.training.origins import digest_data
from akd_jax.training.run import Run
from akd_jax.training.run_dir import digest_model
from akd_jax.training.same_run import PLACES, check_origins

# Fields of config.attention that decide whose maps are measured.
_MAPS = ("method", "hook", "block", "discriminator")

# Called with the name of a network, what became of each attribute, and the
# names of the test split's photos, if they have any.
Keep = Callable[[str, Outcome, Sequence[str] | None], None]


def evaluate(
  run: Run,
  only: tuple[str, ...] = (),
  keep: Keep | None = None,
  others: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
  """Evaluates a run, and its teacher where that knows the same attributes.

  Of a teacher of other attributes (pseudo-attention) the attention is compared.

  Args:
    run: with the config that it was trained by; see `with_fields`.
    only: attributes to test; all by default.
    keep: is given what became of each attribute; None for nothing more than
      the figures.
    others: results of other runs. What one has of the same teacher, measured
      alike, is taken from there.

  Returns:
    What evaluation.json holds: {"step", "settings", "protocol", "attention":
    whose maps are measured, "classifier", "real_accuracy": of that on the
    run's test split, "faces": whether a face network has looked, "teacher": its
    digest, None without one, "networks": {"teacher" and "student", or
    "generator": see `measure`}, "training_labels": how attributes go with
    gender, where that is known (paper 2, Table V)}.

  Raises:
    UserError: there is no such attribute, or the run has learnt from other
      photos or another teacher.
  """
  attribute_indices(run.attributes, only, "config.data.attributes")
  _check_photos(run)
  *teacher, trained = load_translators(run)
  config = with_known_attributes(run.config)
  splits = open_splits(config.data)
  classifier = classifier_of(config, splits)
  truth = pipeline.truth_of(config.data, splits.test)
  test = load_test_set(
    splits.test, config.evaluation.images, config.data.threads, truth
  )
  exclusive = choose_groups(run, splits.test)
  names = Names(run.attributes, config.data.attributes, exclusive)
  instruments = Instruments(
    test=test,
    before=classifier.predict(test.images).labels,
    classifier=classifier,
    reference=load_or_compute(config, classifier, splits.train, run.attributes),
    names=names,
    config=run.config,
    faces=load_faces(truth),
  )
  wanted = only or run.attributes
  result: dict[str, Any] = {
    "step": run.step,
    "settings": record.list_settings(run.config),
    "protocol": config.evaluation.protocol,
    "attention": {name: config.attention[name] for name in _MAPS},
    "classifier": classifier.metadata,
    "real_accuracy": measure_real_accuracy(config, classifier, splits.test),
    "faces": instruments.faces is not None,
    "teacher": digest_model(teacher[0].model) if teacher else None,
    "device": name_device(),
    "networks": {},
  }
  known = {} if keep else record.find_teacher(result, wanted, others)
  networks = result["networks"]
  attention: Attention = {}  # Of the network before: the teacher's.
  for translator in (*teacher, trained):
    if translator.name in known:
      networks |= known
    elif _translates(translator, run.attributes):
      networks[translator.name], attention = measure(
        translator, instruments, wanted, attention, keep
      )
      continue
    attention = attention_to(translator, instruments, wanted)
  if GENDER in names.known:
    result["training_labels"] = label_distribution(
      splits.train.labels, names.known
    )
  return result


def with_fields(run: Run, fields: Mapping[str, Any]) -> Run:
  """Returns the run as it is to be evaluated, otherwise than its config says.

  Args:
    run: with the config that it was trained by.
    fields: of config.evaluation and config.classifier, by their dotted names,
      that are to be others; and where its teacher and its photos lie now.

  Raises:
    UserError: one is of a section that has to be as it was trained by.
  """
  for field in fields:
    if field.partition(".")[0] not in record.SECTIONS and field not in PLACES:
      raise UserError(
        f"--config.{field} stays as the run has it: only fields of"
        " config.evaluation and config.classifier can be others, and"
        f" {', '.join(f'config.{x}' for x in PLACES)} where these have moved"
      )
  if not fields:
    return run
  run = run._replace(config=ConfigDict(run.config.to_dict()))
  run.config.update_from_flattened_dict(fields)
  validation.check(run.config)
  return run


def _check_photos(run: Run) -> None:
  """Refuses other photos than the run's, where it is known what those were."""
  if "data" not in run.origins:
    return
  data = run.config.data
  source = pipeline.open_source(data, "train")
  found = digest_data(source, data.threads)
  check_origins(run.origins, found, run.config, "this run")


def _translates(translator: Translator, attributes: tuple[str, ...]) -> bool:
  """Whether a network translates these attributes, each by its own label."""
  own = np.eye(len(attributes))
  return translator.attributes == attributes and np.array_equal(
    translator.conditions, own
  )


def measure(
  translator: Translator,
  instruments: Instruments,
  wanted: Sequence[str],
  teacher_attention: Attention,
  keep: Keep | None,
) -> tuple[dict[str, Any], Attention]:
  """Measures one network.

  Args:
    translator, instruments, wanted, teacher_attention: as for `outcomes`.
    keep: as for `evaluate`.

  Returns:
    What evaluation.json holds of the network, {"mean": accuracy, "block": the
    activation that is distilled, "attributes": {name: what METRICS measure},
    and what METRICS summarize}; and the attention there.
  """
  rows: dict[str, Any] = {
    name: {"accuracy": None, "images": 0} for name in wanted
  }
  block = translator.name_activation(instruments.config.attention)
  network: dict[str, Any] = {"mean": None, "block": block, "attributes": rows}
  attention: Attention = {}
  features = []
  for outcome in outcomes(translator, instruments, wanted, teacher_attention):
    rows[outcome.attribute] |= measure_outcome(outcome)
    features.append(outcome.features)
    if outcome.probes.maps:
      attention[outcome.attribute] = outcome.probes.maps[block]
    if keep:
      keep(translator.name, outcome, instruments.test.files)
  network["mean"] = METRICS["accuracy"].read(network, None).value
  network |= summarize(
    Measured(
      generator=translator.model.networks.generator,
      variables=translator.model.variables,
      image_size=instruments.config.data.image_size,
      names=instruments.names,
      before=instruments.before,
      restored=translate_to_own_labels(translator, instruments),
      features=features,
      reference=instruments.reference,
    )
  )
  return network, attention


def measure_outcome(outcome: Outcome) -> dict[str, Any]:
  """Returns all that METRICS measure of an outcome that has what they need."""
  row: dict[str, Any] = {}
  functions = {x.measure: x.needs for x in METRICS.values() if x.measure}
  for function, needs in functions.items():
    if all(NEEDS[need](outcome) for need in needs):
      row |= function(outcome)
  return row


def summarize(network: Measured) -> dict[str, Any]:
  """Returns all that METRICS summarize of a network."""
  entries: dict[str, Any] = {}
  for function in dict.fromkeys(x.summarize for x in METRICS.values()):
    if function:
      entries |= function(network)
  return entries
