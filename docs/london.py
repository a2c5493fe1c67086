"""Draws docs/photos.png: people of the London set, before and after.

python docs/london.py PHOTOS OUT.png NAME=RUN [NAME=RUN ...]

RUN is a run's directory or an exported file; NAME stands beside its line.
PHOTOS has PERSON_neutral.jpg of the Face Research Lab London Set (doi
10.6084/m9.figshare.5047666, CC BY 4.0), whose eyes were put where CelebA has
them. The people are the first by number, not chosen. No network has seen them.
"""

import sys
from pathlib import Path

import numpy as np

import akd_jax
from akd_jax.common import cache
from akd_jax.data.photos.images import load_image
from akd_jax.plotting import sample_grid

PEOPLE = 4
# What is known of all of them; the rest is recognized.
NEUTRAL = {"Smiling": 0}


def main(folder: str, out: Path, runs: list[str]) -> None:
  """Writes the picture of some networks to `out`."""
  cache.use_persistent_cache()
  people = sorted(Path(folder).glob("*_neutral.jpg"))[:PEOPLE]
  lines = []
  for text in runs:
    name, _, path = text.partition("=")
    model = akd_jax.load(path)
    drawn = [
      model.translate(people, {x: 1}, own=NEUTRAL) for x in model.attributes
    ]
    lines.append(sample_grid.Line(name, np.stack(drawn, axis=1)))
  photos = [load_image(x, model.crop, model.image_size) for x in people]
  sheet = sample_grid.draw_sheet("", model.attributes, np.stack(photos), lines)
  sample_grid.save_png(out, sheet, colours=256)
  print(out)


if __name__ == "__main__":
  if len(sys.argv) < 4:
    sys.exit(__doc__)
  main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
