"""The pictures people look at: attention overlays and sample sheets.

NumPy arrays in, uint8 pictures out; nothing here knows a model or a config.
"""

import functools
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from akd_jax.common.files import write_whole
from akd_jax.plotting.lettering import find_font, make_legible, show_name

# Opacity where the attention is largest: the face stays visible beneath it.
OPACITY = 0.75
# Images are enlarged by the whole factor that brings them closest to this.
CELL = 128
# Spacing of a sample sheet, and the room of its texts, in pixels.
MARGIN, GAP, BLOCK = 12, 4, 16
TITLE, KEY, HEADER, LEGEND = 30, 26, 40, 92
INK, PAPER = (32, 32, 32), (255, 255, 255)


class Line(NamedTuple):
  """One line of every person's block in a sample sheet.

  An axis of length 1 stands for the same on all persons or attributes, so a
  line of attention on the sources takes images=sources[:, None].
  """

  legend: str
  images: np.ndarray  # uint8 [N, C, S, S, 3]
  attention: np.ndarray | None = None  # float [N, C, h, w], laid over images


@functools.cache
def _colours() -> np.ndarray:
  """256 colours [256, 3], float32, of evenly rising brightness."""
  import matplotlib

  # Viridis keeps clear of the colours of skin and hair but for its very top;
  # inferno and magma on hair look like a translation to Blond_Hair, turbo's
  # end like red hair.
  table = matplotlib.colormaps["viridis"](np.arange(256))
  return (255 * table[:, :3]).astype(np.float32)


def overlay(
  image: np.ndarray, attention: np.ndarray, scale: float | None = None
) -> np.ndarray:
  """Lays an attention map over a picture.

  Colour and opacity both grow with the attention, so where there is none the
  picture is untouched.

  Args:
    image: uint8 [S, S, 3].
    attention: [h, w] of any size, finite; negative values count as 0.
    scale: the attention drawn at full strength; None takes the map's maximum.

  Returns:
    uint8 [S, S, 3].

  Raises:
    ValueError: it is no picture, or no map.
  """
  # Fractions would come back black.
  if image.dtype != np.uint8 or image.ndim != 3:
    raise ValueError(
      f"image {image.dtype} {image.shape} is not uint8 [S, S, 3]"
    )
  level = np.maximum(np.asarray(attention, np.float64), 0)
  if level.ndim != 2 or not np.isfinite(level).all():
    raise ValueError(f"attention {level.shape} is not a finite map [h, w]")
  scale = level.max() if scale is None else scale
  if scale <= 0:
    return image.copy()
  # Clipped before too: far above the scale, bicubic would ring around it.
  small = Image.fromarray(np.minimum(level / scale, 1).astype(np.float32))
  size = image.shape[1], image.shape[0]
  smooth = np.asarray(small.resize(size, Image.Resampling.BICUBIC))
  level = np.clip(smooth, 0, 1)
  colour = _colours()[np.rint(255 * level).astype(int)]
  alpha = OPACITY * level[..., None]
  return np.rint((1 - alpha) * image + alpha * colour).astype(np.uint8)


@functools.cache
def _font(size: int, text: str = "") -> ImageFont.FreeTypeFont:
  return ImageFont.truetype(find_font(text), size)


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
  """Breaks a text at its spaces into lines as long as the width allows."""
  lines: list[str] = []
  for paragraph in text.split("\n"):
    first, *others = paragraph.split() or [""]
    lines.append(first)
    for word in others:
      longer = f"{lines[-1]} {word}"
      if font.getlength(longer) <= width:
        lines[-1] = longer
      else:
        lines.append(word)
  return lines


def write_text(
  sheet: Image.Image,
  box: tuple[int, int, int, int],
  text: str,
  size: int,
  align: tuple[float, float] = (0.0, 0.5),
) -> None:
  """Writes a text inside a box (left, top, width, height), never outside.

  It is wrapped at spaces, then shrunk; what still does not fit is cut off.
  `align` is its place across and down the box: 0 left or top, 1 right or
  bottom.
  """
  left, top, width, height = box
  text = make_legible(text)
  for points in range(size, 7, -1):
    font = _font(points, text)
    # Ink may reach a pixel beyond a line's length: without fribidi it does.
    lines = _wrap(text, font, width - 2)
    pitch = sum(font.getmetrics())
    widest = max(map(font.getlength, lines))
    if widest <= width - 2 and pitch * len(lines) <= height:
      break
  # Drawing on a piece of its own is what makes "never outside" true.
  piece = Image.new("RGB", (width, height), PAPER)
  y = max(0, align[1] * (height - pitch * len(lines)))
  for i, line in enumerate(lines):
    x = max(0, align[0] * (width - font.getlength(line)))
    ImageDraw.Draw(piece).text(
      (round(x), round(y) + i * pitch), line, font=font, fill=INK
    )
  sheet.paste(piece, (left, top))


