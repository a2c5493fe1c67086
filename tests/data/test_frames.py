"""Squares of photos: cut out as they are seen, pasted back where they were."""

import math

import numpy as np
import pytest
from PIL import Image

from akd_jax.data.photos import frames
from akd_jax.data.photos.frames import (
  CELEBA,
  Frame,
  Framing,
  around,
  centred,
  cut,
  paste,
)
from akd_jax.data.photos.images import to_square

SIZE = 16
FRAMES = {
  "centred": centred((90, 70), 0),
  "inside": centred((90, 70), 40),
  "between pixels": Frame(45.3, 34.6, 40.4),
  "between pixels, wider than high": Frame(45.5, 34.75, 40.5),
  "turned": Frame(45, 35, 40, 0.4),
  "beyond": Frame(80, 8, 50, -0.3),
  "larger": Frame(45, 35, 200, 1.2),
}
every_frame = pytest.mark.parametrize(
  "frame", FRAMES.values(), ids=FRAMES.keys()
)


def draw(width=90, height=70, seed=0):
  """A photo that is smooth, with detail."""
  y, x = np.mgrid[:height, :width]
  smooth = [120 + 60 * np.sin(x / 20), 120 + 60 * np.cos(y / 15), x + y / 2]
  noise = np.random.default_rng(seed).integers(-9, 10, (height, width, 3))
  pixels = np.stack(smooth, -1) + noise
  return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [(90, 70), (33, 60), (9, 1), (12, 12)])
@pytest.mark.parametrize("crop", [0, 7, 500])
def test_a_centred_square_is_that_of_the_training(size, crop):
  photo = draw(*size)
  seen = cut(photo, centred(size, crop), SIZE)
  np.testing.assert_array_equal(seen, to_square(photo, crop, SIZE))


@pytest.mark.parametrize("quarters", [1, 2, 3])
# A large one is made smaller in two steps.
@pytest.mark.parametrize(("side", "apart"), [(64, 1), (640, 2)])
def test_a_turned_square_is_what_a_turned_photo_shows(quarters, side, apart):
  photo = draw(side, side)
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


@every_frame
def test_what_is_not_changed_stays_to_the_bit(frame):
  photo = draw()
  seen = cut(photo, frame, SIZE)
  np.testing.assert_array_equal(paste(photo, frame, seen, seen), photo)


@every_frame
def test_a_small_change_keeps_the_detail_of_the_photo(frame):
  photo = draw()
  seen = cut(photo, frame, SIZE)
  lighter = np.minimum(seen, 245) + np.uint8(10)
  added = paste(photo, frame, seen, lighter).astype(int) - np.asarray(photo)
  # All of it but a fifth: 10 of 255 is a fifth of what leaves none.
  assert added.min() >= -4 and added.max() <= 14
  column, row = min(round(frame.x), 89), min(round(frame.y), 69)
  assert np.abs(added[row, column] - 10).max() <= 4


@every_frame
def test_lines_are_pasted_as_they_would_be_together(frame, monkeypatch):
  photo = draw()
  seen = cut(photo, frame, SIZE)
  drawn = np.roll(seen, 3, axis=0)
  whole = paste(photo, frame, seen, drawn)
  monkeypatch.setattr(frames, "_LINES", 9)
  assert np.abs(paste(photo, frame, seen, drawn) - whole.astype(int)).max() <= 1


def test_what_is_drawn_anew_has_nothing_of_the_photo():
  photo = draw(48, 48)
  frame = centred((48, 48), 0)
  seen = cut(photo, frame, SIZE)
  drawn = np.where(seen > 127, seen - 100, seen + 100).astype(np.uint8)
  large = Image.fromarray(drawn).resize((48, 48), Image.Resampling.BICUBIC)
  pasted = paste(photo, frame, seen, drawn)
  assert np.abs(pasted.astype(int) - np.asarray(large)).max() <= 1


@every_frame
def test_outside_its_square_a_photo_stays(frame):
  photo = draw()
  seen = cut(photo, frame, SIZE)
  pasted = paste(photo, frame, seen, 255 - seen)
  y, x = np.mgrid[:70, :90] + 0.5
  cos, sin = math.cos(frame.turn), math.sin(frame.turn)
  across = cos * (x - frame.x) + sin * (y - frame.y)
  down = cos * (y - frame.y) - sin * (x - frame.x)
  outside = np.maximum(abs(across), abs(down)) > frame.side / 2 + 1
  np.testing.assert_array_equal(pasted[outside], np.asarray(photo)[outside])
  inside = np.maximum(abs(across), abs(down)) < frame.side / 4
  changed = (pasted != np.asarray(photo)).any(-1)
  assert changed[inside].mean() > 0.9


@pytest.mark.parametrize("turn", [0.0, 0.5, -0.7])
def test_a_face_is_framed_as_it_is_asked_for(turn):
  photo = Image.new("RGB", (200, 160))
  middle, apart = np.array([90, 70]), 24
  across = apart / 2 * np.array([math.cos(turn), math.sin(turn)])
  eyes = np.stack([middle - across, middle + across])
  for colour, (x, y) in zip(("red", "lime"), eyes.round(), strict=True):
    photo.paste(colour, (int(x) - 3, int(y) - 3, int(x) + 3, int(y) + 3))
  framing = Framing("others", 0.45, 0.6, 0.3)
  seen = cut(photo, around(eyes, framing), 80) > 127
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
