"""Draws docs/faces.png: people before and after, by a teacher and its student.

python docs/faces.py WORKDIR [WORKDIR ...] [OUT.png]

WORKDIR is a finished student's. Of several runs, which translate the same
attributes of the same faces, each is drawn without its teacher. The people are
the first of the test split, not chosen; no attention is laid over them.
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
from akd_jax.training.run_dir import load_run, read_config

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
  return sample_grid.draw_sheet("", source.attributes, images, lines)


def open_translators(workdirs: Sequence[str]) -> list[Translator]:
  """Opens the networks of a run, or each one's own of several runs."""
  if len(workdirs) == 1:
    return load_translators(load_run(workdirs[0]))
  return [
    load_translators(load_run(workdir))[-1]._replace(name=Path(workdir).name)
    for workdir in workdirs
  ]


def main(workdirs: Sequence[str], out: Path) -> None:
  """Writes the picture of runs to `out`."""
  cache.use_persistent_cache()
  source = pipeline.open_source(read_config(workdirs[0]).data, "test")
  picture = draw(source, open_translators(workdirs))
  sample_grid.save_png(out, picture, colours=256)
  print(out)


if __name__ == "__main__":
  arguments = sys.argv[1:]
  drawn = Path(__file__).with_name("faces.png")
  if arguments[-1:] and arguments[-1].endswith(".png"):
    drawn = Path(arguments.pop())
  if not arguments:
    sys.exit(__doc__)
  main(arguments, drawn)
