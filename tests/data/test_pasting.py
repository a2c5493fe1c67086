"""A translated square lies in the photo where it was cut out, with detail."""

import math

import numpy as np
import pytest
from PIL import Image

from akd_jax.data.photos import pasting
from akd_jax.data.photos.frames import Frame, cut, frame_centre
from tests.photos_of_faces import draw_detail

SIZE = 16
FRAMES = {
  "centred": frame_centre((90, 70), 0),
  "inside": frame_centre((90, 70), 40),
  "between pixels": Frame(45.3, 34.6, 40.4),
  "between pixels, wider than high": Frame(45.5, 34.75, 40.5),
  "turned": Frame(45, 35, 40, 0.4),
  "beyond": Frame(80, 8, 50, -0.3),
  "larger": Frame(45, 35, 200, 1.2),
}
every_frame = pytest.mark.parametrize(
  "frame", FRAMES.values(), ids=FRAMES.keys()
)


def paste(photo, frame, before, after):
  """Pastes one square."""
  return pasting.paste(photo, [frame], before[None], after[None])


@every_frame
def test_what_is_not_changed_stays_to_the_bit(frame):
  photo = draw_detail()
  seen = cut(photo, frame, SIZE)
  np.testing.assert_array_equal(paste(photo, frame, seen, seen), photo)


@every_frame
def test_a_small_change_keeps_the_detail_of_the_photo(frame):
  photo = draw_detail()
  seen = cut(photo, frame, SIZE)
  lighter = np.minimum(seen, 245) + np.uint8(10)
  added = paste(photo, frame, seen, lighter).astype(int) - np.asarray(photo)
  # All of it but a fifth: 10 of 255 is a fifth of what leaves none.
  assert added.min() >= -4 and added.max() <= 14
  column, row = min(round(frame.x), 89), min(round(frame.y), 69)
  assert np.abs(added[row, column] - 10).max() <= 4


@every_frame
def test_lines_are_pasted_as_they_would_be_together(frame, monkeypatch):
  photo = draw_detail()
  seen = cut(photo, frame, SIZE)
  drawn = np.roll(seen, 3, axis=0)
  whole = paste(photo, frame, seen, drawn)
  monkeypatch.setattr(pasting, "_LINES", 9)
  assert np.abs(paste(photo, frame, seen, drawn) - whole.astype(int)).max() <= 1


@pytest.mark.parametrize("channels", [3, 1])
def test_what_is_drawn_anew_has_nothing_of_the_photo(channels):
  photo = draw_detail(48, 48)
  frame = frame_centre((48, 48), 0)
  seen = cut(photo, frame, SIZE)
  drawn = np.where(seen > 127, seen - 100, seen + 100).astype(np.uint8)
  # A colour alone may say that a pixel is another one.
  drawn[..., channels:] = seen[..., channels:]
  large = Image.fromarray(drawn).resize((48, 48), Image.Resampling.BICUBIC)
  pasted = paste(photo, frame, seen, drawn)
  assert np.abs(pasted.astype(int) - np.asarray(large)).max() <= 1


@every_frame
def test_outside_its_square_a_photo_stays(frame):
  photo = draw_detail()
  seen = cut(photo, frame, SIZE)
  pasted = paste(photo, frame, seen, 255 - seen)
  y, x = np.mgrid[:70, :90] + 0.5
  cos, sin = math.cos(frame.turn), math.sin(frame.turn)
  across = cos * (x - frame.x) + sin * (y - frame.y)
  down = cos * (y - frame.y) - sin * (x - frame.x)
  outside = np.maximum(abs(across), abs(down)) > frame.side / 2 + 1
  assert outside.any() or frame == FRAMES["larger"]
  np.testing.assert_array_equal(pasted[outside], np.asarray(photo)[outside])
  inside = np.maximum(abs(across), abs(down)) < frame.side / 4
  changed = (pasted != np.asarray(photo)).any(-1)
  assert changed[inside].mean() > 0.9


def plain(*levels):
  return np.stack([np.full((SIZE, SIZE, 3), x, np.uint8) for x in levels])


def test_a_square_fades_into_the_photo_where_it_ends_inside_it():
  photo = Image.new("RGB", (90, 70), (100,) * 3)
  was, drawn = plain(100, 200)
  inside = paste(photo, FRAMES["inside"], was, drawn)[..., 0]
  # A sixteenth of 40 pixels: two and a half.
  for line in (inside[35, 24:66], inside[14:56, 45]):
    assert line[:4].tolist() == line[:-5:-1].tolist() == [100, 140, 180, 200]
    assert (line[3:-3] == 200).all()
  # The largest square ends at the photo's border, above and below.
  largest = paste(photo, FRAMES["centred"], was, drawn)[..., 0]
  assert (largest[:, 45] == 200).all()
  assert largest[35, [9, 80]].tolist() == [100, 100]
  assert 100 < largest[35, 10] == largest[35, 79] < 130


def test_where_two_squares_meet_the_second_is_laid_over_the_first():
  photo = Image.new("RGB", (90, 70), (100,) * 3)
  frames = [Frame(35, 35, 40), Frame(55, 35, 40)]
  shown = pasting.paste(photo, frames, plain(100, 100), plain(200, 20))
  assert shown[35, [20, 45, 70], 0].tolist() == [200, 20, 20]
