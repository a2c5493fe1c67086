"""Which square of a photo a network sees."""

import dataclasses
import numbers
from collections.abc import Callable

from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.data.photos.frames import CELEBA, Frame, Framing, around, centred
from akd_jax.data.photos.images import cuts_off_most, fitting_crop
from akd_jax.interop.dlib_faces import load_finder, middles_of_eyes

# Crops that paste the translated square back into the whole photo: the largest
# square, and that around the largest face.
WHOLE, FACE = "none", "face"


@dataclasses.dataclass(frozen=True)
class View:
  """Which square of a photo is seen.

  Attributes:
    crop: side of the centre that is seen, 0 for the largest square, WHOLE or
      FACE; None is what fits the photo.
    usual: the run's crop, which `fitting_crop` starts from.
    find_framing: says how a face is to be framed; asked with FACE alone.

  Raises:
    UserError: the crop is nothing of these.
  """

  crop: int | str | None = None
  usual: int = 0
  find_framing: Callable[[], Framing] = lambda: CELEBA

  def __post_init__(self) -> None:
    if self.crop is None or self.pastes:
      return
    if not isinstance(self.crop, numbers.Integral) or self.crop < 0:
      raise UserError(
        f"crop={self.crop!r} must be a whole number, 0 or more, {WHOLE!r} or"
        f" {FACE!r}"
      )

  @property
  def pastes(self) -> bool:
    """Whether the whole photo comes back, with its square translated."""
    return isinstance(self.crop, str) and self.crop in (WHOLE, FACE)

  def frame(self, photo: Image.Image) -> Frame:
    """Returns the square that is seen.

    Raises:
      UserError: it is to be around a face, and there is none.
    """
    if self.crop != FACE:
      return centred(photo.size, self._side(photo.size))
    landmarks = load_finder().find_largest(photo)
    if landmarks is None:
      raise UserError(
        f"no face is found; crop {WHOLE} would take the largest square"
      )
    return around(middles_of_eyes(landmarks), self.find_framing())

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
      return fitting_crop(self.usual, size)
    return 0 if isinstance(self.crop, str) else int(self.crop)
