"""Pictures as Python code has them: made squares that a network sees."""

import io
import os
import reprlib
from collections.abc import Iterable
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.data.photos.images import open_image
from akd_jax.inference.view import Sight, View
from akd_jax.interop import numpy_generator

# A path, what a file holds, a file that is open, a Pillow image, or uint8
# [H, W, 3].
Picture = (
  str | os.PathLike | bytes | bytearray | IO[bytes] | Image.Image | np.ndarray
)
# One picture, several, or uint8 [N, H, W, 3].
Pictures = Picture | Iterable[Picture]


class Given(NamedTuple):
  """A picture that somebody has given.

  Attributes:
    picture: as it was given, or what an open file held; many photos would
      fill the memory.
    sight: what is seen of it.
  """

  picture: Picture
  sight: Sight

  def paste(self, drawn: np.ndarray) -> np.ndarray:
    """Returns the whole picture, uint8 [H, W, 3], with its squares translated.

    Args:
      drawn: uint8 [F, S, S, 3].

    Raises:
      UserError: it cannot be read any more.
    """
    return self.sight.paste(_open(self.picture), drawn)


def read_pictures(
  images: Pictures, view: View, size: int
) -> tuple[list[Given], bool]:
  """Reads one picture or several.

  Args:
    images: of any size.
    view: which squares are seen.
    size: side S of the squares.

  Returns:
    The pictures, and whether there was one and no list.

  Raises:
    UserError: one is no picture, cannot be read, or shows no face where that is
      asked for; or there is none.
  """
  images = _to_numpy(images)
  if isinstance(images, np.ndarray):
    one = images.ndim in (0, 2, 3)
  else:
    one = not isinstance(images, Iterable) or _is_whole(images)
  pictures: list[Any] = [images] if one else list(images)  # type: ignore
  if not pictures:
    raise UserError("there is no picture")

  def look(number: int, picture: Any) -> Given:
    try:
      picture = _read_if_open(picture)
      return Given(picture, view.see(_open(picture), size))
    except UserError as error:
      where = "" if one else f"picture {number} of {len(pictures)}: "
      raise UserError(f"{where}{error}") from None

  return [look(*x) for x in enumerate(pictures, 1)], one


def _to_numpy(picture: Any) -> Any:
  """Returns an array of another library, as JAX's, as NumPy's.

  Raises:
    UserError: it cannot be read: it lies on another device, or is traced.
  """
  # Names in an array of names can be made arrays, too.
  if isinstance(picture, str | bytes | Image.Image):
    return picture
  if not hasattr(picture, "__array__"):
    return picture
  try:
    return np.asarray(picture)
  except Exception as error:  # It is another library's: it may raise any.
    raise UserError(f"an array cannot be read: {error}") from None


def _is_whole(images: Any) -> bool:
  """Whether what can be gone through is one picture nevertheless."""
  is_text = isinstance(images, str | bytes | bytearray)
  return is_text or hasattr(images, "read")


def _read_if_open(picture: Any) -> Any:
  """Returns what can be opened again: of an open file, what it holds.

  Raises:
    UserError: it cannot be read, or was opened as text.
  """
  picture = _to_numpy(picture)
  if isinstance(picture, io.TextIOBase):
    raise UserError("a file is open as text: open it with 'rb'")
  try:
    content = picture.read() if hasattr(picture, "read") else picture
  except (OSError, ValueError) as error:
    raise UserError(f"an open file cannot be read: {error}") from None
  return bytes(content) if isinstance(content, bytearray) else content


def _open(picture: Any) -> Image.Image:
  """Returns a picture as RGB."""
  if isinstance(picture, str | os.PathLike):
    return open_image(os.fspath(picture))
  if isinstance(picture, bytes):
    return open_image(picture, "in these bytes")
  if isinstance(picture, np.ndarray):
    known = picture.dtype == np.uint8 and picture.ndim == 3
    if not known or picture.shape[2] != 3 or not picture.size:
      raise UserError(
        f"a picture is {picture.dtype} {picture.shape}, not uint8 [H, W, 3]"
      )
    return Image.fromarray(picture)
  if not isinstance(picture, Image.Image):
    raise UserError(
      f"a picture is {reprlib.repr(picture)}, neither a path nor the bytes of"
      " a file, a Pillow image or an array uint8 [H, W, 3]"
    )
  if 0 in picture.size:
    raise UserError(f"a picture of {picture.size} pixels is empty")
  try:
    return numpy_generator.to_rgb(picture)
  except Exception as error:  # Pillow reads when it has to, and may raise any.
    raise UserError(f"a picture cannot be read: {error}") from None
