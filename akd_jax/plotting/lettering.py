"""Names of users in pictures: any script, any length, nothing but a name."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from matplotlib.text import Text

# Letters of a name that there is room for.
_ROOM = 48


def show_name(name: str) -> str:
  """Returns a name as pictures show it: legible, with spaces, not too long."""
  name = make_legible(name.replace("_", " "))
  if len(name) > _ROOM:
    name = f"{name[: _ROOM - 8]}…{name[-7:]}"
  return name


def make_legible(text: str) -> str:
  """Returns a text with letters that no font has written as code points."""
  missing = set(map(ord, text)) - _letters(find_font(text)) - {ord("\n")}
  return "".join(f"<{ord(x):X}>" if ord(x) in missing else x for x in text)


def letter(label: "Text") -> None:
  """Has matplotlib draw a text as a name: no formula, in a font that has it."""
  size = label.get_fontsize()
  label.set_parse_math(False)
  label.set_fontproperties(Path(find_font(label.get_text())))
  label.set_fontsize(size)


def find_font(text: str) -> str:
  """Returns the file of a font that has all letters of a text.

  That is DejaVu Sans, which comes with matplotlib, where it has them, or where
  no font of this computer does.
  """
  import matplotlib

  usual = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
  needed = frozenset(map(ord, text)) - _letters(str(usual)) - {ord("\n")}
  return _find_font(needed) or str(usual)


@functools.cache
def _find_font(needed: frozenset[int]) -> str | None:
  """Returns a font of this computer with some letters, if there is one."""
  if not needed:
    return None
  from matplotlib import font_manager

  for path in sorted(font_manager.findSystemFonts()):
    if needed <= _letters(path):
      return path
  return None


@functools.cache
def _letters(path: str) -> frozenset[int]:
  """Returns the code points that a font has; none of one that is damaged."""
  from matplotlib import ft2font

  try:
    return frozenset(ft2font.FT2Font(path).get_charmap())
  except (OSError, RuntimeError, ValueError):
    return frozenset()
