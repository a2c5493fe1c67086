"""A data set that a classifier learns in a second, and a network that small."""

import functools
import os
import signal

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.evaluation import attribute_classifier, classifier_training
from akd_jax.evaluation.attribute_classifier import Splits
from akd_jax.models.resnet import BasicBlock, ResNet


class Squares:
  """Noise; a red square for the first attribute, a blue one for the second."""

  attributes = ("red", "blue")
  exclusive = ()

  def __init__(self, count, seed, one_hot=False):
    rng = np.random.default_rng(seed)
    self.labels = rng.integers(0, 2, (count, 2), dtype=np.uint8)
    if one_hot:
      self.labels[:, 1] = 1 - self.labels[:, 0]
    self.images = rng.integers(0, 100, (count, 16, 16, 3), dtype=np.uint8)
    self.images[self.labels[:, 0] > 0, 2:7, 2:14, 0] = 255
    self.images[self.labels[:, 1] > 0, 9:14, 2:14, 2] = 255

  def __len__(self):
    return len(self.labels)

  def __getitem__(self, index):
    return {"image": self.images[index], "label": self.labels[index]}


def small_config(**classifier):
  config = ConfigDict()
  config.data = {
      "name": "folder", "path": "", "image_size": 16,
      "attributes": Squares.attributes, "label_rule": "multilabel",
      "threads": 2,
  }  # fmt: skip
  config.classifier = {
      "name": "tiny", "width": 4, "epochs": 3, "batch_size": 16,
      "learning_rate": 1e-2, "weight_decay": 1e-4, "seed": 0, "weights": "",
  } | classifier  # fmt: skip
  return config


def splits_of(train, **options):
  return Splits(train, Squares(32, 1, **options), Squares(64, 2, **options))


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
  """A network that compiles in a second, by the name of "tiny"."""
  tiny = functools.partial(ResNet, (1, 1), BasicBlock)
  monkeypatch.setitem(attribute_classifier.NETWORKS, "tiny", tiny)


def interrupt_at(monkeypatch, wanted, number=signal.SIGTERM):
  """Sends this process a signal when a step has been asked for."""
  update, done = classifier_training._update, []

  def interrupted(*arguments):
    done.append(arguments)
    if len(done) == wanted:
      os.kill(os.getpid(), number)
    return update(*arguments)

  monkeypatch.setattr(classifier_training, "_update", interrupted)
  return done
