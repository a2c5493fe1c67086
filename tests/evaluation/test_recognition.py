"""Who says which attributes a photo has."""

import numpy as np

from akd_jax.configs import teacher
from akd_jax.evaluation import classifier_cache, recognition
from akd_jax.evaluation.attribute_classifier import (
  Classifier,
  create_network,
  with_known_attributes,
)
from akd_jax.evaluation.recognition import without_contradictions
from akd_jax.models.resnet import draw_variables
from akd_jax.training.run import Run


def test_of_an_exclusive_group_the_largest_logit_stays():
  logits = np.array(
    [[1.0, 2.0, 3.0], [2.0, 1.0, -1.0], [-1.0, -2.0, 1.0], [-1.0, 5.0, 1.0]]
  )
  labels = (logits > 0).astype(np.uint8)
  settled = without_contradictions(
    labels, logits, ("black", "blond", "smile"), (("bald", "black", "blond"),)
  )
  assert settled.tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 1], [0, 1, 1]]
  # Each group is settled; one attribute may be in several.
  chain = without_contradictions(
    np.ones((1, 3), np.uint8),
    np.array([[1.0, 2.0, 3.0]]),
    ("a", "b", "c"),
    (("a", "b"), ("b", "c")),
  )
  assert chain.tolist() == [[0, 0, 1]]


def test_the_classifier_recognizes_where_it_has_been_trained(monkeypatch):
  config = teacher.get_config("debug")
  config.data.exclusive = ()
  known = with_known_attributes(config)
  network = create_network(known)
  names = tuple(known.data.attributes)
  # It knows more attributes than are set, and in its own order.
  metadata = {
    "attributes": names[::-1],
    "label_rule": "multilabel",
    "test_accuracy": {
      "attributes": {name: i / len(names) for i, name in enumerate(names)}
    },
  }
  classifier = Classifier(network, draw_variables(network, 0), metadata)
  run = Run(config, tuple(config.data.attributes), (), None, 0)
  monkeypatch.setattr(recognition, "find_classifier", lambda asked: classifier)
  recognizer = recognition.recognizer_of(run)
  assert recognizer.name == "attribute classifier"
  count = len(run.attributes)
  assert recognizer.accuracy == np.mean(np.arange(count) / len(names))
  size = config.data.image_size
  pictures = np.random.default_rng(0).integers(0, 256, (9, size, size, 3))
  pictures = pictures.astype(np.uint8)
  expected = classifier.predict(pictures).labels[:, ::-1][:, :count]
  np.testing.assert_array_equal(recognizer.predict(pictures), expected)


def test_without_its_data_a_run_has_its_discriminator(tmp_path):
  config = teacher.get_config("rafd")
  config.data.path = str(tmp_path / "gone")
  config.classifier.also = ("Male",)
  config.data.label_rule = "multilabel"
  run = Run(config, (), (), None, 0)
  assert recognition.recognizer_of(run).name == "discriminator"
  assert classifier_cache.find_classifier(config) is None
