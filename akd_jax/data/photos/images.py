"""One photo: decoded, centre-cropped and resized with antialiasing."""

import io
import re
import stat
from pathlib import Path

import numpy as np
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.interop.numpy_generator import PICTURES, to_rgb

# How an iPhone's photo begins, behind the length of its first box.
_HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1")
_AVIF = (b"ftypavif", b"ftypavis")
# File names that count as photos (compared in lower case): those of PICTURES.
SUFFIXES = (
    ".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif",
    ".tiff", ".webp",
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

  Its numbers are those of its own colours: a profile is kept, in its `info`.

  Args:
    photo: a path, or the content of an image file.
    name: what an error calls the photo; "" is its path.

  Raises:
    UserError: the photo is missing, truncated or no image.
  """
  if not isinstance(photo, bytes):
    name = name or str(photo)
  content = b""
  try:
    content = read_bytes(photo)
    with _open(content) as opened:
      whole = to_rgb(opened)
      # Laid on white, it has lost it.
      if profile := opened.info.get("icc_profile"):
        whole.info["icc_profile"] = profile
      return whole
  except Exception as error:  # There is no end to what damage may raise.
    raise UserError(
      f"cannot read the image {name or '(unnamed)'}: {_explain(error, content)}"
    ) from error


def _open(content: bytes) -> Image.Image:
  """Opens what is one of PICTURES, as far as this Pillow reads them."""
  # A format that it lacks, as AVIF before version 11.3, would be a KeyError.
  Image.init()
  known = [name for name in PICTURES if name in Image.OPEN]
  return Image.open(io.BytesIO(content), formats=known)


def read_bytes(photo: bytes | str | Path) -> bytes:
  """Returns the content of a photo's file.

  Raises:
    OSError, ValueError: it cannot be read, or is no file.
  """
  if isinstance(photo, bytes):
    return photo
  path = Path(photo)
  # A pipe would be waited for.
  if not stat.S_ISREG(path.stat().st_mode):
    raise ValueError("it is no file")
  return path.read_bytes()


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


def read_size(photo: bytes | str | Path) -> tuple[int, int] | None:
  """Returns width and height of a photo; None if it cannot be read."""
  try:
    content = read_bytes(photo)
    with _open(content) as opened:
      return opened.size
  except Exception:  # noqa: BLE001 - there is no end to what damage may raise.
    return None


def cuts_off_most(crop: int, size: tuple[int, int]) -> bool:
  """Whether a crop has less than half of a photo's shorter side."""
  return 0 < 2 * crop < min(size)


def fit_crop(crop: int, size: tuple[int, int]) -> int:
  """Returns what is cut out of a photo where nobody has said it.

  A run's crop fits the photos that it has learnt from. Of a much larger one it
  would be a nose.

  Args:
    crop: the run's.
    size: of the photo.

  Returns:
    The crop, or 0, the largest square, where that would cut off most.
  """
  return 0 if cuts_off_most(crop, size) else crop


def _explain(error: BaseException, content: bytes = b"") -> str:
  """Returns in one line what is wrong with a photo.

  Args:
    error: that it gave.
    content: as far as it is known.
  """
  if isinstance(error, FileNotFoundError):
    return "there is no such file"
  if content[4:12] in _HEIC:
    return "it is HEIC, which cannot be read: save it as JPEG"
  if content[4:12] in _AVIF and "AVIF" not in Image.OPEN:
    return "it is AVIF, which Pillow reads from 11.3 on: install that"
  if isinstance(error, Image.UnidentifiedImageError):
    return "it is not an image, or is damaged at its start"
  if isinstance(error, Image.DecompressionBombError):
    # Twice Image.MAX_IMAGE_PIXELS is what Pillow reads at most.
    pixels = re.search(r"\d+", str(error))
    count = f"{int(pixels[0]) // 10**6:,}" if pixels else "many"
    return f"it has {count} megapixels, more than 178: make it smaller"
  if isinstance(error, OSError) and error.strerror:
    return error.strerror
  return " ".join(str(error).split()) or type(error).__name__
