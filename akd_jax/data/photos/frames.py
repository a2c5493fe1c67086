"""Squares of a photo: what a network sees of it, and where that goes back."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from akd_jax.data.photos.images import center_box

# left, top, right and bottom, in whole pixels.
Box = tuple[int, int, int, int]

# Where a network changes a pixel by this share of black to white, or by more,
# its picture alone is shown; `python benchmarks/detail.py` compares other ways.
REPLACED = 0.2
# Of a pasted square, the share of its side in which it fades into the photo.
FADING = 1 / 16
# How many times larger than a network sees it a square is drawn before it is
# turned; and lines of a photo that are pasted at a time. Both are for memory.
_FINE, _LINES = 8, 256
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
    frame: the square, some of it inside the photo.
    size: side S of the result.

  Returns:
    uint8 [S, S, 3]; of whole squares `data.photos.images.to_square`'s.
  """
  region = _region(photo, frame.box)
  if frame.whole:
    return np.array(region.resize((size, size), _BICUBIC))
  # A large one is made smaller first: turned as it is, it takes gigabytes.
  times = max(1, int(frame.side / (_FINE * size)))
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


def paste(
  photo: Image.Image, frame: Frame, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
  """Returns a photo of which a square has been translated.

  A network draws few pixels. What the photo has and `before` has not, its
  detail, is laid over what is drawn: all of it where nothing changes, less the
  more a pixel changes, none from REPLACED on. The square fades into the photo
  where it ends inside it.

  Args:
    photo: RGB.
    frame: the square, some of it inside the photo.
    before: uint8 [S, S, 3], what `cut` returned.
    after: uint8 [S, S, 3], what the network made of it.

  Returns:
    uint8 [H, W, 3].
  """
  change = np.abs(after.astype(np.float32) - before).max(-1) / 255
  kept = _Layer(1 - np.minimum(change / REPLACED, 1), frame)
  pairs = [
    (_Layer(before[..., channel], frame), _Layer(after[..., channel], frame))
    for channel in range(3)
  ]
  result = np.array(photo)
  width, height = photo.size
  left, top, right, bottom = frame.box
  left, right, bottom = max(left, 0), min(right, width), min(bottom, height)
  for first in range(max(top, 0), bottom, _LINES):
    box = left, first, right, min(first + _LINES, bottom)
    part = result[box[1] : box[3], left:right]
    detailed = np.clip(kept.at(box), 0, 1)
    shown = _fade(frame, photo.size, box)
    for channel, (was, drawn) in enumerate(pairs):
      own = part[..., channel].astype(np.float32)
      new = drawn.at(box) + detailed * (own - was.at(box))
      part[..., channel] = np.rint(np.clip(own + shown * (new - own), 0, 255))
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


class _Layer:
  """Numbers of a square, as large as the photo shows them."""

  def __init__(self, square: np.ndarray, frame: Frame):
    """Keeps numbers [S, S] of a frame."""
    self._frame = frame
    self._square = Image.fromarray(square.astype(np.float32))
    if not frame.whole:
      side = max(1, min(round(frame.side), _FINE * len(square)))
      self._square = self._square.resize((side, side), _BICUBIC)

  def at(self, box: Box) -> np.ndarray:
    """Returns the numbers float32 [h, w] of a box that lies in the frame's.

    Those beyond a turned square are 0.
    """
    left, top, right, bottom = box
    frame, side = self._frame, self._square.width
    size = right - left, bottom - top
    if not frame.whole:
      where = _in_square(frame, side, box)
      turned = self._square.transform(
        size, _AFFINE, where, Image.Resampling.BILINEAR
      )
      return np.asarray(turned)
    scale = side / frame.side
    x, y, _, _ = frame.box
    part = (
      scale * (left - x),
      scale * (top - y),
      scale * (right - x),
      scale * (bottom - y),
    )
    return np.asarray(self._square.resize(size, _BICUBIC, box=part))


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


def _fade(frame: Frame, size: tuple[int, int], box: Box) -> np.ndarray:
  """Returns how much of a square is shown: 1, but where it fades.

  Args:
    frame: the square; a whole one fades where it ends inside the photo.
    size: width and height of the photo.
    box: of the photo, in the frame's.

  Returns:
    float32 [h, w], 0 beyond the square.
  """
  x = np.arange(box[0], box[2], dtype=np.float32) + 0.5 - frame.x
  y = np.arange(box[1], box[3], dtype=np.float32)[:, None] + 0.5 - frame.y
  cos, sin = math.cos(frame.turn), math.sin(frame.turn)
  left, top, right, bottom = frame.box
  inside = left > 0, top > 0, right < size[0], bottom < size[1]
  ends = inside if frame.whole else (True,) * 4
  across = _rise(cos * x + sin * y, frame.side, ends[0], ends[2])
  return across * _rise(cos * y - sin * x, frame.side, ends[1], ends[3])


def _rise(
  position: np.ndarray, side: float, first: bool, last: bool
) -> np.ndarray:
  """Returns 1 in a square and 0 beyond it, along one of its axes.

  Args:
    position: from its middle, in pixels.
    side: of the square.
    first: whether it fades in, at its beginning.
    last: whether it fades out, at its end.
  """
  width, half = max(side * FADING, 1), side / 2
  shown = (np.abs(position) < half).astype(np.float32)
  if first:
    shown *= np.clip((position + half + 0.5) / width, 0, 1)
  if last:
    shown *= np.clip((half - position + 0.5) / width, 0, 1)
  return shown
