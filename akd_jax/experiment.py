r"""Repeats tables of the papers: every arm, several seeds, with error bars.

  python -m akd_jax.experiment --name=paper1_table1[:ARG][,NAME...] \
      [--seeds=3] [--root=runs/experiments] [--out=docs/results]

Trains what is not there yet (a teacher a seed; experiments that ask for the
same teacher or student share it), evaluates it, and writes OUT/NAME.md after
each seed. Stop it whenever you like: the same command goes on. Started several
times it shares the work; on a CPU, one core each is quicker than all for one:
`taskset -c 0 python -m ... & taskset -c 1 python -m ...`. --list shows names.
"""

import json
import pathlib
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags

from akd_jax import cli
from akd_jax.errors import UserError, nearest

if TYPE_CHECKING:
  from ml_collections import ConfigDict

_NAME = flags.DEFINE_list("name", [], "The experiments, as NAME[:ARG],...")
_SEEDS = flags.DEFINE_integer("seeds", 3, "How many.", lower_bound=1)
_ROOT = flags.DEFINE_string("root", "runs/experiments", "Where runs go.")
_OUT = flags.DEFINE_string("out", "docs/results", "Where the tables go.")
_LIST = flags.DEFINE_bool("list", False, "Print the names and what they are.")
# Between two looks at what other processes have done.
_PATIENCE = 5.0


class Job(NamedTuple):
  """A run to train and to evaluate."""

  config: "ConfigDict"
  workdir: pathlib.Path

  @property
  def result(self) -> pathlib.Path:
    """What is there once it is done."""
    return self.workdir / "evaluation.json"


def jobs_of(
  arms: Mapping[str, "ConfigDict"], seed: int, root: pathlib.Path
) -> tuple[dict[str, Job], Job | None]:
  """One seed of each arm, and of the teacher that they share.

  A run's directory is named by its recipe, so that experiments share it.
  """
  from ml_collections import ConfigDict

  from akd_jax import teaching
  from akd_jax.files import digest

  def directory(config: "ConfigDict") -> pathlib.Path:
    recipe = json.loads(config.to_json())
    return root / f"{digest(recipe)}" / f"seed_{seed}"

  students, teacher = {}, None
  for arm, recipe in arms.items():
    config = ConfigDict(recipe.to_dict())
    taught_by = teaching.teacher_recipe(config)
    config.teacher = str(directory(taught_by))
    if teaching.distils(config):
      taught_by.seed = seed
      teacher = Job(taught_by, pathlib.Path(config.teacher))
    config.seed = config.teacher_recipe.seed = seed
    students[arm] = Job(config, directory(recipe))
  return students, teacher


def work(jobs: list[Job]) -> Iterator[int]:
  """Does all jobs that no other process does, until every one is done.

  Yields how many are left, whenever this has changed.
  """
  from akd_jax import files

  left = [job for job in jobs if not job.result.exists()]
  while left:
    for job in left:
      with files.alone(job.workdir) as ours:
        if ours and _is_ready(job) and not job.result.exists():
          _run(job)
          break
    else:
      time.sleep(_PATIENCE)
    still = [job for job in left if not job.result.exists()]
    if len(still) < len(left):
      yield len(still)
    left = still


def _is_ready(job: Job) -> bool:
  from akd_jax import teaching

  return not teaching.distils(job.config) or teaching.is_finished(
    job.config.teacher
  )


def _run(job: Job) -> None:
  from akd_jax import evaluation, train

  train.train_with_teacher(job.config, str(job.workdir))
  evaluation.write(evaluation.evaluate(str(job.workdir)), str(job.workdir))


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


def main(argv: list[str]) -> None:
  """Does all seeds of all arms of all experiments."""
  cli.no_arguments(argv)
  from akd_jax.configs.experiments import EXPERIMENTS

  if _LIST.value:
    for name, recipe in EXPERIMENTS.items():
      print(f"{name:16}  {(recipe.__doc__ or '').splitlines()[0]}")
    return
  if not _NAME.value:
    raise UserError("--name=NAME is missing; --list shows them")
  from akd_jax import compilation

  compilation.use_persistent_cache()
  tables = [_Table(name) for name in _NAME.value]
  jobs = {job.workdir: job for table in tables for job in table.jobs()}
  started, first = time.monotonic(), None
  for table in tables:
    table.write()
  for left in work(list(jobs.values())):
    for table in tables:
      table.write()
    first = left + 1 if first is None else first
    each = (time.monotonic() - started) / (first - left)
    print(
      f"{len(jobs) - left}/{len(jobs)} runs done, about"
      f" {each * left / 60:.0f} min left",
      flush=True,
    )
  for table in tables:
    print(f"\n{table.text()}\nwritten to {table.path}")


class _Table:
  """An experiment, its runs, and what they say."""

  def __init__(self, argument: str):
    from akd_jax.configs.experiments import EXPERIMENTS

    name, _, scale = argument.partition(":")
    if name not in EXPERIMENTS:
      raise UserError(
        f"there is no experiment --name={name!r}{nearest(name, EXPERIMENTS)};"
        " --list shows them"
      )
    try:
      self._experiment = EXPERIMENTS[name](scale or "avatars")
    except ValueError as error:
      raise UserError(f"--name={argument}: {error}") from None
    self._argument = argument
    root = pathlib.Path(_ROOT.value)
    self._seeds = [
      jobs_of(self._experiment.arms, seed, root)
      for seed in range(_SEEDS.value)
    ]
    self.path = pathlib.Path(_OUT.value, f"{name}.md")

  def jobs(self) -> list[Job]:
    """Teachers first."""
    teachers = [teacher for _, teacher in self._seeds if teacher]
    return teachers + [job for arms, _ in self._seeds for job in arms.values()]

  def text(self) -> str:
    """Of the seeds that are done; empty for none."""
    from akd_jax import comparison

    results: dict[str, list[Any]] = {}
    seconds, seeds = 0.0, 0
    for arms, teacher in self._seeds:
      jobs = arms | ({"teacher": teacher} if teacher else {})
      if not all(job.result.exists() for job in jobs.values()):
        break
      seeds += 1
      for arm, job in jobs.items():
        result = json.loads(job.result.read_text())
        training = read_training(job.workdir)
        results.setdefault(arm, []).append(result | {"losses": training.losses})
        seconds += training.seconds
    if not seeds:
      return ""
    return comparison.markdown(
      self._experiment.title, self._experiment.paper,
      f"python -m akd_jax.experiment --name={self._argument} --seeds={seeds}",
      seconds, results,
    )  # fmt: skip

  def write(self) -> None:
    """Writes OUT/NAME.md once a seed is done."""
    from akd_jax.files import written_whole

    if text := self.text():
      with written_whole(self.path) as path:
        path.write_text(text)


if __name__ == "__main__":
  cli.run(main)
