"""Distances to real pictures are computed once, kept, and rightly named."""

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.evaluation import reference
from akd_jax.evaluation.reference import Distances, load_or_compute

ALL = np.ones(40, bool)


class Noise:
  """Real pictures: all have "common", one has "rare"."""

  attributes = ("common", "rare")

  def __init__(self, count=40):
    rng = np.random.default_rng(0)
    self.images = rng.integers(0, 256, (count, 4, 4, 3), np.uint8)
    self.labels = np.zeros((count, 2), np.uint8)
    self.labels[:, 0] = 1
    self.labels[0, 1] = 1

  def __len__(self):
    return len(self.images)

  def __getitem__(self, index):
    return {"image": self.images[index], "label": self.labels[index]}


class Judge:
  """Its features are means of a picture's quarters; it counts its pictures."""

  metadata = {"data_digest": "d", "name": "judge", "test_accuracy": 0.5}

  def __init__(self):
    self.seen = 0

  def predict(self, images):
    self.seen += len(images)
    quarters = images.reshape(-1, 2, 2, 2, 2, 3).mean((2, 4, 5))
    return None, quarters.reshape(len(images), 4) / 255


@pytest.fixture
def config(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  return ConfigDict({"evaluation": {"inception": ""}, "data": {"threads": 2}})


def test_real_pictures_are_looked_at_once(config):
  judge = Judge()
  first = load_or_compute(config, judge, Noise())
  assert judge.seen == 40
  again = load_or_compute(config, judge, Noise())
  assert judge.seen == 40
  assert set(first.statistics) == set(again.statistics) == {"", "common"}
  for name, kept in first.statistics.items():
    np.testing.assert_array_equal(kept.mean, again.statistics[name].mean)
  np.testing.assert_array_equal(first.sample, again.sample)


def test_other_pictures_by_the_same_judge_are_another_reference(config):
  brighter = Noise()
  brighter.images = brighter.images // 2 + 127
  judge = Judge()
  first, other = (
    load_or_compute(config, judge, source).statistics[""].mean
    for source in (Noise(), brighter)
  )
  assert (other > first).all()


def test_without_inception_nothing_is_called_fid(config):
  source, judge = Noise(), Judge()
  real = load_or_compute(config, judge, source)
  distances = Distances(real)
  features = judge.predict(source.images)[1]
  row = distances.add("common", source.images, features, ALL)
  assert list(row) == ["fd_classifier"]
  assert row["fd_classifier"] == pytest.approx(0, abs=1e-6)
  assert list(distances.overall()) == ["fd_classifier", "kd_classifier"]


def test_other_pictures_are_further_away(config):
  source, judge = Noise(), Judge()
  distances = Distances(load_or_compute(config, judge, source))
  dark = source.images // 2
  row = distances.add("common", dark, judge.predict(dark)[1], ALL)
  assert row["fd_classifier"] > 0.1
  assert distances.overall()["kd_classifier"]["mean"] > 0


def test_an_attribute_that_hardly_any_picture_has_is_passed_over(config):
  source, judge = Noise(), Judge()
  distances = Distances(load_or_compute(config, judge, source))
  assert distances.add("rare", source.images, np.ones((40, 4)), ALL) == {}
  assert Distances(load_or_compute(config, judge, source)).overall() == {}


def test_what_an_attribute_was_taken_from_is_not_measured_against_it(config):
  source, judge = Noise(), Judge()
  distances = Distances(load_or_compute(config, judge, source))
  # Dark where it was taken away: the others are the real pictures themselves.
  images = np.concatenate([source.images, source.images // 2])
  row = distances.add(
    "common", images, judge.predict(images)[1], np.arange(80) < 40
  )
  assert row["fd_classifier"] == pytest.approx(0, abs=1e-6)
  assert distances.overall()["fd_classifier"] > 0.01


def test_a_low_count_is_said_of_fid_alone(config, capsys):
  source, judge = Noise(), Judge()
  real = load_or_compute(config, judge, source)
  features = judge.predict(source.images)[1]
  capsys.readouterr()
  Distances(real).add("common", source.images, features, ALL)
  assert not capsys.readouterr().err
  fid = real._replace(names=("fid", "kid"), embed=lambda images: features)
  row = reference.Distances(fid).add("common", source.images, features, ALL)
  assert list(row) == ["fid"]
  assert "FID of common is of 40 translations" in capsys.readouterr().err