def draw_sheet(
  title: str,
  attributes: Sequence[str],
  sources: np.ndarray,
  lines: Sequence[Line],
) -> np.ndarray:
  """Draws persons x attributes: one block of lines a person.

  Args:
    title: stands above everything; empty for none.
    attributes: the names of the C columns.
    sources: uint8 [N, S, S, 3], shown at the left of each person's block.
    lines: what the blocks show, from top to bottom. The maximum of each map of
      attention is drawn at full strength.

  Returns:
    uint8 [height, width, 3].
  """
  count, size = sources.shape[:2]
  shape = (count, len(attributes), *sources.shape[1:])
  lines = [_spread(line, shape) for line in lines]
  zoom = max(1, round(CELL / size))
  cell = zoom * size
  step = cell + GAP
  first = MARGIN + step + LEGEND + 2 * GAP  # left edge of the first column
  key = MARGIN + (TITLE if title else 0)
  header = key + (KEY if any(x.attention is not None for x in lines) else 0)
  top = header + HEADER + GAP
  block = len(lines) * step - GAP + BLOCK
  width = first + len(attributes) * step - GAP + MARGIN
  height = top + count * block - BLOCK + MARGIN
  sheet = Image.new("RGB", (width, height), PAPER)

  if title:
    write_text(sheet, (MARGIN, MARGIN, width - 2 * MARGIN, TITLE), title, 20)
  if header > key:
    _draw_key(sheet, key)
  names = ["source", *map(show_name, attributes)]
  lefts = [MARGIN, *(first + i * step for i in range(len(attributes)))]
  for name, left in zip(names, lefts, strict=True):
    write_text(sheet, (left, header, cell, HEADER), name, 15, (0.5, 1))

  for person, source in enumerate(sources):
    y = top + person * block
    sheet.paste(Image.fromarray(_enlarge(source, zoom)), (MARGIN, y))
    for legend, images, attention in lines:
      if attention is not None:
        legend += f"\nmax {float(attention[person].max()):.1e}"
      box = (MARGIN + step, y, LEGEND, cell)
      write_text(sheet, box, legend, 13, (1, 0.5))
      for column, left in enumerate(lefts[1:]):
        picture = _enlarge(images[person, column], zoom)
        if attention is not None:
          picture = overlay(picture, attention[person, column])
        sheet.paste(Image.fromarray(picture), (left, y))
      y += step
  return np.array(sheet)


def _spread(line: Line, shape: tuple[int, ...]) -> Line:
  """The line with axes of length 1 repeated; shape is [N, C, S, S, 3]."""
  legend, images, attention = line
  try:
    images = np.broadcast_to(images, shape)
    if attention is not None:
      size = attention.shape[2:]
      attention = np.broadcast_to(attention, (*shape[:2], *size))
  except ValueError as error:
    raise ValueError(f"line {legend!r}: {error}") from error
  return Line(legend, images, attention)


def _enlarge(image: np.ndarray, zoom: int) -> np.ndarray:
  """Repeats pixels: a sheet shows what the model made, not a smoother one."""
  return image.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _draw_key(sheet: Image.Image, top: int) -> None:
  """Draws the colour bar, as an overlay on grey, and what its ends mean."""
  grey = np.full((KEY - 10, 128, 3), 200, np.uint8)
  bar = overlay(grey, np.linspace(0, 1, 128)[None], 1.0)
  room = round(_font(13).getlength("attention: 0")) + 1
  write_text(sheet, (MARGIN, top, room, KEY), "attention: 0", 13)
  left = MARGIN + room + 2 * GAP
  sheet.paste(Image.fromarray(bar), (left, top + 5))
  left += bar.shape[1] + 2 * GAP
  room = sheet.width - MARGIN - left
  write_text(sheet, (left, top, room, KEY), "maximum of each map", 13)


def save_png(
  path: str | os.PathLike,
  image: np.ndarray,
  colours: int | None = None,
  profile: bytes | None = None,
) -> None:
  """Writes a uint8 picture; nobody ever sees half of the file.

  Args:
    path: where to.
    image: uint8 [H, W, 3].
    colours: how many it may have, at most 256: the file is about half as large
      then, and no longer exact.
    profile: what its numbers mean, as ICC has it; None is sRGB.
  """
  picture = Image.fromarray(image)
  if colours is not None:
    picture = picture.quantize(colours)
  # It can be drawn again, and an evaluation may save thousands.
  with write_whole(path, durable=False) as temporary:
    picture.save(
      temporary,
      format="PNG",
      optimize=colours is not None,
      icc_profile=profile,
    )
