"""The judge of translations: a classifier, trained once, then kept.

It sees real images of the training split only, never a translated one.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from akd_jax.common.cache import cache_directory
from akd_jax.common.errors import UserError
from akd_jax.common.files import alone, digest, written_whole
from akd_jax.data.pipeline import SPLITS, known_attributes, open_source
from akd_jax.evaluation.classifier_training import (
  Classifier,
  accuracy_on,
  create_network,
  say,
  train_classifier,
)
from akd_jax.models.resnet import Variables
from akd_jax.training.validation import check_judge

# What np.load raises on a file cut short.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def load_or_train(
    config: ConfigDict, directory: str | Path, train: Any, validation: Any,
    test: Any,
) -> Classifier:  # fmt: skip
  """Returns the classifier of a config, training it if there is none yet.

  Args:
    config: its `data` and `classifier` fields decide which classifier it is.
    directory: where classifiers are kept.
    train: source of real images to learn from.
    validation: source for the accuracy shown on the way.
    test: source for the accuracy kept in the metadata.
  """
  network = create_network(config)
  of_data = data_digest(config, train)
  name = digest(of_data, config.classifier.to_dict())
  path = Path(directory) / f"classifier-{name}.npz"
  if path.exists():
    return _kept(network, path)
  # Another process may be training the same one.
  with alone(directory, wait=True):
    if path.exists():
      return _kept(network, path)
    variables = train_classifier(config, train, validation)
    accuracy = accuracy_on(config, Classifier(network, variables, {}), test)
    metadata = {
      **config.classifier.to_dict(),
      "attributes": list(config.data.attributes),
      "label_rule": config.data.label_rule,
      "image_size": config.data.image_size,
      "data_digest": of_data,
      "training_images": len(train),
      "test_images": len(test),
      "test_accuracy": accuracy,
    }
    _save(path, variables, metadata)
  say(f"right on {accuracy['mean']:.2%} of the test split; kept in {path}")
  return Classifier(network, variables, metadata)


def _kept(network: Any, path: Path) -> Classifier:
  classifier = Classifier(network, *_load(path))
  accuracy = classifier.metadata["test_accuracy"]["mean"]
  say(f"reusing {path}, right on {accuracy:.2%} of the test split")
  return classifier


def judge_of(config: ConfigDict, splits: Sequence[Any]) -> Classifier:
  """The classifier that judges a run, kept in a corner of the user's cache.

  It learns from other pictures than the run where `config.classifier.data`
  says so: a judge that has seen no bald women does not see that one is bald.

  Args:
    config: as `judged` returns it.
    splits: the run's sources, in the order of SPLITS.

  Raises:
    UserError: `config.classifier.data` has a field that it can not have.
  """
  check_judge(config)
  config = ConfigDict(config.to_dict())
  otherwise = config.classifier.data
  del config.classifier["data"]
  for field, value in otherwise.items():
    config.data[field] = value
  if otherwise:
    splits = [open_source(config.data, split) for split in SPLITS]
  return load_or_train(config, cache_directory() / "classifiers", *splits)


def real_accuracy(
  config: ConfigDict, classifier: Classifier, test: Any
) -> dict[str, Any]:
  """How often a judge is right on real pictures of the run that it judges.

  Its metadata says how often on those that it was tested on, which are others
  where it learns from others.

  Args:
    config: as `judged` returns it.
    classifier: the run's judge.
    test: the run's test split.

  Returns:
    {"mean", "attributes": {name: share}}.
  """
  if not config.classifier.data:
    return classifier.metadata["test_accuracy"]
  return accuracy_on(config, classifier, test)


def train_judge(config: ConfigDict, workdir: str) -> Classifier:
  """The command: trains the judge and writes WORKDIR/classifier.json."""
  attributes = open_source(config.data, "train").attributes
  config = ConfigDict(config.to_dict())
  config.data.attributes = tuple(attributes)
  config = judged(config)
  splits = [open_source(config.data, split) for split in SPLITS]
  classifier = judge_of(config, splits)
  accuracy = classifier.metadata["test_accuracy"]
  path = Path(workdir) / "classifier.json"
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(json.dumps(classifier.metadata, indent=2) + "\n")
  print("right on the test split")
  for name, share in accuracy["attributes"].items():
    shown = "      -" if share is None else f"{share:7.2%}"
    print(f"  {name:20} {shown}")
  print(f"  {'mean':20} {accuracy['mean']:7.2%}\nwritten to {path}")
  return classifier


def judged(config: ConfigDict) -> ConfigDict:
  """The config with all that the judge of translations is to know.

  Those are the attributes that are translated and, with them, those of
  `config.classifier.also` that the data has, whose changes are leakage.
  Exclusive classes have no others.
  """
  config = ConfigDict(config.to_dict())
  also = tuple(config.classifier.also)
  if config.data.label_rule == "multilabel" and also:
    known = known_attributes(config.data)
    missing = [name for name in also if name not in known]
    if missing:
      say(f"the data has no {', '.join(missing)}: not judged")
    names = (*config.data.attributes, *(x for x in also if x in known))
    config.data.attributes = tuple(dict.fromkeys(names))
  return config


def data_digest(config: ConfigDict, train: Any) -> str:
  """Tells data sets apart by the fields that choose images, and by a look.

  The labels notice a folder that has grown, the first image a data set that
  is drawn or decoded in another way.
  """
  fields = config.data.to_dict()
  fields.pop("threads")  # Changes how fast, not what.
  fields.pop("exclusive", None)  # A run's: follows from the rest.
  look = hashlib.sha256(np.asarray(train.labels).tobytes())
  look.update(train[0]["image"].tobytes())
  return digest(fields, look.hexdigest())


def _save(path: Path, variables: Variables, metadata: dict[str, Any]) -> None:
  """Writes arrays by their path, and `metadata`, a JSON string."""
  arrays = flatten_dict(jax.device_get(variables), sep="/")
  arrays["metadata"] = np.array(json.dumps(metadata))
  with written_whole(path) as partial, open(partial, "wb") as file:
    np.savez(file, **arrays)


def _load(path: Path) -> tuple[Variables, dict[str, Any]]:
  try:
    # Opened here: np.load leaves a damaged file open.
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
      arrays = dict(kept)
    metadata = json.loads(str(arrays.pop("metadata")))
  except _DAMAGED as error:
    raise UserError(f"{path} is damaged ({error}): delete it") from error
  return jax.device_put(unflatten_dict(arrays, sep="/")), metadata
