"""The runs of an experiment: which there are, and how they get done."""

import json
import pathlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ml_collections import ConfigDict

from akd_jax import evaluation, files, teaching, train, validation

# Seconds between two looks at what other processes have done.
_PATIENCE = 5.0


class Job(NamedTuple):
  """A run to train and to evaluate."""

  config: ConfigDict
  workdir: pathlib.Path

  @property
  def result(self) -> pathlib.Path:
    """What is there once it is done."""
    return self.workdir / "evaluation.json"


class Seed(NamedTuple):
  """One seed of an experiment.

  Attributes:
    arms: name -> its run.
    teacher: of those that are taught; None where none is.
  """

  arms: dict[str, Job]
  teacher: Job | None

  @property
  def jobs(self) -> dict[str, Job]:
    """All of them, by the name of their column."""
    return self.arms | ({"teacher": self.teacher} if self.teacher else {})

  @property
  def done(self) -> bool:
    """Whether all are."""
    return not undone(self.jobs.values())


def seed_of(
  arms: Mapping[str, ConfigDict], seed: int, root: pathlib.Path
) -> Seed:
  """One seed of each arm, and of the teacher that they share.

  A run's directory is named by its recipe, so that experiments share it.
  """

  def directory(config: ConfigDict) -> pathlib.Path:
    recipe = json.loads(config.to_json())
    return root / files.digest(recipe) / f"seed_{seed}"

  students, teacher = {}, None
  for arm, recipe in arms.items():
    config = ConfigDict(recipe.to_dict())
    taught_by = teaching.teacher_recipe(config)
    config.teacher = str(directory(taught_by))
    if validation.distils(config):
      taught_by.seed = seed
      teacher = Job(taught_by, pathlib.Path(config.teacher))
    config.seed = config.teacher_recipe.seed = seed
    students[arm] = Job(config, directory(recipe))
  return Seed(students, teacher)


def undone(jobs: Iterable[Job]) -> list[Job]:
  """Those without a result."""
  return [job for job in jobs if not job.result.exists()]


def work(jobs: Iterable[Job]) -> Iterator[list[Job]]:
  """Does all jobs that no other process does, until every one is done.

  Yields those that are left, whenever this has changed.
  """
  left = undone(jobs)
  while left:
    for job in left:
      with files.alone(job.workdir) as ours:
        if ours and _is_ready(job) and not job.result.exists():
          train.train_with_teacher(job.config, str(job.workdir))
          result = evaluation.evaluate(str(job.workdir))
          evaluation.write(result, str(job.workdir))
          break
    else:
      time.sleep(_PATIENCE)
    still = undone(left)
    if len(still) < len(left):
      yield still
    left = still


def _is_ready(job: Job) -> bool:
  return not validation.distils(job.config) or teaching.is_finished(
    job.config.teacher
  )


class Training(NamedTuple):
  """What metrics.jsonl says of a run.

  Attributes:
    seconds: how long it was trained, over all processes that took it up.
    losses: weighted terms, means over the last tenth of the steps.
  """

  seconds: float
  losses: dict[str, float]


def read_training(workdir: pathlib.Path) -> Training:
  """Reads WORKDIR/metrics.jsonl."""
  lines = (workdir / "metrics.jsonl").read_text().splitlines()
  rows = [json.loads(line) for line in lines]
  seconds = before = 0.0
  for now in [row["uptime"] for row in rows if "uptime" in row]:
    seconds += now - before if now > before else now
    before = now
  late = [row for row in rows if row["step"] > 0.9 * rows[-1]["step"]]
  terms: dict[str, list[float]] = {}
  for row in late:
    for name, value in row.items():
      if name.startswith("weighted/"):
        terms.setdefault(name.removeprefix("weighted/"), []).append(value)
  losses = {name: sum(terms[name]) / len(terms[name]) for name in terms}
  return Training(seconds, losses)
