"""Writes a few people of a run's test split, to try akd_jax.translate on.

python docs/people.py WORKDIR OUT

OUT/INDEX_ATTRIBUTES.png: each is named after the attributes that it has.
"""

import sys
import urllib.parse
from pathlib import Path
from typing import Any

from akd_jax.data import pipeline
from akd_jax.plotting.sample_grid import save_png
from akd_jax.training.run_dir import read_config

PEOPLE = 6


def write(source: Any, out: Path) -> list[Path]:
  """Writes the first people of a source, and returns the files."""
  files = []
  for index in range(min(PEOPLE, len(source))):
    record = source[index]
    pairs = zip(source.attributes, record["label"], strict=True)
    has = [urllib.parse.quote(name, safe="") for name, on in pairs if on]
    files.append(out / ("_".join([str(index), *has]) + ".png"))
    save_png(files[-1], record["image"])
  return files


def main(workdir: str, out: Path) -> None:
  """Writes people of a run's test split to the folder `out`."""
  source = pipeline.open_source(read_config(workdir).data, "test")
  print(*write(source, out), sep="\n")


if __name__ == "__main__":
  if len(sys.argv) != 3:
    sys.exit(__doc__)
  main(sys.argv[1], Path(sys.argv[2]))
