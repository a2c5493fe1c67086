"""Faces are looked at once each, and told apart as dlib tells people apart."""

import pathlib
import types

import numpy as np
import pytest
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.configs import teacher
from akd_jax.data import pipeline
from akd_jax.data.photos.frames import CELEBA, cut, frame_face
from akd_jax.data.photos.images import load_image
from akd_jax.evaluation import faces as instrument
from akd_jax.evaluation import framing
from akd_jax.evaluation.faces import Faces, load_faces
from akd_jax.evaluation.metrics.face import faces_kept
from akd_jax.interop.dlib_faces import (
  SAME,
  FaceNetwork,
  has_faces,
  middles_of_eyes,
)

LONDON = pathlib.Path(__file__).parent.parent / "london"


class Levels:
  """A network to which a face is its brightness, and black is no face."""

  def __init__(self):
    self.found, self.described = [], []

  def find(self, image):
    self.found.append(int(image[0, 0, 0]))
    return np.random.default_rng(0).random((68, 2)) if image.any() else None

  def describe(self, images, landmarks):
    assert len(images) == len(landmarks)
    self.described += images[:, 0, 0, 0].tolist()
    return images[:, 0, 0, :1] / 100


def pictures(*levels):
  return np.stack([np.full((4, 4, 3), x, np.uint8) for x in levels])


def test_each_translation_is_compared_with_each_source():
  apart = Faces(Levels()).distances(
    np.array([3, 5]), pictures(10, 60), pictures(20, 90)
  )
  assert apart == pytest.approx(np.array([[0.1, 0.4], [0.8, 0.3]]))


def test_a_source_without_a_face_is_left_out():
  faces = Faces(Levels())
  apart = faces.distances(np.arange(3), pictures(10, 0, 30), pictures(9, 8, 25))
  assert np.isnan(apart[1]).all() and np.isnan(apart[:, 1]).all()
  # Each of the others is still compared with its own source.
  assert apart[::2, ::2] == pytest.approx(
    np.array([[0.01, 0.21], [0.15, 0.05]])
  )
  assert faces.landmarks(np.array([1]), pictures(0)) == [None]
  none = faces.distances(np.array([1]), pictures(0), pictures(9))
  assert np.isnan(none).all()


def test_an_attribute_s_region_is_empty_where_there_is_no_face():
  network = Levels()
  faces = Faces(network)
  regions = faces.regions(np.arange(2), pictures(127, 0), "Smiling")
  assert regions.shape == (2, 4, 4)
  assert regions[0].any() and not regions[1].any()
  assert faces.regions(np.arange(2), pictures(127, 0), "Cheerful") is None
  assert network.found == [127, 0]


def test_a_source_is_found_and_described_once_whatever_is_set_on_it():
  network = Levels()
  faces = Faces(network)
  faces.distances(np.array([3, 5]), pictures(30, 50), pictures(1, 2))
  faces.distances(np.array([5, 7]), pictures(50, 70), pictures(3, 4))
  assert network.found == [30, 50, 70]
  assert network.described == [30, 50, 1, 2, 70, 3, 4]


def test_own_and_other_people_are_told_apart():
  apart = np.array([[0.5, 0.9, 0.3], [0.7, 0.7, 0.5], [0.1, 0.8, 0.2]])
  result = faces_kept(apart, np.array([0, 1, 0]))
  assert result == {
    # Pictures 0 and 2 are of one person.
    "distance": {
      "value": pytest.approx(1.4 / 3),
      "chance": pytest.approx(2.9 / 4),
    },
    "kept": {"value": pytest.approx(2 / 3), "chance": 0.25},
    "images": 3,
    "left_out": 0,
  }


def test_who_is_just_as_far_apart_as_strangers_is_not_the_same():
  assert faces_kept(np.array([[SAME]]), np.arange(1))["kept"]["value"] == 0


def test_what_has_no_face_counts_for_nothing():
  apart = np.array([[0.5, np.nan], [np.nan, np.nan]])
  result = faces_kept(apart, np.array([0, 1]))
  assert result["distance"] == {"value": 0.5, "chance": None}
  assert (result["images"], result["left_out"]) == (1, 1)
  result = faces_kept(apart[1:, 1:], np.array([1]))
  assert result["kept"] == {"value": None, "chance": None}


def test_who_has_no_face_does_not_change_who_the_others_are():
  apart = np.full((3, 3), np.nan)
  apart[1:, 1:] = [[0.1, 0.2], [0.3, 0.4]]
  result = faces_kept(apart, np.array([0, 1, 1]))
  # Both that are left are of one person.
  assert result["distance"] == {"value": 0.25, "chance": None}


def test_distances_are_between_the_pictures_that_are_named():
  with pytest.raises(ValueError, match="2 pictures"):
    faces_kept(np.zeros((3, 3)), np.arange(2))


def test_drawn_faces_and_bare_installations_have_no_face_network(monkeypatch):
  monkeypatch.setattr(instrument, "FaceNetwork", Levels)
  monkeypatch.setattr(instrument, "has_faces", lambda: True)
  assert load_faces(lambda index, attribute: 1 / 0) is None
  assert load_faces(None) is not None
  monkeypatch.setattr(instrument, "has_faces", lambda: False)
  assert load_faces(None) is None


@pytest.fixture(scope="module")
def network():
  if not has_faces():
    pytest.skip("dlib and face_recognition_models are not installed")
  return FaceNetwork()


