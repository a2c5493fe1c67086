"""The attribute classifier: says which attributes pictures have.

How it is trained stands in classifier_training.py, and where it is kept in
classifier_cache.py.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.output import note
from akd_jax.common.ranges import check_choice
from akd_jax.data.dataset import spread_evenly
from akd_jax.data.pipeline import (
  SPLITS,
  list_attributes,
  open_source,
  read_in_batches,
)
from akd_jax.evaluation.metrics.metric import mean_if_any
from akd_jax.inference.batches import apply_in_pieces
from akd_jax.models.pixels import to_unit
from akd_jax.models.resnet import ResNet, Variables, resnet18, resnet50

NETWORKS = {"resnet18": resnet18, "resnet50": resnet50}
# Images that are classified at once.
_PIECE = 32


class Splits(NamedTuple):
  """Sources of real images: to learn from, to look at on the way, to test."""

  train: Any
  validation: Any
  test: Any


def open_splits(data: ConfigDict) -> Splits:
  """Opens all splits of `config.data`."""
  return Splits(*(open_source(data, split) for split in SPLITS))


class Predictions(NamedTuple):
  """What a classifier says of N images.

  Attributes:
    labels: 0/1 [N, K], of the attributes that it knows.
    features: [N, F], of its last layer.
  """

  labels: np.ndarray
  features: np.ndarray


class Classifier(NamedTuple):
  """A network that knows K attributes.

  Attributes:
    network: its architecture.
    variables: its parameters and batch statistics.
    metadata: its `attributes` and `label_rule`, what it was trained on, and,
      once it is kept, its `test_accuracy`.
  """

  network: ResNet
  variables: Variables
  metadata: dict[str, Any]

  def predict(self, images: np.ndarray) -> Predictions:
    """Classifies uint8 images [N, S, S, 3]."""
    logits, features = self._look(images)
    return Predictions(predicted(logits, self.metadata["label_rule"]), features)

  def score(self, images: np.ndarray) -> np.ndarray:
    """Returns the logits [N, K] of uint8 images [N, S, S, 3]."""
    return self._look(images)[0]

  def _look(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    function = functools.partial(_forward, self.network, self.variables)
    logits, features = apply_in_pieces(function, _PIECE, images)
    return logits, features


@functools.partial(jax.jit, static_argnums=0)
def _forward(
  network: ResNet, variables: Variables, image: jax.Array
) -> tuple[jax.Array, jax.Array]:
  # Accuracies are compared across machines: an accelerator's shorter products,
  # the default of JAX, would move them.
  with jax.default_matmul_precision("highest"):
    outputs: Any = network.apply(variables, to_unit(image))
  return outputs


def predicted(logits: np.ndarray, label_rule: str) -> np.ndarray:
  """Returns the 0/1 labels [N, K] that logits [N, K] mean.

  Args:
    logits: of N images.
    label_rule: "multilabel", or one by which exactly one label is on.
  """
  if label_rule != "multilabel":
    columns = np.arange(logits.shape[1])
    return (logits.argmax(1)[:, None] == columns).astype(np.uint8)
  return (logits > 0).astype(np.uint8)


def create_network(config: ConfigDict) -> ResNet:
  """Creates the architecture that `config.classifier` names."""
  name = config.classifier.name
  check_choice("classifier.name", name, NETWORKS)
  return NETWORKS[name](
    classes=len(config.data.attributes), width=config.classifier.width
  )


def with_known_attributes(config: ConfigDict) -> ConfigDict:
  """Returns the config with all attributes that the classifier is to know.

  Those are the attributes that are translated and, with them, those of
  `config.classifier.also` that the data has, whose changes are leakage.
  Classes that exclude each other have no others.
  """
  config = ConfigDict(config.to_dict())
  also = tuple(config.classifier.also)
  if config.data.label_rule == "multilabel" and also:
    known = list_attributes(config.data)
    missing = [name for name in also if name not in known]
    if missing:
      say(f"the data has no {', '.join(missing)}: it will not know them")
    names = (*config.data.attributes, *(x for x in also if x in known))
    config.data.attributes = tuple(dict.fromkeys(names))
  return config


def measure_accuracy(
  classifier: Classifier, source: Any, threads: int, limit: int = 0
) -> dict[str, Any]:
  """Measures a classifier on at most `limit` (0: all) images of a source.

  Returns:
    See `accuracy_of`.
  """
  chosen = spread_evenly(len(source), limit).tolist()
  labels: list[np.ndarray] = []
  true: list[np.ndarray] = []
  for images, known in read_in_batches(source, chosen, threads):
    labels.append(classifier.predict(images).labels)
    true.append(known)
  attributes, label_rule = (
    classifier.metadata[name] for name in ("attributes", "label_rule")
  )
  both = np.concatenate(labels), np.concatenate(true)
  return accuracy_of(*both, attributes, label_rule)


def accuracy_of(
  labels: np.ndarray,
  true: np.ndarray,
  attributes: Sequence[str],
  label_rule: str,
) -> dict[str, Any]:
  """Measures how well predicted labels agree with true ones, both 0/1 [N, K].

  Returns:
    {"mean", "attributes": {name: accuracy}, "recall": {name: share}}: the share
    of images that are classified rightly, and of those that have the attribute;
    None where none has it. By another rule than "multilabel" the two are one.
  """
  right = labels == true
  recall = {
    name: mean_if_any(right[true[:, column] > 0, column])
    for column, name in enumerate(attributes)
  }
  accuracy = recall
  if label_rule == "multilabel":
    accuracy = {
      name: mean_if_any(right[:, column])
      for column, name in enumerate(attributes)
    }
  known = [value for value in accuracy.values() if value is not None]
  mean = float(np.mean(known))
  return {"mean": mean, "attributes": accuracy, "recall": recall}


def say(message: str) -> None:
  """Prints a line about the classifier on the terminal."""
  note(f"classifier: {message}")
