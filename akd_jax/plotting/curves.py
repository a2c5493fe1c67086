"""Training curves: arrays in, PNG out."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from akd_jax.plotting.lettering import letter, show_name
from akd_jax.plotting.sample_grid import save_png

# Also without colour vision; and of more runs than that has.
_COLOURS, _MORE = "petroff10", "turbo"
# Of runs, above the panels.
_NAMES_A_LINE = 4
# Terms by name, each as (steps, values): two arrays of one length.
Terms = dict[str, tuple[np.ndarray, np.ndarray]]


def draw(
  runs: Mapping[str, Terms], out: str | os.PathLike, names: Sequence[str]
) -> None:
  """Draws training curves: one panel a term, one colour a run.

  Args:
    runs: name of a run -> its terms.
    out: the PNG to write.
    names: the terms to show, at least one; some run has each.
  """
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  columns = min(4, len(names))
  rows = -(-len(names) // columns)
  lines = -(-len(runs) // _NAMES_A_LINE)
  width, height = 3.2 * columns, 2.1 * rows + 0.35 + 0.2 * lines
  figure = Figure((width, height), 120)
  canvas = FigureCanvasAgg(figure)
  panels = figure.subplots(
    rows,
    columns,
    squeeze=False,
    # In inches: a layout that measures every label takes as long as all else.
    gridspec_kw={
      "left": 0.6 / width,
      "right": 1 - 0.1 / width,
      "bottom": 0.42 / height,
      "top": 1 - (0.28 + 0.2 * lines) / height,
      "wspace": 0.24,
      "hspace": 0.33,
    },
  ).ravel()
  colours = choose_colours(list(runs))
  for panel, name in zip(panels, names, strict=False):
    draw_panel(panel, name, runs, colours)
  for panel in panels[len(names) :]:
    panel.set_visible(False)
  for run, colour in colours.items():
    # Matplotlib hides what begins with a line.
    panels[0].plot([], [], color=colour, label=show_name(run).strip())
  legend = figure.legend(
    loc="upper left", ncols=_NAMES_A_LINE, fontsize=9, frameon=False
  )
  for label in legend.get_texts():
    letter(label)
  figure.supxlabel("step", fontsize=9, y=0.05 / height, va="bottom")
  canvas.draw()
  save_png(out, np.asarray(canvas.buffer_rgba())[..., :3])


def choose_colours(names: Sequence[str]) -> dict[str, str]:
  """Returns a colour for each name, no two alike: "#rrggbb"."""
  from matplotlib import color_sequences, colormaps
  from matplotlib.colors import to_hex

  table = list(color_sequences[_COLOURS])
  if len(names) > len(table):
    table = list(colormaps[_MORE](np.linspace(0.05, 0.95, len(names))))
  return {name: to_hex(table[i]) for i, name in enumerate(names)}


def draw_panel(
  panel: Any, term: str, runs: Mapping[str, Terms], colours: Mapping[str, Any]
) -> None:
  """Draws one term into axes of matplotlib: what was logged, and smoothed."""
  drawn = {run: terms[term] for run, terms in runs.items() if term in terms}
  for run, (steps, values) in drawn.items():
    panel.plot(steps, values, color=colours[run], alpha=0.25, linewidth=0.8)
    panel.plot(steps, _smooth(values), color=colours[run], linewidth=1.5)
  everything = np.concatenate([values for _, values in drawn.values()])
  if 0 < everything.min() < everything.max() / 30:
    panel.set_yscale("log")
  panel.set_title(term, fontsize=9)
  panel.tick_params(which="both", labelsize=7)
  panel.yaxis.get_offset_text().set_fontsize(7)
  panel.xaxis.get_major_locator().set_params(integer=True, nbins=6)
  panel.grid(alpha=0.3)
  panel.spines[["top", "right"]].set_visible(False)


def _smooth(values: np.ndarray) -> np.ndarray:
  """Running mean over a twentieth of the run; shorter at its ends."""
  window = np.ones(2 * (len(values) // 40) + 1)
  ones = np.ones_like(values)
  total, count = (np.convolve(x, window, "same") for x in (values, ones))
  return total / count
