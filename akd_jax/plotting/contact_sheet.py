"""A contact sheet: photos as they are, and as a network will see them."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from akd_jax.plotting.sample_grid import (
  CELL,
  GAP,
  LEGEND,
  MARGIN,
  PAPER,
  TITLE,
  write_text,
)

# Around what a network sees of a whole photo.
_FRAME = (220, 40, 40)


def frame(
  photo: Image.Image, box: tuple[int, int, int, int], side: int = CELL
) -> np.ndarray:
  """Returns a whole photo made small, with a frame around a part of it.

  Args:
    photo: RGB.
    box: left, top, right and bottom of the part, in the photo's pixels.
    side: of the result.

  Returns:
    uint8 [side, side, 3], the photo in the middle.
  """
  scale = side / max(photo.size)
  size = [max(1, round(scale * x)) for x in photo.size]
  small = photo.resize((size[0], size[1]), Image.Resampling.BICUBIC)
  left, top, right, bottom = (round(scale * x) for x in box)
  ImageDraw.Draw(small).rectangle(
    (left, top, max(left, right - 1), max(top, bottom - 1)),
    outline=_FRAME,
    width=2,
  )
  picture = Image.new("RGB", (side, side), PAPER)
  picture.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
  return np.array(picture)


def draw_contact_sheet(
  title: str, lines: Mapping[str, Sequence[np.ndarray]]
) -> np.ndarray:
  """Draws a line of pictures for each name.

  Args:
    title: stands above everything.
    lines: name -> square pictures, uint8 [S, S, 3], of any sizes. Smaller ones
      than a cell are enlarged by a whole factor, larger ones made as small.

  Returns:
    uint8 [height, width, 3].
  """
  step = CELL + GAP
  columns = max(map(len, lines.values()))
  width = 2 * MARGIN + LEGEND + columns * step
  height = 2 * MARGIN + TITLE + len(lines) * step
  sheet = Image.new("RGB", (width, height), PAPER)
  write_text(sheet, (MARGIN, MARGIN, width - 2 * MARGIN, TITLE), title, 20)
  for row, (name, pictures) in enumerate(lines.items()):
    top = MARGIN + TITLE + row * step
    write_text(sheet, (MARGIN, top, LEGEND - GAP, CELL), name, 13)
    for column, picture in enumerate(pictures):
      zoom = max(1, CELL // len(picture))
      cell = Image.fromarray(picture.repeat(zoom, 0).repeat(zoom, 1))
      cell.thumbnail((CELL, CELL), Image.Resampling.BICUBIC)
      sheet.paste(cell, (MARGIN + LEGEND + column * step, top))
  return np.array(sheet)
