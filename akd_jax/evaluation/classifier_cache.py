"""Where attribute classifiers are kept: trained once for all runs on some data.

In a corner of the user's cache, one file each, named by all that decides what
the classifier has learnt. That of avatars is shipped: accuracies that two
classifiers give are a point or two apart, though they have learnt alike.
"""

import contextlib
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from akd_jax.common.cache import cache_directory
from akd_jax.common.errors import UserError, WriteError, naming_data
from akd_jax.common.files import digest, lock_folder
from akd_jax.common.writing import check_writable
from akd_jax.evaluation import kept_arrays, raking
from akd_jax.evaluation.attribute_classifier import (
  Classifier,
  Splits,
  create_network,
  measure_accuracy,
  open_splits,
  say,
)
from akd_jax.evaluation.classifier_training import train_classifier
from akd_jax.evaluation.data_digest import digests_of, fields_of, look_at
from akd_jax.evaluation.prior import assume_equal_shares
from akd_jax.models.resnet import ResNet, Variables
from akd_jax.training.run_file import PRETRAINED
from akd_jax.training.validation import check_classifier

_UNFINISHED = ".unfinished.npz"
_SHIPPED = PRETRAINED / "classifiers"


def classifier_of(config: ConfigDict, splits: Splits) -> Classifier:
  """Returns the classifier that a run is measured by, trained if need be.

  It learns from other pictures than the run where `config.classifier.data`
  says so: one that has seen no bald women does not see that one is bald.

  Args:
    config: as `with_known_attributes` returns it.
    splits: the run's, with these attributes.

  Raises:
    UserError: `config.classifier.data` has a field that it can not have, or
      there are no such pictures.
    Stopped: training was asked to stop; what it had is saved.
  """
  its_own = _of_its_own_data(config)
  if config.classifier.data:
    with naming_data("config.classifier.data", config.classifier.data):
      splits = open_splits(its_own.data)
  return load_or_train(its_own, _directory(), splits)


def find_classifier(config: ConfigDict) -> Classifier | None:
  """Returns the classifier that a run is measured by, if there is one already.

  It is found by the config alone, without the pictures that it learnt from: it
  knows as many of `config.classifier.also` as these had. Of several, whose
  pictures were others, the newest; a shipped one last.

  Args:
    config: of the run, or as `with_known_attributes` returns it.

  Returns:
    None where there is none, or an earlier version has kept it.
  """
  config = _of_its_own_data(config)
  own, also = tuple(config.data.attributes), set(config.classifier.also)
  kept = [
    path
    for path in _directory().glob("classifier-*.npz")
    if not path.name.endswith(_UNFINISHED)
  ]
  kept.sort(key=lambda path: path.stat().st_mtime, reverse=True)
  for path in (*kept, *_SHIPPED.glob("classifier-*.npz")):
    try:
      metadata = kept_arrays.read_metadata(path)
      known = tuple(metadata.get("attributes", ()))
      if known[: len(own)] != own or not also.issuperset(known[len(own) :]):
        continue
      config.data.attributes = known
      if metadata.get("recipe") == _recipe(config):
        return load(create_network(config), path)
    except UserError as error:
      say(f"{error}; another is looked for")
  return None


def _directory() -> Path:
  return cache_directory() / "classifiers"


def _of_its_own_data(config: ConfigDict) -> ConfigDict:
  """Returns a config with the data that the classifier learns from.

  Raises:
    UserError: `config.classifier.data` has a field that it can not have.
  """
  check_classifier(config)
  config = ConfigDict(config.to_dict())
  otherwise = config.classifier.data
  del config.classifier["data"]
  # A default makes no other classifier, and earlier versions kept that one.
  if not config.classifier.unbiased:
    del config.classifier["unbiased"]
  if config.classifier.prior == "data":
    del config.classifier["prior"]
  for field, value in otherwise.items():
    config.data[field] = value
  return config


def _recipe(config: ConfigDict) -> str:
  """Tells apart what classifiers are asked for, whatever the pictures are."""
  return digest(fields_of(config), config.classifier.to_dict())


