"""The score that tells generators apart while they are trained."""

import functools
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data import pipeline
from akd_jax.evaluation import held_out
from akd_jax.evaluation.attribute_classifier import Predictions
from akd_jax.inference.translator import load_translators, translate
from akd_jax.training.hooks import Found
from akd_jax.training.run_dir import load_run


class Faces:
  """Attribute c is the brightness of pixel c; the rest is the person."""

  attributes = ("hat", "glasses")
  exclusive = ()

  def __init__(self, count=12):
    rng = np.random.default_rng(0)
    self.labels = np.zeros((count, 2), np.uint8)
    # Sorted, with no hat in the first half; one person has glasses already.
    self.labels[count // 2 :, 0] = 1
    self.labels[0, 1] = 1
    self.images = rng.integers(0, 100, (count, 4, 4, 3), np.uint8)
    self.images[:, 0, :2] = 255 * self.labels[:, :, None]

  def __len__(self):
    return len(self.labels)

  def __getitem__(self, index):
    return {"image": self.images[index], "label": self.labels[index]}


class Classifier:
  def predict(self, images):
    return Predictions((images[:, 0, :2, 0] > 127).astype(np.uint8), images)


def config(images=12):
  return ConfigDict(
    {
      "held_out": {"images": images},
      "data": {"label_rule": "multilabel", "threads": 1},
    }
  )


@pytest.fixture
def make_scorer(monkeypatch):
  """`held_out.make_scorer`, by a classifier that is never wrong."""
  monkeypatch.setattr(held_out, "with_known_attributes", lambda x: x)
  monkeypatch.setattr(held_out, "open_splits", lambda data: None)
  monkeypatch.setattr(held_out, "classifier_of", lambda *_: Classifier())
  return held_out.make_scorer


def draw(images, wanted):
  """A perfect generator."""
  images = images.copy()
  images[:, 0, :2] = 255 * np.asarray(wanted.targets, np.uint8)[:, :, None]
  return images


def copy(images, wanted):
  del wanted
  return images


def replace(images, wanted):
  """Makes the same person of everyone, with the attributes."""
  return draw(np.full_like(images, 250), wanted)


def test_a_perfect_generator_has_the_best_score(make_scorer):
  assert make_scorer(config(), Faces())(draw) == {
    "held_out/accuracy": 1, "held_out/accuracy/hat": 1,
    "held_out/accuracy/glasses": 1, "held_out/reconstruction_error": 0,
    "held_out/score": 1,
  }  # fmt: skip


def test_who_copies_has_none_although_nothing_is_lost(make_scorer):
  found = make_scorer(config(), Faces())(copy)
  assert found["held_out/reconstruction_error"] == 0
  assert found["held_out/score"] == found["held_out/accuracy"] == 0


def test_who_replaces_people_loses_what_is_not_had_back(make_scorer):
  found = make_scorer(config(), Faces())(replace)
  assert found["held_out/accuracy"] == 1
  error = found["held_out/reconstruction_error"]
  # People are uniform in 0 to 99, on 14 of 16 pixels.
  assert error == pytest.approx((250 - 49.5) / 255 * 14 / 16, abs=0.02)
  assert found["held_out/score"] == pytest.approx(1 - error)


def test_who_makes_people_darker_loses_them_as_well(make_scorer):
  def darken(images, wanted):
    return draw(np.zeros_like(images), wanted)

  error = make_scorer(config(), Faces())(darken)[
    "held_out/reconstruction_error"
  ]
  assert error == pytest.approx(49.5 / 255 * 14 / 16, abs=0.02)


def test_every_attribute_counts_alike(make_scorer):
  def only_hats(images, wanted):
    targets = np.stack([wanted.targets[:, 0], wanted.labels[:, 1]], axis=1)
    return draw(images, wanted._replace(targets=targets))

  # Six of twelve lack a hat, eleven glasses.
  found = make_scorer(config(), Faces())(only_hats)
  assert found["held_out/accuracy"] == 0.5
  assert found["held_out/accuracy/hat"] == 1
  assert found["held_out/accuracy/glasses"] == 0


def test_pictures_are_those_that_lack_the_attribute_all_over_the_split(
  make_scorer,
):
  source, asked = Faces(100), []

  def watch(images, wanted):
    asked.append((images, wanted))
    return draw(images, wanted)

  make_scorer(config(10), source)(watch)
  (images, (targets, labels, edits)), (_, back) = asked
  seen = {x[1:].tobytes() for x in images}
  assert seen == {x[1:].tobytes() for x in source.images[::10]}
  # Five without a hat, nine without glasses, each asked for what it lacks.
  assert len(images) == 5 + 9
  np.testing.assert_array_equal(labels, images[:, 0, :2, 0] > 127)
  added = np.eye(2)[[0] * 5 + [1] * 9]
  np.testing.assert_array_equal(targets, labels + added)
  np.testing.assert_array_equal(edits, added)
  # And back: what is there then, and what was there first.
  np.testing.assert_array_equal(back, [labels, targets, added])


def test_what_excludes_an_attribute_is_cleared(make_scorer):
  source, asked = Faces(), []
  source.exclusive = (source.attributes,)

  def watch(images, wanted):
    asked.append(wanted.targets)
    return draw(images, wanted)

  make_scorer(config(), source)(watch)
  assert (asked[0].sum(1) == 1).all()


def test_no_images_no_score():
  assert held_out.make_scorer(config(0), Faces()) is None


def test_of_a_pod_one_process_scores(monkeypatch):
  def never(*_):
    raise AssertionError("the attribute classifier might be trained here")

  monkeypatch.setattr(held_out, "make_scorer", never)
  monkeypatch.setattr(jax, "process_index", lambda: 1)
  asked = config()
  asked.checkpoint_every = 5
  hook = held_out.make_score_hook(SimpleNamespace(config=asked))
  assert hook.every == 5 and hook.call(5, None) == Found()


def test_a_student_is_scored_at_each_checkpoint_and_not_its_teacher(
  monkeypatch,
):
  def make_scorer(*_):
    return lambda translate: {"scored": translate.args[0]}

  monkeypatch.setattr(held_out, "make_scorer", make_scorer)
  monkeypatch.setattr(
    held_out, "translators_of", lambda *_: ["teacher", "student"]
  )
  asked = config()
  asked.checkpoint_every = 5
  hook = held_out.make_score_hook(
    SimpleNamespace(config=asked, validation=None, teacher=None)
  )
  assert hook.every == 5
  assert hook.call(5, None).scalars == {"scored": "student"}


def test_what_can_not_be_scored_is_refused(make_scorer):
  everyone = Faces()
  everyone.labels[:] = 1
  with pytest.raises(UserError, match="none of these pictures .* lacks any"):
    make_scorer(config(), everyone)


def test_a_trained_network_is_scored(runs):
  run = load_run(str(runs.student))
  run.config.held_out = ConfigDict({"images": 4})
  source = pipeline.open_source(run.config.data, "validation")
  score = held_out.make_scorer(run.config, source)
  *_, student = load_translators(run)
  found = score(functools.partial(translate, student))
  accuracy = found["held_out/accuracy"]
  error = found["held_out/reconstruction_error"]
  assert 0 <= accuracy <= 1 and 0 < error < 1
  assert found["held_out/score"] == pytest.approx(accuracy * (1 - error))
  assert score(copy)["held_out/reconstruction_error"] == 0
