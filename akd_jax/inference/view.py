"""Which squares of a photo a network sees."""

import dataclasses
import numbers
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.data.photos.frames import (
  CELEBA,
  Frame,
  Framing,
  cut,
  frame_centre,
  frame_face,
)
from akd_jax.data.photos.images import cuts_off_most, fit_crop
from akd_jax.data.photos.pasting import paste
from akd_jax.interop.dlib_faces import load_finder, middles_of_eyes

# Crops that paste what is translated back into the whole photo: the largest
# square, that around the largest face, and those around all faces.
WHOLE, FACE, FACES = "none", "face", "faces"
PASTED = (WHOLE, FACE, FACES)


class Sight(NamedTuple):
  """What is seen of a photo.

  Attributes:
    frames: where its F squares are: one, but of FACES the largest first.
    squares: uint8 [F, S, S, 3], as a network sees them.
  """

  frames: Sequence[Frame]
  squares: np.ndarray

  def paste(self, photo: Image.Image, drawn: np.ndarray) -> np.ndarray:
    """Returns the whole photo, uint8 [H, W, 3], with its squares translated.

    Args:
      photo: that was looked at, RGB.
      drawn: uint8 [F, S, S, 3].
    """
    return paste(photo, self.frames, self.squares, drawn)


@dataclasses.dataclass(frozen=True)
class View:
  """Which squares of a photo are seen.

  Attributes:
    crop: side of the centre that is seen, 0 for the largest square, or one of
      PASTED; None is what fits the photo.
    usual: the run's crop, which `fit_crop` starts from.
    find_framing: says how a face is to be framed; asked of faces alone.

  Raises:
    UserError: the crop is nothing of these.
  """

  crop: int | str | None = None
  usual: int = 0
  find_framing: Callable[[], Framing] = lambda: CELEBA

  def __post_init__(self) -> None:
    if self.crop is None or self.pastes:
      return
    # True would be one pixel.
    whole = isinstance(self.crop, numbers.Integral)
    if not whole or isinstance(self.crop, bool) or int(self.crop) < 0:
      raise UserError(
        f"crop={self.crop!r} must be a whole number, 0 or more,"
        f" {WHOLE!r}, {FACE!r} or {FACES!r}"
      )

  @property
  def pastes(self) -> bool:
    """Whether the whole photo comes back, with its squares translated."""
    return isinstance(self.crop, str) and self.crop in PASTED

  @property
  def finds(self) -> bool:
    """Whether squares lie around faces, which are looked for."""
    return self.crop in (FACE, FACES)

  def see(self, photo: Image.Image, size: int) -> Sight:
    """Returns what is seen of a photo.

    Args:
      photo: RGB.
      size: side S of the squares.

    Raises:
      UserError: they are to be around faces, and there is none.
    """
    frames = self._find_frames(photo)
    squares = np.stack([cut(photo, frame, size) for frame in frames])
    return Sight(frames, squares)

  def _find_frames(self, photo: Image.Image) -> list[Frame]:
    if not self.finds:
      return [frame_centre(photo.size, self._side(photo.size))]
    faces = load_finder().find_all(photo)
    if not faces:
      raise UserError(
        f"no face is found; crop {WHOLE} would take the largest square"
      )
    framing = self.find_framing()
    chosen = faces if self.crop == FACES else faces[:1]
    return [frame_face(middles_of_eyes(face), framing) for face in chosen]

  def warn(self, size: tuple[int, int]) -> str | None:
    """Returns what to say where the crop that was asked for cuts off most.

    Args:
      size: of the photo.
    """
    side = self._side(size)
    if not cuts_off_most(side, size):
      return None
    return (
      f"--crop={side} sees only the centre of its {min(size)} pixels: --crop=0"
      " takes the largest square"
    )

  def _side(self, size: tuple[int, int]) -> int:
    """Returns the side of the centre that is seen; 0 is the largest."""
    if self.crop is None:
      return fit_crop(self.usual, size)
    return 0 if isinstance(self.crop, str) else int(self.crop)


def join_squares(sights: Sequence[Sight]) -> np.ndarray:
  """Returns the squares of all photos, one after the other: [N, S, S, 3]."""
  return np.concatenate([sight.squares for sight in sights])


def split_by_photo(
  sights: Sequence[Sight], found: np.ndarray
) -> list[np.ndarray]:
  """Splits what was found of all squares, [N, ...], into [F, ...] a photo."""
  ends = np.cumsum([len(sight.squares) for sight in sights])
  return np.split(found, ends[:-1])
