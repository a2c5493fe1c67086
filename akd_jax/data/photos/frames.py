"""Squares of a photo: what a network sees of it, and where that goes back."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from akd_jax.data.photos.images import center_box

# left, top, right and bottom, in whole pixels.
Box = tuple[int, int, int, int]

# Where a network changes a pixel by this share of black to white, or by more,
# its picture alone is shown; `python benchmarks/detail.py` compares others.
REPLACED = 0.2
# Of a pasted square, the share of its side in which it fades into the photo.
FADING = 1 / 16
_BICUBIC, _AFFINE = Image.Resampling.BICUBIC, Image.Transform.AFFINE


class Framing(NamedTuple):
  """How pictures frame faces, where their sides are 1.

  Attributes:
    whose: the pictures, in words.
    x, y: the middle between the eyes.
    apart: how far apart the eyes are.
  """

  whose: str
  x: float
  y: float
  apart: float


# The median of 60 photos of CelebA, by dlib's landmarks, of the largest square.
CELEBA = Framing("CelebA's photos", 0.5, 0.521, 0.217)


class Frame(NamedTuple):
  """A square of a photo.

  Attributes:
    x, y: its centre, in the photo's pixels.
    side: in pixels.
    turn: how far it is turned clockwise, in radians.
  """

  x: float
  y: float
  side: float
  turn: float = 0.0

  @property
  def pixels(self) -> int:
    """Its side in whole pixels."""
    return max(1, round(self.side))

  @property
  def box(self) -> Box:
    """The pixels that it lies in: some may be outside the photo."""
    # Half of the side of the upright square around it.
    reach = abs(math.cos(self.turn)) + abs(math.sin(self.turn))
    reach *= self.side / 2
    return (
      math.floor(self.x - reach),
      math.floor(self.y - reach),
      math.ceil(self.x + reach),
      math.ceil(self.y + reach),
    )


def centred(size: tuple[int, int], crop: int) -> Frame:
  """Returns the centred square of side `crop`; 0 is the largest there is.

  Args:
    size: width and height of the photo.
    crop: in pixels.
  """
  left, top, right, bottom = center_box(size, crop)
  return Frame((left + right) / 2, (top + bottom) / 2, right - left)


def around(eyes: np.ndarray, framing: Framing) -> Frame:
  """Returns the upright or turned square in which a face is framed.

  Args:
    eyes: [2, 2], x and y of the left and the right one, as the photo shows
      them, in its pixels.
    framing: how the face is to be framed.
  """
  across = eyes[1] - eyes[0]
  side = math.hypot(*across) / framing.apart
  turn = math.atan2(across[1], across[0])
  x, y = (0.5 - framing.x) * side, (0.5 - framing.y) * side
  middle = eyes.mean(0)
  return Frame(
    float(middle[0]) + x * math.cos(turn) - y * math.sin(turn),
    float(middle[1]) + x * math.sin(turn) + y * math.cos(turn),
    side,
    turn,
  )


def cut(photo: Image.Image, frame: Frame, size: int) -> np.ndarray:
  """Cuts out a square, and resizes it to what a network sees.

  Args:
    photo: RGB. Its border goes on beyond it.
    frame: the square.
    size: side S of the result.

  Returns:
    uint8 [S, S, 3]; of upright squares `data.photos.images.to_square`'s.
  """
  region = _region(photo, frame.box)
  if not frame.turn:
    return np.array(region.resize((size, size), _BICUBIC))
  where, turned = _in_region(frame, frame.pixels), []
  # As fractions: Pillow turns whole numbers into whole numbers, rounded down.
  for channel in region.split():
    square = channel.convert("F").transform(
      (frame.pixels, frame.pixels), _AFFINE, where, _BICUBIC
    )
    turned.append(np.asarray(square.resize((size, size), _BICUBIC)))
  return np.rint(np.clip(np.stack(turned, -1), 0, 255)).astype(np.uint8)


def paste(
  photo: Image.Image, frame: Frame, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
  """Returns a photo of which a square has been translated.

  A network draws few pixels. Where it changes little, the photo's detail is
  laid over what it draws: all that is in the photo and not in `before`. The
  detail gives way where it changes much (REPLACED). The square fades into the
  photo where it ends inside it.

  Args:
    photo: RGB.
    frame: the square.
    before: uint8 [S, S, 3], what `cut` returned.
    after: uint8 [S, S, 3], what the network made of it.

  Returns:
    uint8 [H, W, 3].
  """
  width, height = photo.size
  left, top, right, bottom = frame.box
  box = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
  change = np.abs(after.astype(np.float32) - before).max(-1) / 255
  kept = _enlarge(1 - np.minimum(change / REPLACED, 1), frame, box)
  kept = np.clip(kept, 0, 1)
  fade = _place(_fade(frame, photo.size), frame, box)
  result = np.array(photo)
  part = result[box[1] : box[3], box[0] : box[2]]
  for channel in range(3):
    own = part[..., channel].astype(np.float32)
    detail = own - _enlarge(before[..., channel], frame, box)
    drawn = _enlarge(after[..., channel], frame, box) + kept * detail
    mixed = own + fade * (drawn - own)
    part[..., channel] = np.rint(np.clip(mixed, 0, 255))
  return result


def _region(photo: Image.Image, box: Box) -> Image.Image:
  """Returns the pixels of a box; the photo's border goes on beyond it."""
  left, top, right, bottom = box
  width, height = photo.size
  # At least a line of the photo, whose border is that of all beyond it.
  inside = (
    min(max(left, 0), width - 1),
    min(max(top, 0), height - 1),
    max(min(right, width), 1),
    max(min(bottom, height), 1),
  )
  region = photo.crop(inside)
  if inside == box:
    return region
  above = inside[1] - top, bottom - inside[3]
  beside = inside[0] - left, right - inside[2]
  more = above, beside, (0, 0)
  return Image.fromarray(np.pad(np.asarray(region), more, "edge"))


