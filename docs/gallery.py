"""Draws docs/avatars.png: forty avatars of the embedded data set, labelled.

PYTHONPATH=. python docs/gallery.py [OUT.png]
"""

import sys
import tempfile
import textwrap
from pathlib import Path

from ml_collections import ConfigDict
from PIL import Image, ImageDraw, ImageFont

from akd_jax.data.attributes import EXPRESSIONS
from akd_jax.data.avatars.labels import ALL_ATTRIBUTES
from akd_jax.data.avatars.source import (
  AvatarSource,
  open_avatars,
)

COLUMNS, ROWS = 8, 5
SIDE, GAP, TEXT = 208, 20, 148
# What most faces have, and another name of happy.
UNTOLD = ("No_Beard", "Smiling", "Young")


def open_few(path: str) -> AvatarSource:
  """The first avatars of the test split, drawn larger."""
  data = ConfigDict(
    {
      "attributes": ALL_ATTRIBUTES,
      "conditional": {},
      "distribution": {},
      "image_size": SIDE,
      "label_rule": "multilabel",
      "path": path,
      "seed": 0,
      "sizes": {"test": COLUMNS * ROWS},
    }
  )
  return open_avatars(data, "test")


def caption(on: frozenset[str]) -> tuple[str, str]:
  """The expression, and all else that is on."""
  (title,) = on & set(EXPRESSIONS)
  names = sorted(on - {title, *UNTOLD}, key=str.lower)
  if "Young" not in on:
    names.append("not_Young")
  if "No_Beard" not in on:
    names.append("not_No_Beard")
  # Wrapped before the underscores go, so that no name is broken.
  return title, textwrap.fill(", ".join(names), 32).replace("_", " ")


def main(out: Path) -> None:
  """Writes the picture to `out`."""
  small, bold = ImageFont.load_default(14), ImageFont.load_default(17)
  cell = (SIDE + GAP, SIDE + GAP + TEXT)
  page = Image.new(
    "RGB", (COLUMNS * cell[0] + GAP, ROWS * cell[1] + GAP), "white"
  )
  pen = ImageDraw.Draw(page)
  with tempfile.TemporaryDirectory() as scratch:
    source = open_few(scratch)
    for index in range(len(source)):
      x = GAP + index % COLUMNS * cell[0]
      y = GAP + index // COLUMNS * cell[1]
      page.paste(Image.fromarray(source[index]["image"]), (x, y))
      title, rest = caption(frozenset(source.person(index).on))
      pen.text((x, y + SIDE + 5), title, "#1d3557", bold)
      pen.multiline_text((x, y + SIDE + 28), rest, "#444444", small, spacing=3)
  page.quantize(256).save(out, optimize=True)
  print(out)


if __name__ == "__main__":
  here = Path(__file__).parent
  main(Path(sys.argv[1]) if len(sys.argv) > 1 else here / "avatars.png")