def load_or_train(
  config: ConfigDict, directory: str | Path, splits: Splits
) -> Classifier:
  """Returns the classifier of a config, training it if there is none yet.

  Args:
    config: its `data` and `classifier` fields decide which classifier it is.
    directory: where classifiers are kept.
    splits: of real images.

  Raises:
    Stopped: training was asked to stop; what it had is saved.
  """
  network = create_network(config)
  digests = digests_of(config, splits.train)
  metadata = {
    **config.classifier.to_dict(),
    "attributes": list(config.data.attributes),
    "label_rule": config.data.label_rule,
    "image_size": config.data.image_size,
    "data_digest": digests[0],
    "recipe": _recipe(config),
    "training_images": len(splits.train),
    "test_images": len(splits.test),
    "test_look": look_at(splits.test),
  }
  path, *earlier = (
    Path(directory) / f"classifier-{digest(x, config.classifier.to_dict())}.npz"
    for x in digests
  )
  for found in (path, _SHIPPED / path.name, *earlier):
    if found.exists():
      return _kept(network, found)
  for other in _SHIPPED.glob("classifier-*.npz"):
    if kept_arrays.read_metadata(other)["recipe"] == metadata["recipe"]:
      say(f"{other} has learnt from pictures that are drawn otherwise here")
  unfinished = path.with_suffix(_UNFINISHED)
  with contextlib.ExitStack() as stack:
    try:
      check_writable(directory)
      # Another process may be training the same one.
      own = path.with_name(f".{path.stem}")
      stack.enter_context(lock_folder(own, wait=True))
    except WriteError as error:
      say(f"{error}: it is trained for this once")
    if path.exists():
      return _kept(network, path)
    if config.classifier.get("prior") == "equal":
      variables = _with_equal_prior(config, directory, splits)
    else:
      variables = train_classifier(config, splits, unfinished)
    classifier = Classifier(network, variables, metadata)
    accuracy = measure_accuracy(classifier, splits.test, config.data.threads)
    metadata["test_accuracy"] = accuracy
    kept = f"kept in {path}"
    try:
      save(classifier, path)
      unfinished.unlink(missing_ok=True)
    except WriteError as error:
      kept = f"{error}: it is not kept"
  say(f"right on {accuracy['mean']:.2%} of the test split; {kept}")
  return classifier


def _with_equal_prior(
  config: ConfigDict, directory: str | Path, splits: Splits
) -> Variables:
  """Returns what the classifier by the data has learnt, to another prior."""
  usual = ConfigDict(config.to_dict())
  del usual.classifier["prior"]
  learnt = load_or_train(usual, directory, splits).variables
  labels = np.asarray(splits.train.labels)
  weights = None
  if unbiased := config.classifier.get("unbiased"):
    weights = raking.rake(labels, splits.train.attributes, unbiased).of(labels)
  shares = np.average(labels, axis=0, weights=weights)
  return assume_equal_shares(learnt, shares, config.data.label_rule)


def _kept(network: ResNet, path: Path) -> Classifier:
  classifier = load(network, path)
  accuracy = classifier.metadata["test_accuracy"]["mean"]
  say(f"reusing {path}, right on {accuracy:.2%} of the test split")
  return classifier


def measure_real_accuracy(
  config: ConfigDict, classifier: Classifier, test: Any
) -> dict[str, Any]:
  """Returns how often a classifier is right on real pictures of a run.

  Its metadata says how often on those that it was tested on, which are others
  where it learns from others.

  Args:
    config: as `with_known_attributes` returns it.
    classifier: the run's.
    test: the run's test split.

  Returns:
    See `accuracy_of`.
  """
  known = classifier.metadata["test_accuracy"]
  # Of a folder's test split other photos may have come since.
  look = look_at(test)
  same = classifier.metadata.get("test_look", look) == look
  # Earlier versions have kept no recall.
  if not config.classifier.data and same and "recall" in known:
    return known
  return measure_accuracy(classifier, test, config.data.threads)


def save(classifier: Classifier, path: Path) -> None:
  """Writes a classifier as one file: arrays by their path, and its metadata."""
  arrays = flatten_dict(jax.device_get(classifier.variables), sep="/")
  kept_arrays.write(path, arrays, classifier.metadata)


def load(network: ResNet, path: Path) -> Classifier:
  """Reads what `save` wrote, of this architecture.

  Raises:
    UserError: the file is damaged.
  """
  arrays, metadata = kept_arrays.read(path)
  variables = jax.device_put(unflatten_dict(arrays, sep="/"))
  return Classifier(network, variables, metadata)
