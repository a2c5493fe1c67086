"""What an experiment has found: page, numbers of each seed, people, curves."""

import contextlib
import pathlib
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from akd_jax.common.errors import UserError
from akd_jax.common.files import write_whole
from akd_jax.common.output import note
from akd_jax.data import pipeline
from akd_jax.distillation import METHODS
from akd_jax.distillation.terms import distils
from akd_jax.evaluation.record import trained_network
from akd_jax.experiments import html_faces, html_page, markdown_page
from akd_jax.experiments.compared import Seed, Variant, read_seed
from akd_jax.experiments.plan import PlannedRun, Replicate
from akd_jax.inference.grids import (
  Portrayed,
  choose_people,
  draw_sample_grid,
)
from akd_jax.inference.translator import load_translators
from akd_jax.plotting import curves
from akd_jax.plotting.sample_grid import save_png
from akd_jax.training import metrics_file
from akd_jax.training.run_dir import has_checkpoint, load_run

# People in the picture.
_SHOWN = 2
# Terms whose curves are drawn, where a run has them; then those of methods.
_TERMS = (
  "d_loss_cls",
  "fake_agreement",
  "g_loss_cls",
  "g_loss_rec",
  "attention_student_mean",
  "attention_teacher_mean",
)


def write(
  path: pathlib.Path,
  title: str,
  paper: str,
  command: str,
  replicates: Sequence[Replicate],
) -> str:
  """Writes PATH, and beside it all of it for a browser, numbers and pictures.

  NAME.csv, NAME.html, and of the first seed NAME_people.png and
  NAME_curves.png. Does nothing where PATH would say what it already says, or
  less: a page of more seeds stays as it is.

  Args:
    path: of the page, *.md.
    title: its heading.
    paper: what the paper reports; may be empty.
    command: that this is the outcome of.
    replicates: those that are done, in the order of their seeds.

  Returns:
    The page as text, and what became of PATH.
  """
  results: dict[str, list[dict[str, Any]]] = {}
  seconds = 0.0
  for replicate in replicates:
    found = {}
    for name, run in replicate.runs.items():
      training = metrics_file.read_training(run.workdir)
      result = run.result
      if result is None:
        raise ValueError(f"{run.workdir} has not been evaluated whole")
      trained_network(result)["losses"] = training.losses
      found[name] = result
      seconds += training.seconds
    for name, result in (found | shipped_teacher(replicate, found)).items():
      results.setdefault(name, []).append(result)
  text = markdown_page.render(title, paper, command, seconds, results)
  numbers = path.with_suffix(".csv")
  picture, plot = (
    path.with_name(f"{path.stem}_{what}.png") for what in ("people", "curves")
  )
  text += (
    f"\nThe numbers of each seed: [{numbers.name}]({numbers.name})\n"
    f"\n![Training, first seed]({plot.name})\n"
  )
  students = replicates[0].variants.values()
  if picture.exists() or any(has_checkpoint(str(x.workdir)) for x in students):
    text += f"\n![The same people, first seed]({picture.name})\n"
  text += _list_runs(replicates[0])
  before = path.read_text() if path.exists() else ""
  if _count_seeds(before) > len(replicates):
    return f"{text}\n{path} is of more seeds, and stays"
  if before != text or not numbers.exists():
    with write_whole(numbers) as partial:
      seeds = [replicate.seed for replicate in replicates]
      partial.write_text(markdown_page.format_seeds(results, seeds))
    _draw_people(title, replicates[0], picture)
    _draw_curves(replicates[0], plot)
    variants = _variants(replicates)
    html_page.write(
      path.with_suffix(".html"),
      html_page.render(title, command, variants, html_faces.show(variants)),
    )
    with write_whole(path) as partial:
      partial.write_text(text)
  return f"{text}\nwritten to {path}"


