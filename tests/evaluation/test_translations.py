"""What becomes of pictures; probe images are those with a known truth."""

from types import SimpleNamespace

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.evaluation import translations
from akd_jax.evaluation.attribute_classifier import Predictions
from akd_jax.evaluation.faces import Faces
from akd_jax.evaluation.metrics.outcome import Names, Reference
from akd_jax.evaluation.selection import Selection
from akd_jax.evaluation.selection import TestSet as Pictures
from akd_jax.inference.translator import Translator
from akd_jax.models.stargan import MASK, Discriminator, Generator
from akd_jax.systems.model import Model, Networks
from akd_jax.systems.stargan import STARGAN

LABELS = np.array([[1], [0], [1], [0], [0], [0]])


def truth(index, attribute):
  return np.full((4, 4, 3), index, np.uint8), np.ones((4, 4), bool)


@pytest.fixture
def outcomes(monkeypatch):
  """(protocol, ...) -> the outcomes of a generator that does nothing."""

  def translate(translator, images, wanted):
    assert all(len(x) == len(images) for x in wanted)
    run.wanted = wanted
    return images

  def translate_with_attention(translator, images, *_):
    maps = {"block_0": images[:, :1, :1, 0]}
    if translator.model.networks.generator.output == "blend":
      maps[MASK] = np.full((len(images), 4, 4), 0.5)
    return images, maps

  monkeypatch.setattr(translations, "translate", translate)
  monkeypatch.setattr(
    translations, "translate_with_attention", translate_with_attention
  )

  def predict(images):
    count = len(images)
    return Predictions(np.ones((count, 1)), np.zeros((count, 2)))

  def run(
    protocol,
    labels=LABELS,
    embed=None,
    teacher_attention=None,
    output="image",
    faces=None,
    attribute="Bald",
    exclusive=(),
  ):
    config = ConfigDict(
      {
        "data": {"label_rule": "multilabel"},
        "evaluation": {"protocol": protocol, "probe_images": 2},
        "attention": teacher.get_config("debug").attention,
      }
    )
    count = len(labels)
    # Each is as bright as its number says.
    images = np.zeros((count, 4, 4, 3), np.uint8)
    images += np.arange(count, dtype=np.uint8)[:, None, None, None]
    positions, people = 10 + np.arange(count), np.arange(count) // 2
    generator = Generator(2, 1, output=output)
    networks = Networks(generator, Discriminator(2, 1, 1))
    translator = Translator(
      "student", (attribute,), STARGAN, Model({}, {}, networks), np.eye(1),
      STARGAN, np.eye(1),
    )  # fmt: skip
    instruments = translations.Instruments(
      test=Pictures(images, labels, positions, people, truth, None),
      before=np.arange(count)[:, None],
      classifier=SimpleNamespace(predict=predict),
      reference=Reference(("fid", "kid"), embed, {}, np.zeros((0, 2))),
      names=Names((attribute,), (attribute,), exclusive),
      config=config,
      faces=faces,
    )
    return list(
      translations.outcomes(
        translator, instruments, [attribute], teacher_attention or {}
      )
    )

  return run


@pytest.mark.parametrize("protocol", ["lacking", "all", "flip"])
def test_probe_images_lack_the_attribute(outcomes, protocol):
  (outcome,) = outcomes(protocol)
  probes = outcome.probes
  # Two of 11, 13, 14 and 15, evenly spread.
  assert outcome.positions[probes.chosen].tolist() == [11, 14]
  assert probes.truths[:, 0, 0, 0].tolist() == [11, 14]
  assert probes.predictions.tolist() == [[1], [1]]
  assert probes.people.tolist() == [0, 2]
  assert len(probes.maps["block_0"]) == 2 and probes.block == "block_0"
  assert probes.teacher_maps is None


def test_what_is_said_of_a_picture_is_of_that_one(outcomes):
  (outcome,) = outcomes("lacking")
  lacking = [1, 3, 4, 5]
  assert outcome.sources[:, 0, 0, 0].tolist() == lacking
  assert outcome.before[:, 0].tolist() == lacking
  assert outcome.positions.tolist() == [11, 13, 14, 15]
  assert not outcome.labels.any()
  assert outcome.probes.maps["block_0"][:, 0, 0].tolist() == [1, 4]


def test_a_generator_is_told_what_was_there_what_is_to_be_and_the_edit(
  outcomes,
):
  outcomes("flip")
  targets, labels, edits = outcomes.wanted
  np.testing.assert_array_equal(labels, LABELS)
  np.testing.assert_array_equal(targets, 1 - LABELS)
  np.testing.assert_array_equal(edits, np.ones_like(LABELS))


NAMES = Names(("Bald", "Smiling"), ("Bald", "Smiling", "Male"), ())
MORE = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]])


def more_pictures():
  """Four, of labels that the classifier knows and others that are set."""
  images = np.zeros((4, 4, 4, 3), np.uint8)
  images += np.arange(4, dtype=np.uint8)[:, None, None, None]
  return Pictures(images, MORE, np.arange(4), np.arange(4), None, None)


