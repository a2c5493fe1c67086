"""What an evaluation leaves in a run's directory: figures and pictures."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from akd_jax.common.errors import UserError
from akd_jax.data import pipeline
from akd_jax.evaluation import portraits, record, tensorboard
from akd_jax.inference.grids import choose_people
from akd_jax.inference.translator import load_translators
from akd_jax.plotting import flip_matrix as matrices
from akd_jax.plotting.sample_grid import save_png
from akd_jax.training.run import Run

# People whose attention is drawn.
_SHOWN = 2


def write(
  result: dict[str, Any], workdir: str | os.PathLike, run: Run
) -> pathlib.Path:
  """Writes WORKDIR/evaluation.json, then pictures to WORKDIR/evaluation.

  leakage_NETWORK.png: what else changes; attention_NETWORK.png: where each of
  its blocks looks, and where a blend draws. With only some of the run's
  attributes the names are evaluation_partial.json and evaluation_partial, and
  the whole evaluation stays. TensorBoard shows the figures of whole ones.
  """
  tested = set(record.trained_network(result)["attributes"])
  whole = tested == set(run.attributes)
  root = pathlib.Path(workdir)
  name = record.WHOLE if whole else record.PARTIAL
  path = root / f"{name}.json"
  # First: whoever is stopped while pictures are drawn has the figures.
  record.write(result, path)
  _draw_attention(root / name, root.name, run)
  _draw_leakage(root / name, root.name, result["networks"])
  if whole:
    tensorboard.write(result, root)
  return path


def find_step(workdir: str) -> int | None:
  """Returns the step that WORKDIR/evaluation.json is of, if it is there."""
  path = pathlib.Path(workdir, f"{record.WHOLE}.json")
  try:
    return int(record.read(path)["step"])
  except UserError:
    return None


def _draw_attention(folder: pathlib.Path, of: str, run: Run) -> None:
  source = pipeline.open_source(run.config.data, "test")
  people = choose_people(source, _SHOWN)
  truth = pipeline.truth_of(run.config.data, source)
  for translator in load_translators(run):
    title = f"{of}: attention, {translator.name}"
    grid = portraits.draw_every_block(
      title, translator, people, truth, run.config.attention
    )
    save_png(folder / f"attention_{translator.name}.png", grid)


def _draw_leakage(
  folder: pathlib.Path, of: str, networks: Mapping[str, Any]
) -> None:
  for title, network in networks.items():
    matrix = {
      attribute: row["flips"]
      for attribute, row in network["attributes"].items()
      if "flips" in row
    }
    nothing = "nothing"
    while nothing in matrix:  # An attribute may be called so.
      nothing = f"({nothing})"
    matrix[nothing] = network["self_translation"]
    matrices.draw(
      matrix,
      folder / f"leakage_{title}.png",
      f"{of}: what else changes, {title}",
    )
