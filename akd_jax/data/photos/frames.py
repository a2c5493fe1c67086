"""Squares of a photo: what a network sees of it."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from akd_jax.data.photos.images import center_box

# left, top, right and bottom, in whole pixels.
Box = tuple[int, int, int, int]

# How many times larger than a network sees it a square is turned: less memory.
FINE = 8
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
CELEBA = Framing("CelebA", 0.5, 0.521, 0.217)


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

  @property
  def whole(self) -> bool:
    """Whether it is upright, and its border goes between pixels."""
    left, top, right, bottom = self.box
    return not self.turn and right - left == bottom - top == self.side


def frame_centre(size: tuple[int, int], crop: int) -> Frame:
  """Returns the centred square of side `crop`; 0 is the largest there is.

  Args:
    size: width and height of the photo.
    crop: in pixels.
  """
  left, top, right, bottom = center_box(size, crop)
  return Frame((left + right) / 2, (top + bottom) / 2, right - left)


def frame_face(eyes: np.ndarray, framing: Framing) -> Frame:
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
    frame: the square, some of it inside the photo.
    size: side S of the result.

  Returns:
    uint8 [S, S, 3]; of whole squares `data.photos.images.to_square`'s.
  """
  region = _region(photo, frame.box)
  if frame.whole:
    return np.array(region.resize((size, size), _BICUBIC))
  # A large one is made smaller first: turned as it is, it takes gigabytes.
  times = max(1, int(frame.side / (FINE * size)))
  region = region.reduce(times) if times > 1 else region
  side = max(1, round(frame.side / times))
  where = np.divide(_in_region(frame, side), times).tolist()
  turned = []
  # As fractions: Pillow turns whole numbers into whole numbers, rounded down.
  for channel in region.split():
    square = channel.convert("F").transform(
      (side, side), _AFFINE, where, _BICUBIC
    )
    turned.append(np.asarray(square.resize((size, size), _BICUBIC)))
  return np.rint(np.clip(np.stack(turned, -1), 0, 255)).astype(np.uint8)


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
