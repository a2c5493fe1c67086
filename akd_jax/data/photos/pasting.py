"""A photo of which squares have been translated."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from akd_jax.data.photos.frames import FINE, Box, Frame

# Where a network changes a pixel by this share of black to white, or by more,
# its picture alone is shown; `python benchmarks/detail.py` compares other ways.
REPLACED = 0.2
# Of a pasted square, the share of its side in which it fades into the photo.
FADING = 1 / 16
# Lines of a photo that are pasted at a time: for memory.
_LINES = 256
_BICUBIC, _AFFINE = Image.Resampling.BICUBIC, Image.Transform.AFFINE


def paste(
  photo: Image.Image,
  frames: Sequence[Frame],
  before: np.ndarray,
  after: np.ndarray,
) -> np.ndarray:
  """Returns a photo of which squares have been translated.

  A network draws few pixels. What the photo has and `before` has not, its
  detail, is laid over what is drawn: all of it where nothing changes, less the
  more a pixel changes, none from REPLACED on. A square fades into the photo
  where it ends inside it. Where two meet, the second is laid over what the
  first one shows.

  Args:
    photo: RGB.
    frames: F squares, some of each inside the photo.
    before: uint8 [F, S, S, 3], what `cut` returned.
    after: uint8 [F, S, S, 3], what the network made of it.

  Returns:
    uint8 [H, W, 3].
  """
  result = np.array(photo)
  for frame, was, drawn in zip(frames, before, after, strict=True):
    _lay(result, frame, was, drawn)
  return result


def _lay(
  whole: np.ndarray, frame: Frame, before: np.ndarray, after: np.ndarray
) -> None:
  """Lays one square over uint8 [H, W, 3], in place."""
  change = np.abs(after.astype(np.float32) - before).max(-1) / 255
  kept = _Layer(1 - np.minimum(change / REPLACED, 1), frame)
  pairs = [
    (_Layer(before[..., channel], frame), _Layer(after[..., channel], frame))
    for channel in range(3)
  ]
  height, width, _ = whole.shape
  left, top, right, bottom = frame.box
  left, right, bottom = max(left, 0), min(right, width), min(bottom, height)
  for first in range(max(top, 0), bottom, _LINES):
    box = left, first, right, min(first + _LINES, bottom)
    part = whole[box[1] : box[3], left:right]
    detailed = np.clip(kept.at(box), 0, 1)
    shown = _fade(frame, (width, height), box)
    for channel, (was, drawn) in enumerate(pairs):
      own = part[..., channel].astype(np.float32)
      new = drawn.at(box) + detailed * (own - was.at(box))
      part[..., channel] = np.rint(np.clip(own + shown * (new - own), 0, 255))


class _Layer:
  """Numbers of a square, as large as the photo shows them."""

  def __init__(self, square: np.ndarray, frame: Frame):
    """Keeps numbers [S, S] of a frame."""
    self._frame = frame
    self._square = Image.fromarray(square.astype(np.float32))
    if not frame.whole:
      side = max(1, min(round(frame.side), FINE * len(square)))
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
