"""The leakage matrix: what flips where an attribute is set, drawn."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.plotting.lettering import letter, show_name
from akd_jax.plotting.sample_grid import save_png

# A cell's side in inches, and the dots in one: three digits fit at any count.
CELL, DOTS = 0.3, 120
# The most that a letter of a name takes, in inches.
LETTER = 0.075


def draw(
  matrix: Mapping[str, Mapping[str, Mapping[str, Any] | None]],
  out: str | os.PathLike,
  title: str = "",
) -> None:
  """Draws how often attributes (columns) flip where others (rows) are set.

  The colours always go from 0 to 100 %, so that two pictures can be compared.

  Args:
    matrix: {target: {attribute: {"flips": share or None} or None}}, as
      `metrics.leakage.flips` gives its rows; None is drawn as a change that was
      asked for, and a share of None as a cell without images.
    out: the PNG to write.
    title: stands above; empty for none.

  Raises:
    UserError: there is nothing to draw.
  """
  from matplotlib import colormaps
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  targets = list(matrix)
  known = list(dict.fromkeys(name for row in matrix.values() for name in row))
  if not known:
    raise UserError("the leakage matrix is empty: no attribute was set")
  shares = np.full((len(targets), len(known)), np.nan)
  for i, row in enumerate(matrix.values()):
    for name, cell in row.items():
      if cell is not None and cell["flips"] is not None:
        shares[i, known.index(name)] = cell["flips"]

  # Near white at 0, where most cells are, and of evenly falling brightness.
  colours = colormaps["magma_r"].with_extremes(bad="0.88")
  # Room for the names, and for the key even where there are few columns.
  longest = max(len(show_name(name)) for name in (*known, *targets))
  names = max(LETTER * longest, 1.5)
  size = max(CELL * len(known) + names, 3.0), CELL * len(targets) + names + 0.7
  figure = Figure(size, DOTS, layout="constrained")
  canvas = FigureCanvasAgg(figure)
  panel = figure.subplots()
  panel.imshow(shares, colours, vmin=0, vmax=1)
  for i, target in enumerate(targets):
    for j, name in enumerate(known):
      text, colour = _text(matrix[target].get(name), shares[i, j])
      panel.text(j, i, text, color=colour, fontsize=7, ha="center", va="center")
  panel.set_xticks(range(len(known)), map(show_name, known), rotation=90)
  panel.set_yticks(range(len(targets)), map(show_name, targets))
  panel.xaxis.tick_top()
  panel.tick_params(length=0, labelsize=8)
  for label in (*panel.get_xticklabels(), *panel.get_yticklabels()):
    letter(label)
  # White lines between the cells.
  panel.set_xticks(np.arange(0.5, len(known) - 1), minor=True)
  panel.set_yticks(np.arange(0.5, len(targets) - 1), minor=True)
  panel.tick_params(which="minor", length=0)
  panel.grid(which="minor", color="white", linewidth=1)
  panel.spines[:].set_visible(False)
  key = (
    "% of the images on which an attribute (column)\n"
    "flips where another (row) is set\n"
    "=  asked for    –  no images"
  )
  figure.supxlabel(key, x=0.02, ha="left", fontsize=8)
  if title:
    letter(figure.suptitle(show_name(title), fontsize=10))
  canvas.draw()
  save_png(out, np.asarray(canvas.buffer_rgba())[..., :3])


def _text(cell: Mapping[str, Any] | None, share: float) -> tuple[str, str]:
  """What a cell says, and in which colour that is read."""
  if cell is None:
    return "=", "0.5"
  if np.isnan(share):
    return "–", "0.5"
  return f"{100 * share:.0f}", "white" if share > 0.45 else "black"
