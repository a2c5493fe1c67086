"""What an experiment has found: its table, its people side by side, curves."""

import pathlib
import re
from collections.abc import Sequence
from typing import Any

from akd_jax.common.files import written_whole
from akd_jax.data import pipeline
from akd_jax.distillation.terms import distils
from akd_jax.evaluation.portraits import Portrayed, side_by_side
from akd_jax.experiments import page as comparison
from akd_jax.experiments.runner import Seed, read_training
from akd_jax.inference.grids import sitters
from akd_jax.inference.translator import load_translators
from akd_jax.plotting import curves
from akd_jax.plotting.sample_grid import save_png
from akd_jax.training.run_dir import load_run

# People in the picture.
_SHOWN = 2
# Terms whose curves are drawn; the second line where a teacher is.
_TERMS = ("d_loss_cls", "fake_agreement", "g_loss_cls", "g_loss_rec")
_TAUGHT = ("g_loss_akd", "attention_student_mean", "attention_teacher_mean")


def write(
  path: pathlib.Path,
  title: str,
  paper: str,
  command: str,
  seeds: Sequence[Seed],
) -> str:
  """Writes PATH, and beside it a picture and curves of the first seed.

  Does nothing where it would say what PATH already says, or less: a page of
  more seeds stays as it is.

  Args:
    path: of the table, *.md.
    title: its heading.
    paper: what the paper reports; may be empty.
    command: that this is the outcome of.
    seeds: those that are done.

  Returns:
    The table as text, and what became of PATH.
  """
  results: dict[str, list[dict[str, Any]]] = {arm: [] for arm in seeds[0].jobs}
  seconds = 0.0
  for seed in seeds:
    for arm, job in seed.jobs.items():
      training = read_training(job.workdir)
      result = job.result
      if result is None:
        raise ValueError(f"{job.workdir} has not been evaluated whole")
      results[arm].append(result | {"losses": training.losses})
      seconds += training.seconds
  text = comparison.markdown(title, paper, command, seconds, results)
  picture, plot = (
    path.with_name(f"{path.stem}_{what}.png") for what in ("people", "curves")
  )
  text += (
    f"\n![The same people, first seed]({picture.name})\n"
    f"\n![Training, first seed]({plot.name})\n"
  )
  before = path.read_text() if path.exists() else ""
  if _seeds_of(before) > len(seeds):
    return f"{text}\n{path} is of more seeds, and stays"
  if before != text:
    _draw_people(title, seeds[0], picture)
    first = {arm: job.workdir for arm, job in seeds[0].jobs.items()}
    curves.draw(
      {arm: first[arm] / "metrics.jsonl" for arm in first}, plot,
      _TERMS + (_TAUGHT if seeds[0].teachers else ()),
    )  # fmt: skip
    with written_whole(path) as partial:
      partial.write_text(text)
  return f"{text}\nwritten to {path}"


def _seeds_of(page: str) -> int:
  found = re.search(r"^(\d+) seeds?, ", page, re.MULTILINE)
  return int(found[1]) if found else 0


def _draw_people(title: str, seed: Seed, path: pathlib.Path) -> None:
  """Every teacher, as its first student sees it, then every arm."""
  names = {job.workdir: name for name, job in seed.teachers.items()}
  teachers: dict[str, Portrayed] = {}
  students = []
  for arm, job in seed.arms.items():
    run = load_run(str(job.workdir))
    # Runs may have been moved since.
    run.config.teacher = job.config.teacher
    *above, subject = load_translators(run)
    students.append(Portrayed(subject._replace(name=arm), run.config.attention))
    if distils(run.config):
      name = names[pathlib.Path(run.config.teacher)]
      teacher = above[0]._replace(name=name)
      teachers.setdefault(name, Portrayed(teacher, run.config.attention))
  networks = [*teachers.values(), *students]
  people = sitters(pipeline.open_source(run.config.data, "test"), _SHOWN)
  sheet = side_by_side(title, people, networks)
  save_png(path, sheet, colours=256)