def test_attention_is_that_for_the_one_attribute_that_is_set(monkeypatch):
  asked = []
  monkeypatch.setattr(
    translations,
    "translate_with_attention",
    lambda *arguments: asked.append(arguments) or (None, {}),
  )
  config = ConfigDict({"attention": {"method": "grad_cam"}})
  instruments = SimpleNamespace(
    test=more_pictures(), config=config, names=NAMES
  )
  translator = SimpleNamespace(list_activations=lambda options: ("block_0",))
  chosen, targets = np.array([0, 2, 3]), np.array([[1, 1], [0, 1], [1, 1]])
  translations.attention_of(
    translator, instruments, "Smiling",
    Selection(chosen, targets, np.array([0, 2])),
  )  # fmt: skip
  ((_, images, wanted, classes, _),) = asked
  assert images[:, 0, 0, 0].tolist() == [0, 3]
  np.testing.assert_array_equal(wanted.targets, [[1, 1], [1, 1]])
  np.testing.assert_array_equal(wanted.labels, [[1, 0], [1, 0]])
  np.testing.assert_array_equal(wanted.edits, [[0, 1], [0, 1]])
  np.testing.assert_array_equal(classes, [[0, 1], [0, 1]])


def test_of_who_is_to_stay_everything_is_asked_that_is_there(monkeypatch):
  def translate(translator, images, wanted):
    targets, labels, edits = wanted
    np.testing.assert_array_equal(targets, MORE[:, :2])
    np.testing.assert_array_equal(labels, MORE[:, :2])
    assert edits.shape == (4, 2) and not edits.any()
    return images + np.uint8(7)

  monkeypatch.setattr(translations, "translate", translate)
  instruments = SimpleNamespace(
    test=more_pictures(),
    names=NAMES,
    classifier=SimpleNamespace(predict=lambda x: Predictions(x[:, 0, 0], x)),
  )
  found = translations.translate_to_own_labels(None, instruments)
  assert found[:, 0].tolist() == [7, 8, 9, 10]


def test_where_all_have_the_attribute_there_are_no_probe_images(outcomes):
  (outcome,) = outcomes("all", np.ones((3, 1), int))
  assert len(outcome.translated) == 3
  probes = outcome.probes
  assert probes.truths is None is probes.predictions and not probes.maps
  assert outcomes("lacking", np.ones((3, 1), int)) == []


def test_a_teacher_s_maps_come_along(outcomes):
  maps = np.ones((2, 1, 1))
  (outcome,) = outcomes("lacking", teacher_attention={"Bald": maps})
  assert outcome.probes.teacher_maps is maps


def test_a_blend_s_mask_is_no_map_of_an_activation(outcomes):
  (outcome,) = outcomes("lacking", output="blend")
  assert outcome.probes.drawn.shape == (2, 4, 4)
  assert list(outcome.probes.maps) == ["block_0"]
  (outcome,) = outcomes("lacking")
  assert outcome.probes.drawn is None


def test_features_are_those_of_the_reference(outcomes):
  (of_classifier,) = outcomes("lacking")
  assert of_classifier.features.shape == (4, 2)
  (embedded,) = outcomes("lacking", embed=lambda x: np.ones((len(x), 5)))
  assert embedded.features.shape == (4, 5)


class Twins:
  """A face network to which all people are alike."""

  def find(self, image):
    return np.zeros((68, 2))

  def describe(self, images, landmarks):
    return np.ones((len(images), 1))


def test_probe_images_are_compared_by_their_faces(outcomes):
  (outcome,) = outcomes("all", faces=Faces(Twins()))
  assert outcome.probes.distances.tolist() == [[0, 0], [0, 0]]
  (without,) = outcomes("all")
  assert without.probes.distances is None


class Levels(Twins):
  """A face network that tells people apart by their brightness."""

  def describe(self, images, landmarks):
    return images[:, 0, 0, :1].astype(float)


def test_faces_are_those_of_the_probe_images(outcomes):
  (outcome,) = outcomes("all", faces=Faces(Levels()))
  # The second and the fifth picture, which nothing has changed.
  assert outcome.probes.distances.tolist() == [[0, 3], [3, 0]]


def test_regions_are_where_faces_are(outcomes):
  (outcome,) = outcomes("all", faces=Faces(Twins()), attribute="Bangs")
  assert outcome.probes.masks.shape == (2, 4, 4)
  (outcome,) = outcomes("all", faces=Faces(Twins()), attribute="Cheerful")
  assert outcome.probes.masks is None


def test_who_is_to_change_gender_need_not_stay_the_same(outcomes):
  faces = Faces(Twins())
  (outcome,) = outcomes("all", faces=faces, attribute="Male")
  assert outcome.probes.distances is None
  (outcome,) = outcomes(
    "all", faces=faces, attribute="Female", exclusive=(("Female", "Male"),)
  )
  assert outcome.probes.distances is None
