"""A picture unlike those that were learnt from is told by its critic score."""

import numpy as np
import pytest

from akd_jax.common import cache
from akd_jax.common.errors import UserError, WriteError
from akd_jax.data import pipeline
from akd_jax.evaluation import familiarity, kept_measures
from akd_jax.systems import system_of
from akd_jax.systems.model import Model
from akd_jax.training.run import Run
from akd_jax.training.run_dir import load_run
from tests import small_runs


@pytest.fixture(name="run")
def fixture_run(initialize, tmp_path, monkeypatch):
  monkeypatch.setattr(kept_measures, "cache_directory", lambda: tmp_path)
  config = small_runs.teacher_config()
  config.data.exclusive = ()
  networks = system_of(config).create_networks(config)
  params = initialize(networks.discriminator, (1, 16, 16, 3))
  model = Model({}, params, networks)
  return Run(config, tuple(config.data.attributes), (), model, 1)


def test_what_was_learnt_from_is_usual(run):
  usual = familiarity.load_or_measure(run)
  source = pipeline.open_source(run.config.data, "validation")
  images, labels = pipeline.read(source, range(len(source)), 2)
  scores, logits = familiarity.score_pictures(run.model, images)
  assert all(usual.warn(x) is None for x in scores)
  assert np.isclose(usual.accuracy, np.mean((logits > 0) == labels))
  for score in (usual.low - 1, usual.high + 1):
    warning = usual.warn(score)
    assert f"{score:.2f}" in warning and f"{usual.low:.2f}" in warning


@pytest.mark.parametrize(
  ("score", "expected"),
  [
    (0.5, "is 0.50, where 99% of such pictures have 1.96 to 3.27"),
    (1.959, "is 1.959, where 99% of such pictures have 1.962 to 3.271"),
  ],
)
def test_a_score_is_told_from_the_bound_that_it_is_beyond(score, expected):
  usual = familiarity.Familiarity(1.962, 3.271, 0.9)
  assert expected in usual.warn(score)


@pytest.mark.parametrize("count", [2, 7, 30, 999, 1000])
def test_of_few_pictures_or_many_as_many_others_are_usual(count):
  random = np.random.default_rng(0)
  usual = 0
  for _ in range(400):
    low, high = familiarity.find_usual(random.normal(3, 2, count))
    usual += np.mean((low < (x := random.normal(3, 2, 100))) & (x < high)) / 400
  assert usual == pytest.approx(familiarity.USUAL, abs=0.004)


def test_of_one_picture_nothing_is_unusual():
  assert familiarity.find_usual(np.zeros(1)) == (-np.inf, np.inf)


def test_of_classes_a_wrong_one_is_wrong_altogether(run, initialize):
  names = ("angry", "happy", "sad")
  config = run.config
  config.data.attributes, config.data.label_rule = names, "exclusive"
  networks = system_of(config).create_networks(config)
  params = initialize(networks.discriminator, (1, 16, 16, 3))
  run = Run(config, names, (names,), Model({}, params, networks), 1)
  source = pipeline.open_source(config.data, "validation")
  images, labels = pipeline.read(source, range(len(source)), 2)
  _, logits = familiarity.score_pictures(run.model, images)
  right = logits.argmax(1) == labels.argmax(1)
  expected = np.mean(
    [right[column > 0].mean() for column in labels.T if column.any()]
  )
  assert np.isclose(familiarity.load_or_measure(run).accuracy, expected)


def test_it_is_measured_once_for_each_discriminator(run, monkeypatch):
  first = familiarity.load_or_measure(run)
  measured = []

  def measure(other, source):
    measured.append(other)
    return first

  monkeypatch.setattr(familiarity, "_measure", measure)
  assert familiarity.load_or_measure(run) == first and not measured
  changed = {"bias": np.zeros(3)}
  other = run._replace(model=Model({}, changed, run.model.networks))
  familiarity.load_or_measure(other)
  assert measured == [other]


def test_it_is_measured_for_this_once_where_it_cannot_be_kept(run, monkeypatch):
  first = familiarity.load_or_measure(run)

  def refuse(path, *_):
    raise WriteError(f"cannot write {path}")

  monkeypatch.setattr(familiarity, "_measure", lambda *_: first)
  monkeypatch.setattr(kept_measures.kept_arrays, "write", refuse)
  changed = {"bias": np.ones(3)}
  other = run._replace(model=Model({}, changed, run.model.networks))
  assert familiarity.load_or_measure(other) == first


def test_without_its_pictures_nothing_is_known(run):
  run.config.data.name = "table"
  run.config.data.path = str(cache.cache_directory() / "gone")
  with pytest.raises(UserError, match="config.data.path"):
    familiarity.load_or_measure(run)


def test_nothing_is_downloaded_for_it(run, monkeypatch):
  monkeypatch.setattr(pipeline, "open_source", pytest.fail)
  run.config.data.name, run.config.data.path = "celeba", ""
  with pytest.raises(UserError, match="opened for training only"):
    familiarity.load_or_measure(run)


def test_the_shipped_teacher_tells_avatars_from_noise():
  run = load_run("pretrained:avatars")
  run.config.data.sizes = {"train": 8, "validation": 64, "test": 64}
  size = run.config.data.image_size
  usual = familiarity.load_or_measure(run)
  test = pipeline.open_source(run.config.data, "test")
  images, _ = pipeline.read(test, range(len(test)), 2)
  scores, _ = familiarity.score_pictures(run.model, images)
  assert sum(usual.warn(x) is not None for x in scores) <= 6
  others = [
    np.random.default_rng(0).integers(0, 256, (8, size, size, 3)),
    255 - images[:8],
    np.roll(images[:8], size // 2, axis=1),
  ]
  for pictures in others:
    scores, _ = familiarity.score_pictures(run.model, pictures.astype(np.uint8))
    assert sum(usual.warn(x) is not None for x in scores) >= 7