@pytest.fixture(scope="module")
def london():
  """Two people, neutral, and the same two smiling, as a network sees them."""
  return [
    np.stack(
      [
        load_image(LONDON / f"{person}_{how}.jpg", 178, 64)
        for person in ("001", "002")
      ]
    )
    for how in ("neutral", "smiling")
  ]


def test_eyes_are_found_where_celeba_has_them(network, london):
  landmarks = network.find(london[0][0])
  eyes = [landmarks[36:42].mean(0), landmarks[42:48].mean(0)]
  # Of its photos of 178 x 218, less 20 rows above.
  expected = np.array([[69, 91], [108, 91]]) / 178
  assert np.abs(eyes - expected).max() < 0.02


def test_a_picture_of_nobody_has_no_face(network):
  assert network.find(np.full((64, 64, 3), 128, np.uint8)) is None


@pytest.mark.parametrize("degrees", [0, 14, -20])
def test_a_face_anywhere_in_a_photo_is_framed_as_celebas(network, degrees):
  with Image.open(LONDON / "002_neutral.jpg") as portrait:
    person = portrait.convert("RGB").resize((267, 327))
  person = person.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="grey")
  photo = Image.new("RGB", (1600, 1200), "grey")
  photo.paste(person, (1150, 80))
  smaller = person.resize((200, 245))
  photo.paste(smaller, (100, 700))
  largest, other = map(middles_of_eyes, network.find_all(photo))
  assert other[0, 0] < 800 < largest[0, 0]
  seen = cut(photo, frame_face(largest, CELEBA), 64)
  again = middles_of_eyes(network.find(seen))
  assert np.abs(again.mean(0) - [CELEBA.x, CELEBA.y]).max() < 0.02
  across = again[1] - again[0]
  assert abs(across[0] - CELEBA.apart) < 0.02 and abs(across[1]) < 0.02
  assert network.find_all(Image.new("RGB", (900, 600), "grey")) == []


def run_of(config):
  """A run whose discriminator is nothing."""
  model = types.SimpleNamespace(discriminator={})
  return types.SimpleNamespace(config=config, model=model)


def test_a_run_tells_how_its_photos_frame_faces(network, monkeypatch, tmp_path):
  monkeypatch.setattr(framing, "load_finder", lambda: network)
  nobody = [np.full((64, 64, 3), 128, np.uint8)] * 2
  people = [load_image(x, 178, 64) for x in sorted(LONDON.glob("*.jpg"))]
  # The same people, from farther away and higher up.
  smaller = [np.pad(x, [(8, 24), (16, 16), (0, 0)], "edge") for x in people]

  def measured(name, images):
    monkeypatch.setattr(pipeline, "open_source", lambda data, split: images)
    monkeypatch.setattr(
      pipeline, "read_in_batches", lambda *_: iter([(np.stack(images), None)])
    )
    config = teacher.get_config("celeba")
    config.data.path = str(tmp_path / name)
    return framing.find_framing(run_of(config))

  found = measured("people", people)
  np.testing.assert_allclose(found[1:], CELEBA[1:], atol=0.01)
  expected = (
    (found.x * 2 + 0.5) / 3,
    (found.y * 2 + 0.25) / 3,
    found.apart / 1.5,
  )
  np.testing.assert_allclose(
    measured("smaller", smaller)[1:], expected, atol=0.01
  )
  # It is kept.
  assert measured("people", nobody) == found
  with pytest.raises(UserError, match="in 2 of 2 validation photos"):
    measured("nobody", nobody)
  # That is not kept: the photos may become others.
  assert measured("nobody", people) == found


def test_without_its_photos_a_run_frames_faces_as_celeba(monkeypatch, tmp_path):
  monkeypatch.setattr(framing, "load_finder", lambda: None)
  config = teacher.get_config("celeba")
  config.data.path = str(tmp_path / "moved")
  assert framing.find_framing(run_of(config)) == CELEBA
  # What is cut out of them shows less of a face's surroundings.
  config.data.crop = 89
  near = framing.find_framing(run_of(config))
  np.testing.assert_allclose(near.apart, 2 * CELEBA.apart)
  np.testing.assert_allclose(near.y - 0.5, 2 * (CELEBA.y - 0.5))


def test_what_is_not_known_of_a_framing_is_not_guessed(monkeypatch, tmp_path):
  configs = [teacher.get_config(x) for x in ("avatars", "celeba", "rafd")]
  for config in configs[1:]:
    config.data.path = str(tmp_path / "moved")
  runs = [run_of(config) for config in configs]

  def refuse():
    raise UserError("dlib is not installed")

  monkeypatch.setattr(framing, "load_finder", refuse)
  assert [framing.known_framing(run) for run in runs] == [None, CELEBA, None]
  monkeypatch.setattr(framing, "load_finder", lambda: None)
  assert [framing.known_framing(run) for run in runs] == [None, CELEBA, None]


def test_drawn_faces_are_not_looked_for_in_photos(monkeypatch):
  monkeypatch.setattr(framing, "load_finder", lambda: None)
  with pytest.raises(UserError, match="drawn faces"):
    framing.find_framing(run_of(teacher.get_config("avatars")))


def test_people_are_told_apart_whether_they_smile_or_not(network, london):
  neutral, smiling = london
  apart = Faces(network).distances(np.arange(2), neutral, smiling)
  own, others = np.diagonal(apart), apart[~np.eye(2, dtype=bool)]
  assert own.max() < SAME < others.min()
