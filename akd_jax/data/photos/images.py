"""One photo: decoded, centre-cropped and resized with antialiasing."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from akd_jax.common.errors import UserError

# File names that count as photos (compared in lower case).
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

# What Pillow's decoders raise on damaged files.
_DAMAGED = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError,
    struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip


def load_image(
  photo: bytes | str | Path, crop: int, size: int, name: str = ""
) -> np.ndarray:
  """Decodes a photo into the square that a network sees.

  The photo is opened by `open_image` and cut by `to_square`. JPEG's decoding at
  a reduced size is not used: it would be faster on large photos, but gives
  other pixels.

  Args:
    photo: a path, or the content of an image file.
    crop, size: see `to_square`.
    name: what an error calls the photo; "" is its path.

  Returns:
    uint8 [S, S, 3] RGB.

  Raises:
    UserError: the photo is missing, truncated or no image.
  """
  return to_square(open_image(photo, name), crop, size)


def open_image(photo: bytes | str | Path, name: str = "") -> Image.Image:
  """Decodes a whole photo: RGB, upright, on white where it is transparent.

  Args:
    photo: a path, or the content of an image file.
    name: what an error calls the photo; "" is its path.

  Raises:
    UserError: the photo is missing, truncated or no image.
  """
  if not isinstance(photo, bytes):
    name = name or str(photo)
  try:
    content = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
    with Image.open(io.BytesIO(content)) as opened:
      return to_rgb(opened)
  except _DAMAGED as error:
    raise UserError(
      f"cannot read the image {name or '(unnamed)'}: {_explain(error)}"
    ) from error


def to_square(image: Image.Image, crop: int, size: int) -> np.ndarray:
  """Cuts out a photo's centre, and resizes it to what a network sees.

  Every pixel is a bicubic average of all the pixels that it replaces.

  Args:
    image: RGB.
    crop: side of the centre crop in pixels. 0, or more than the photo has, is
      the largest centred square.
    size: side S of the result.

  Returns:
    uint8 [S, S, 3] RGB.
  """
  image = image.crop(center_box(image.size, crop))
  # Cropped before it is resized: with resize's own `box`, pixels from outside
  # the square would bleed into its border.
  return np.array(image.resize((size, size), Image.Resampling.BICUBIC))


def center_box(size: tuple[int, int], crop: int) -> tuple[int, int, int, int]:
  """Returns the centred square of side `crop`; 0 is the largest there is.

  Returns:
    left, top, right and bottom, in pixels.
  """
  width, height = size
  side = min(crop or width, width, height)
  left, top = (width - side) // 2, (height - side) // 2
  return left, top, left + side, top + side


def to_rgb(image: Image.Image) -> Image.Image:
  """Turns a picture upright by its EXIF orientation, and makes it RGB.

  Any of Pillow's modes; what is transparent is laid on white.
  """
  image = ImageOps.exif_transpose(image)
  if image.mode.startswith("I;16"):
    # Pillow clips 16-bit gray at 255 instead of scaling it.
    return Image.fromarray((np.asarray(image) >> 8).astype("uint8")).convert(
      "RGB"
    )
  if image.has_transparency_data:
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
  return image.convert("RGB")


def _explain(error: BaseException) -> str:
  """Returns in one line what is wrong with a photo."""
  if isinstance(error, FileNotFoundError):
    return "there is no such file"
  if isinstance(error, Image.UnidentifiedImageError):
    return "it is not an image, or is damaged at its start"
  if isinstance(error, OSError) and error.strerror:
    return error.strerror
  return " ".join(str(error).split()) or type(error).__name__
