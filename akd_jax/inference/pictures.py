"""Pictures as Python code has them: made squares that a network sees."""

import numbers
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.data.photos.images import fitting_crop, open_image, to_square
from akd_jax.interop import numpy_generator

# A path, what a file holds, a Pillow image, or uint8 [H, W, 3].
Picture = str | os.PathLike | bytes | Image.Image | np.ndarray
# One picture, several, or uint8 [N, H, W, 3].
Pictures = Picture | Iterable[Picture]


def read_squares(
  images: Pictures, crop: int | None, size: int, usual: int = 0
) -> tuple[np.ndarray, bool]:
  """Reads one picture or several, whose centre a network sees.

  Args:
    images: of any size.
    crop: side of the centre that is cut out; 0 is the largest, None is what
      fits the picture.
    size: side S of the squares.
    usual: the run's crop, which `fitting_crop` starts from.

  Returns:
    uint8 [N, S, S, 3], and whether there was one picture and no list.

  Raises:
    UserError: one is no picture, or cannot be read; there is none; or the crop
      is no whole number from 0.
  """
  if isinstance(images, np.ndarray):
    one = images.ndim in (0, 2, 3)
  else:
    one = not isinstance(images, Iterable) or isinstance(images, str | bytes)
  pictures: list[Any] = [images] if one else list(images)  # type: ignore
  if not pictures:
    raise UserError("there is no picture")
  if crop is not None and (not isinstance(crop, numbers.Integral) or crop < 0):
    raise UserError(f"crop={crop!r} must be a whole number, 0 or more")

  def square(picture: Any) -> np.ndarray:
    image = _open(picture)
    side = fitting_crop(usual, image.size) if crop is None else crop
    return to_square(image, side, size)

  return np.stack([square(x) for x in pictures]), one


def _open(picture: Any) -> Image.Image:
  """Returns a picture as RGB."""
  if isinstance(picture, str | os.PathLike):
    return open_image(os.fspath(picture))
  if isinstance(picture, bytes):
    return open_image(picture)
  if isinstance(picture, np.ndarray):
    known = picture.dtype == np.uint8 and picture.ndim == 3
    if not known or picture.shape[2] != 3 or not picture.size:
      raise UserError(
        f"a picture is {picture.dtype} {picture.shape}, not uint8 [H, W, 3]"
      )
    return Image.fromarray(picture)
  if not isinstance(picture, Image.Image):
    raise UserError(
      f"a picture is {picture!r}, neither a path nor the bytes of a file, a"
      " Pillow image or an array uint8 [H, W, 3]"
    )
  if 0 in picture.size:
    raise UserError(f"a picture of {picture.size} pixels is empty")
  try:
    return numpy_generator.to_rgb(picture)
  except Exception as error:  # Pillow reads when it has to, and may raise any.
    raise UserError(f"a picture cannot be read: {error}") from None
