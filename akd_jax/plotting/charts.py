"""Charts as SVG, to stand in a page: arrays in, text out.

They take the page's colour of text, so that they suit a dark page, too.
"""

import io
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from akd_jax.plotting.curves import Terms, draw_panel
from akd_jax.plotting.lettering import letter

# Stands in the drawing where the page's own colour of text is to be.
_INK = "#010203"


class Point(NamedTuple):
  """A point of a scatter chart, with its standard deviation over seeds."""

  name: str
  x: float
  y: float
  deviation: float


def draw_curves(
  term: str, runs: Mapping[str, Terms], colours: Mapping[str, str]
) -> str:
  """Draws one term of training over the steps, a colour a run.

  Args:
    term: its name.
    runs: name of a run -> its terms; those without this one have no curve.
    colours: of each run.

  Returns:
    An SVG element.
  """
  figure, panel = _figure(2.2)
  draw_panel(panel, term, runs, colours)
  return _svg(figure, panel)


def draw_scatter(
  title: str, axis: str, points: Sequence[Point], colours: Mapping[str, str]
) -> str:
  """Draws points, each named, over a logarithmic axis.

  Args:
    title: stands above.
    axis: what x is.
    points: with x above 0.
    colours: of each by its name.

  Returns:
    An SVG element.
  """
  figure, panel = _figure(2.6)
  for point in points:
    panel.errorbar(
      [point.x],
      [point.y],
      None if np.isnan(point.deviation) else [point.deviation],
      fmt="o",
      markersize=6,
      color=colours[point.name],
    )
    letter(
      panel.annotate(
        point.name,
        (point.x, point.y),
        textcoords="offset points",
        xytext=(6, 4),
        fontsize=7,
        color=_INK,
      )
    )
  panel.set_xscale("log")
  panel.margins(x=0.25, y=0.2)
  panel.set_title(title, fontsize=9)
  panel.set_xlabel(axis, fontsize=8)
  panel.tick_params(which="both", labelsize=7)
  panel.grid(alpha=0.3)
  panel.spines[["top", "right"]].set_visible(False)
  return _svg(figure, panel)


def _figure(height: float) -> tuple[Any, Any]:
  from matplotlib.figure import Figure

  figure = Figure((3.4, height), layout="constrained")
  return figure, figure.subplots()


def _svg(figure: Any, panel: Any) -> str:
  from matplotlib import rc_context

  for artist in (panel.title, panel.xaxis.label, panel.yaxis.label):
    artist.set_color(_INK)
  panel.tick_params(which="both", colors=_INK)
  panel.yaxis.get_offset_text().set_color(_INK)
  for spine in panel.spines.values():
    spine.set_color(_INK)
  text = io.StringIO()
  # Letters stay letters, to be searched and read aloud; the salt keeps the
  # names inside, hence the file, the same each time.
  with rc_context({"svg.fonttype": "none", "svg.hashsalt": "akd_jax"}):
    figure.savefig(
      text, format="svg", transparent=True, metadata={"Date": None}
    )
  drawing = text.getvalue()
  drawing = drawing[drawing.index("<svg") :].replace(_INK, "currentColor")
  # Several charts stand in one page, where a name may be given once only.
  salt = f"{zlib.crc32(drawing.encode()):x}"
  drawing = re.sub(r'\bid="([^"]+)"', rf'id="\1-{salt}"', drawing)
  return re.sub(r'((?:url\(|href=")#[\w-]+)', rf"\1-{salt}", drawing)