def _list_runs(replicate: Replicate) -> str:
  """Says how long each network was trained, and which directory is its own."""
  header = ["", "updates", "its directory in `--root`, for seed N"]
  rows = [
    [name, f"{run.config.steps:,}", f"`{run.workdir.parent.name}/seed_N`"]
    for name, run in replicate.runs.items()
  ]
  return "\n".join(["", *markdown_page.format_table(header, rows), ""])


def shipped_teacher(
  replicate: Replicate, results: Mapping[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
  """Returns {"teacher": what was found of it} of a file that teaches them all.

  A teacher that was trained for the seed has a result of its own.

  Args:
    replicate: a seed.
    results: evaluation.json of its variants, by their names.
  """
  variants = replicate.variants
  files = {x.config.teacher for x in variants.values() if distils(x.config)}
  if replicate.teachers or len(files) != 1:
    return {}
  for name, result in results.items():
    found = result["networks"].get("teacher")
    if found and variants[name].config.teacher in files:
      return {"teacher": result | {"networks": {"generator": found}}}
  return {}


def _variants(replicates: Sequence[Replicate]) -> list[Variant]:
  return [
    Variant(
      name,
      [_read_seed(replicate.variants[name]) for replicate in replicates],
    )
    for name in replicates[0].variants
  ]


def _read_seed(run: PlannedRun) -> Seed:
  seed = read_seed(run.workdir)
  # Runs may have been moved since.
  seed.config.teacher = run.config.teacher
  return seed


def _draw_curves(replicate: Replicate, path: pathlib.Path) -> None:
  runs = {
    name: metrics_file.read_terms(run.workdir)
    for name, run in replicate.runs.items()
  }
  known = metrics_file.list_terms(runs)
  terms = [*_TERMS, *(method.term for method in METHODS.values())]
  shown = [term for term in terms if term in known]
  if known:
    curves.draw(runs, path, shown or known)


def command_of(path: pathlib.Path) -> list[str]:
  """Returns the words of the command that a page is of; [] where none is.

  Raises:
    UserError: there is something else, which is somebody's.
  """
  if not path.exists():
    return []
  words: list[str] = []
  # A folder, bytes that are no text, quotes that do not end.
  with contextlib.suppress(IsADirectoryError, ValueError):
    found = re.search(r"^`(python -m .*)`$", path.read_text(), re.MULTILINE)
    words = shlex.split(found[1]) if found else []
  if not words:
    raise UserError(
      f"{path} is no page of an experiment: move it, or give another --out"
    )
  return words


def _count_seeds(text: str) -> int:
  """Returns how many seeds a page is of; 0 of no page."""
  found = re.search(r"^(\d+) seeds?, ", text, re.MULTILINE)
  return int(found[1]) if found else 0


def _draw_people(title: str, replicate: Replicate, path: pathlib.Path) -> None:
  """Draws every teacher, as its first student sees it, then every variant.

  Who has no weights here is left out, or the picture stays that there is.
  """
  names = {run.workdir: name for name, run in replicate.teachers.items()}
  teachers: dict[str, Portrayed] = {}
  students = []
  for variant, planned in replicate.variants.items():
    try:
      run = load_run(str(planned.workdir))
      # Runs may have been moved since.
      run.config.teacher = planned.config.teacher
      *above, translator = load_translators(run)
    except UserError as error:  # Its weights, perhaps, are elsewhere.
      note(f"no picture of {variant}: {error}")
      if path.exists():
        return
      continue
    students.append(
      Portrayed(translator._replace(name=variant), run.config.attention)
    )
    if distils(run.config):
      name = names.get(pathlib.Path(run.config.teacher), "teacher")
      teacher = above[0]._replace(name=name)
      teachers.setdefault(name, Portrayed(teacher, run.config.attention))
  networks = [*teachers.values(), *students]
  if not networks:
    return
  people = choose_people(pipeline.open_source(run.config.data, "test"), _SHOWN)
  grid = draw_sample_grid(title, people, networks)
  save_png(path, grid, colours=256)
