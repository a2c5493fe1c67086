"""Pictures of where trained networks look.

uint8 grids of the same people under every attribute, as the papers' figures.
"""

import numpy as np
from ml_collections import ConfigDict

from akd_jax.data.dataset import Truth
from akd_jax.inference.grids import People, draw_lines
from akd_jax.inference.translator import Translator
from akd_jax.plotting import sample_grid as pictures


def draw_every_block(
  title: str,
  translator: Translator,
  people: People,
  truth: Truth | None,
  options: ConfigDict,
) -> np.ndarray:
  """Draws the attention of each block (paper 1 Fig. 1, paper 2 Fig. 2).

  Above it, of drawn faces, the true translation with its pixels marked;
  beneath it, of a blend, where it draws.

  Args:
    title: the grid's heading.
    translator: whose attention.
    people: whom to translate.
    truth: of their split, whose first they are; see `pipeline.truth_of`.
    options: config.attention; its block does not matter.

  Returns:
    uint8 [H, W, 3].
  """
  names = translator.list_activations(options)
  # As --block and config.attention.block count them.
  attentions = {name.replace("_", " "): name for name in names}
  lines = _truth(people, truth)
  lines += draw_lines(translator, people, attentions, options.method)
  return pictures.draw_sheet(title, people.attributes, people.images, lines)


def _truth(people: People, truth: Truth | None) -> list[pictures.Line]:
  """What would be right, where that is known."""
  if truth is None:
    return []
  pairs = [
    truth(i, name)
    for i in range(len(people.images))
    for name in people.attributes
  ]
  truths, masks = (np.stack(x) for x in zip(*pairs, strict=True))
  grid = len(people.images), len(people.attributes)
  return [
    pictures.Line(
      "true translation, its pixels",
      truths.reshape(*grid, *truths.shape[1:]),
      masks.reshape(*grid, *masks.shape[1:]).astype(np.float32),
    )
  ]