def _enlarge(square: np.ndarray, frame: Frame, box: Box) -> np.ndarray:
  """Returns numbers [S, S] of a square at a photo's pixels; see `_place`."""
  size = frame.pixels, frame.pixels
  picture = Image.fromarray(square.astype(np.float32))
  return _place(np.asarray(picture.resize(size, _BICUBIC)), frame, box)


def _place(square: np.ndarray, frame: Frame, box: Box) -> np.ndarray:
  """Returns numbers of a square, as large as in the photo, where they lie.

  Args:
    square: float32 [s, s], s the frame's side in whole pixels.
    frame: where it lies.
    box: the photo's pixels that are asked for.

  Returns:
    float32 [h, w], 0 beyond the square.
  """
  left, top, right, bottom = box
  if box == frame.box and not frame.turn:
    return square
  turned = Image.fromarray(square).transform(
    (right - left, bottom - top),
    _AFFINE,
    _in_square(frame, len(square), box),
    Image.Resampling.BILINEAR,
  )
  return np.asarray(turned)


def _in_region(frame: Frame, side: int) -> tuple[float, ...]:
  """Returns where in a frame's box each pixel of the square is found.

  Args:
    frame: the square.
    side: of the square that is drawn, in pixels.

  Returns:
    What Pillow's AFFINE takes.
  """
  left, top, _, _ = frame.box
  scale, half = frame.side / side, side / 2
  cos, sin = scale * math.cos(frame.turn), scale * math.sin(frame.turn)
  return (
    cos, -sin, frame.x - left - (cos - sin) * half,
    sin, cos, frame.y - top - (sin + cos) * half,
  )  # fmt: skip


def _in_square(frame: Frame, side: int, box: Box) -> tuple[float, ...]:
  """Returns where in a square each pixel of a photo's box is found.

  Args:
    frame: the square.
    side: of the square that is there, in pixels.
    box: the photo's.

  Returns:
    What Pillow's AFFINE takes.
  """
  x, y = frame.x - box[0], frame.y - box[1]
  scale, half = side / frame.side, side / 2
  cos, sin = scale * math.cos(frame.turn), scale * math.sin(frame.turn)
  return cos, sin, half - cos * x - sin * y, -sin, cos, half + sin * x - cos * y


def _fade(frame: Frame, size: tuple[int, int]) -> np.ndarray:
  """Returns how much of a square is shown: 1, but where it fades.

  Args:
    frame: the square; upright, it fades where it ends inside the photo.
    size: width and height of the photo.

  Returns:
    float32 [s, s].
  """
  side = frame.pixels
  position = np.arange(side, dtype=np.float32) + 1
  rising = np.minimum(position / max(side * FADING, 1), 1)
  whole = np.ones_like(rising)
  left, top, right, bottom = frame.box
  width, height = size
  turned = bool(frame.turn)
  across = rising if turned or left > 0 else whole
  across = across * (rising if turned or right < width else whole)[::-1]
  down = rising if turned or top > 0 else whole
  down = down * (rising if turned or bottom < height else whole)[::-1]
  return down[:, None] * across
