"""Draws docs/faces.png: people before and after, by a teacher and its student.

python docs/faces.py WORKDIR [OUT.png]

WORKDIR is a finished student's. The people are the first of the test split, not
chosen; no attention is laid over them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from akd_jax.common import cache
from akd_jax.data import pipeline
from akd_jax.data.attributes import set_attribute
from akd_jax.inference.network import set_one
from akd_jax.inference.translator import Translator, load_translators, translate
from akd_jax.plotting import sample_grid
from akd_jax.training.run_dir import load_run

PEOPLE = 3


def draw(source: Any, translators: Sequence[Translator]) -> np.ndarray:
  """Draws the first people of a source: a line of translations a network.

  Args:
    source: of the attributes that the networks set.
    translators: from top to bottom.

  Returns:
    uint8 [H, W, 3].
  """
  records = [source[i] for i in range(min(PEOPLE, len(source)))]
  images = np.stack([record["image"] for record in records])
  labels = np.stack([record["label"] for record in records])

  def line(translator: Translator) -> sample_grid.Line:
    columns = []
    for i, name in enumerate(source.attributes):
      target = set_attribute(labels, source.attributes, name, source.exclusive)
      asked = set_one(target, labels, i)
      columns.append(translate(translator, images, asked))
    return sample_grid.Line(translator.name, np.stack(columns, axis=1))

  lines = [line(translator) for translator in translators]
  return sample_grid.sample_sheet("", source.attributes, images, lines)


def main(workdir: str, out: Path) -> None:
  """Writes the picture of a run to `out`."""
  cache.use_persistent_cache()
  run = load_run(workdir)
  source = pipeline.open_source(run.config.data, "test")
  picture = draw(source, load_translators(run))
  sample_grid.save_png(out, picture, colours=256)
  print(out)


if __name__ == "__main__":
  if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
  default = Path(__file__).with_name("faces.png")
  main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else default)
