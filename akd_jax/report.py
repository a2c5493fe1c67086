"""What an experiment has found: its table, its people side by side, curves."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from akd_jax import comparison, curves, evaluation, teaching, validation
from akd_jax.data import pipeline
from akd_jax.files import written_whole
from akd_jax.jobs import Seed, read_training
from akd_jax.pictures import save_png
from akd_jax.portraits import Portrayed, side_by_side
from akd_jax.runs import load_run
from akd_jax.samples import sitters

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

  Does nothing where it would say what PATH already says.

  Args:
    path: of the table, *.md.
    title: its heading.
    paper: what the paper reports; may be empty.
    command: that this is the outcome of.
    seeds: those that are done.

  Returns:
    The table as text.
  """
  results: dict[str, list[dict[str, Any]]] = {arm: [] for arm in seeds[0].jobs}
  seconds = 0.0
  for seed in seeds:
    for arm, job in seed.jobs.items():
      training = read_training(job.workdir)
      result = json.loads(job.result.read_text())
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
  if not path.exists() or path.read_text() != text:
    _draw_people(title, seeds[0], picture)
    first = {arm: job.workdir for arm, job in seeds[0].jobs.items()}
    curves.draw(
      {arm: first[arm] / "metrics.jsonl" for arm in first}, plot,
      _TERMS + (_TAUGHT if seeds[0].teacher else ()),
    )  # fmt: skip
    with written_whole(path) as partial:
      partial.write_text(text)
  return text


def _draw_people(title: str, seed: Seed, path: pathlib.Path) -> None:
  """The teacher, where there is one, then every arm."""
  arms = {arm: load_run(str(job.workdir)) for arm, job in seed.arms.items()}
  networks = []
  if seed.teacher:
    taught = load_run(str(seed.teacher.workdir))
    student = next(x for x in arms.values() if validation.distils(x.config))
    mapping = teaching.check_fit(student.config, taught.config)
    (subject,) = evaluation.subjects(taught)
    subject = subject._replace(name="teacher", selectors=mapping)
    networks.append(Portrayed(subject, student.config.attention, mapping))
  for arm, run in arms.items():
    *_, subject = evaluation.subjects(run)
    own = np.eye(len(run.attributes))
    networks.append(
      Portrayed(subject._replace(name=arm), run.config.attention, own)
    )
  people = sitters(pipeline.open_source(run.config.data, "test"), _SHOWN)
  sheet = side_by_side(title, people, networks)
  save_png(path, sheet, colours=256)
