"""Squares of photos are cut out as they are seen in training."""

import math

import numpy as np
import pytest
from PIL import Image

from akd_jax.data.photos.frames import (
  CELEBA,
  Frame,
  Framing,
  cut,
  frame_centre,
  frame_face,
)
from akd_jax.data.photos.images import to_square
from tests.photos_of_faces import draw_detail

SIZE = 16


@pytest.mark.parametrize("size", [(90, 70), (33, 60), (9, 1), (12, 12)])
@pytest.mark.parametrize("crop", [0, 7, 500])
def test_a_centred_square_is_that_of_the_training(size, crop):
  photo = draw_detail(*size)
  seen = cut(photo, frame_centre(size, crop), SIZE)
  np.testing.assert_array_equal(seen, to_square(photo, crop, SIZE))


@pytest.mark.parametrize("quarters", [1, 2, 3])
# A large one is made smaller in two steps.
@pytest.mark.parametrize(("side", "apart"), [(64, 1), (640, 2)])
def test_a_turned_square_is_what_a_turned_photo_shows(quarters, side, apart):
  photo = draw_detail(side, side)
  turned = Image.fromarray(np.rot90(photo, -quarters))
  upright = Frame(side / 2, side / 2, side - 24)
  frame = upright._replace(turn=quarters * math.pi / 2)
  seen = cut(photo, upright, SIZE).astype(int)
  assert np.abs(cut(turned, frame, SIZE) - seen).max() <= apart


@pytest.mark.parametrize("turn", [0.0, 1e-9])
def test_where_a_square_lies_between_pixels_it_is_seen_there(turn):
  ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8), (100, 1))
  photo = Image.fromarray(np.repeat(ramp[..., None], 3, -1))
  seen = cut(photo, Frame(60.25, 50.5, 48.0, turn), SIZE)
  # A pixel is 2 brighter than the one before it, where its centre is.
  places = 60.25 - 24 + 3 * (np.arange(SIZE) + 0.5)
  apart = np.abs(seen[..., 0] - (2 * places - 1))
  assert apart[:, 1:-1].max() <= 1


def test_the_border_goes_on_beyond_the_photo():
  photo = Image.new("RGB", (20, 10), (9, 80, 200))
  for frame in (Frame(2, 1, 30, 0.5), Frame(18, 9, 4), Frame(19, 5, 8)):
    assert (cut(photo, frame, SIZE) == (9, 80, 200)).all()


@pytest.mark.parametrize("turn", [0.0, 0.5, -0.7])
def test_a_face_is_framed_as_it_is_asked_for(turn):
  photo = Image.new("RGB", (200, 160))
  middle, apart = np.array([90, 70]), 24
  across = apart / 2 * np.array([math.cos(turn), math.sin(turn)])
  eyes = np.stack([middle - across, middle + across])
  for colour, (x, y) in zip(("red", "lime"), eyes.round(), strict=True):
    photo.paste(colour, (int(x) - 3, int(y) - 3, int(x) + 3, int(y) + 3))
  framing = Framing("others", 0.45, 0.6, 0.3)
  seen = cut(photo, frame_face(eyes, framing), 80) > 127
  found = [np.argwhere(seen[..., i]).mean(0)[::-1] + 0.5 for i in (0, 1)]
  expected = np.array([[0.3, 0.6], [0.6, 0.6]]) * 80
  assert np.abs(found - expected).max() < 2


def test_celebas_framing_is_that_of_its_eyes():
  # CelebA's own landmarks of the eyes, in its aligned photos of 178 x 218, of
  # which the largest square lacks 20 rows above.
  eyes = np.array([[69.5, 111], [107.5, 111]]) - [0, 20]
  middle = eyes.mean(0) / 178
  assert abs(CELEBA.x - middle[0]) < 0.01 and abs(CELEBA.y - middle[1]) < 0.02
  assert abs(CELEBA.apart - 38 / 178) < 0.01
