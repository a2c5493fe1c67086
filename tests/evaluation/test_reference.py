"""Statistics of real pictures: one pass, one file, whatever names there are."""

import weakref

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.data import pipeline
from akd_jax.evaluation import reference
from akd_jax.evaluation.attribute_classifier import Predictions
from akd_jax.evaluation.reference import load_or_compute

ATTRIBUTES = ("Hat/Cap", "rare")


class Noise:
  """Real pictures: all have "Hat/Cap", one is "rare", half are "unasked"."""

  attributes = (*ATTRIBUTES, "unasked")

  def __init__(self, count=40):
    rng = np.random.default_rng(0)
    self.images = rng.integers(0, 256, (count, 4, 4, 3), np.uint8)
    self.labels = np.zeros((count, 3), np.uint8)
    self.labels[:, 0] = 1
    self.labels[0, 1] = 1
    self.labels[::2, 2] = 1

  def __len__(self):
    return len(self.images)

  def __getitem__(self, index):
    return {"image": self.images[index], "label": self.labels[index]}


def features_of(images):
  """Means of a picture's quarters."""
  quarters = images.reshape(-1, 2, 2, 2, 2, 3).mean((2, 4, 5))
  return quarters.reshape(len(images), 4) / 255


class Classifier:
  """It counts the pictures that it sees."""

  metadata = {"data_digest": "d", "name": "tiny", "test_accuracy": 0.5}

  def __init__(self, weight=1.0):
    self.seen = 0
    self.variables = {"weight": np.full(1, weight)}

  def predict(self, images):
    self.seen += len(images)
    features = self.variables["weight"] * features_of(images)
    return Predictions(np.zeros((len(images), 3)), features)


@pytest.fixture
def config(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  # Batches that groups are spread over, the last of them short.
  monkeypatch.setattr(pipeline, "_READ_AT_ONCE", 7)
  return ConfigDict(
    {"evaluation": {"inception": ""}, "data": {"name": "folder", "threads": 2}}
  )


def test_real_pictures_are_looked_at_once(config):
  classifier = Classifier()
  first = load_or_compute(config, classifier, Noise(), ATTRIBUTES)
  assert classifier.seen == 40
  again = load_or_compute(config, classifier, Noise(), ATTRIBUTES)
  assert classifier.seen == 40
  assert first.names == ("fd_classifier", "kd_classifier")
  assert first.embed is None
  for ours, kept in zip(
    first.statistics.values(), again.statistics.values(), strict=True
  ):
    np.testing.assert_array_equal(ours.mean, kept.mean)
  np.testing.assert_array_equal(first.sample, again.sample)


def test_an_attribute_may_have_any_name(config):
  found = load_or_compute(config, Classifier(), Noise(), ATTRIBUTES)
  # Of one picture there is no covariance, and nobody asked for the third.
  assert set(found.statistics) == {"", "Hat/Cap"}
  assert found.statistics["Hat/Cap"].images == 40


def test_statistics_are_numpys(config):
  source = Noise()
  found = load_or_compute(config, Classifier(), source, ("unasked", "Hat/Cap"))
  features = features_of(source.images)
  for name, chosen in (("", slice(None)), ("unasked", slice(None, None, 2))):
    kept = found.statistics[name]
    mean = features[chosen].mean(0)
    np.testing.assert_allclose(kept.mean, mean, rtol=1e-12)
    covariance = np.cov(features[chosen], rowvar=False)
    np.testing.assert_allclose(kept.covariance, covariance, rtol=1e-10)
    assert kept.images == len(features[chosen])


def test_the_sample_is_spread_over_all_pictures(config, monkeypatch):
  monkeypatch.setattr(reference, "_SAMPLE", 8)
  source = Noise()
  found = load_or_compute(config, Classifier(), source, ATTRIBUTES)
  expected = features_of(source.images[::5])
  np.testing.assert_array_equal(found.sample, expected)


def test_features_of_one_batch_are_held_at_a_time(config):
  batches, alive = [], []

  class Watched(Classifier):
    def predict(self, images):
      alive.append(sum(batch() is not None for batch in batches))
      found = super().predict(images)
      batches.append(weakref.ref(found.features))
      return found

  load_or_compute(config, Watched(), Noise(), ATTRIBUTES)
  assert len(batches) == 6 and max(alive) <= 1


def test_other_pictures_or_attributes_are_another_reference(config, tmp_path):
  brighter = Noise()
  brighter.images = brighter.images // 2 + 127
  classifier = Classifier()
  first, other = (
    load_or_compute(config, classifier, source, ATTRIBUTES).statistics[""].mean
    for source in (Noise(), brighter)
  )
  assert (other > first).all()
  load_or_compute(config, classifier, Noise(), ATTRIBUTES[:1])
  files = list(tmp_path.glob("akd_jax/references/*"))
  assert len(files) == 3 and {x.suffix for x in files} == {".npz"}


def test_what_an_earlier_version_has_kept_of_the_same_pictures_is_taken(
  config, monkeypatch, tmp_path
):
  for found in (["earlier"], ["now", "earlier"]):
    monkeypatch.setattr(reference, "digests_of", lambda *_, x=found: x)
    load_or_compute(config, Classifier(), Noise(), ATTRIBUTES)
  assert len(list(tmp_path.glob("akd_jax/references/*"))) == 1


def test_another_classifier_trained_alike_has_a_reference_of_its_own(config):
  first, other = (
    load_or_compute(config, Classifier(x), Noise(), ATTRIBUTES)
    for x in (1.0, -7.0)
  )
  mean = first.statistics[""].mean
  np.testing.assert_allclose(other.statistics[""].mean, -7 * mean)


def test_an_unreadable_picture_counts_as_what_replaced_it(config):
  source = Noise()
  replaced = Noise()
  # What stands for picture 1 has another label, too.
  replaced.images[1], replaced.labels[1] = source.images[2], [1, 0, 1]
  replaced.labels[2:] = source.labels[2:]
  listed = source.labels

  class Replacing(Noise):
    labels = property(lambda self: listed, lambda self, value: None)

    def __getitem__(self, index):
      return replaced[index]

  found = load_or_compute(config, Classifier(), Replacing(), ("unasked",))
  assert found.statistics["unasked"].images == 21
