r"""Repeats tables of the papers: every arm, several seeds, with error bars.

  python -m akd_jax.experiment --name=paper1_table1[:ARG][,NAME...] \
      [--seeds=3] [--root=runs/experiments] [--out=docs/results] \
      [--config.FIELD=VALUE ...]

ARG is a data set and its scale: avatars (default), celeba, rafd or debug. A
field, such as --config.data.path=photos, is set in every arm and is part of the
recipe: with another value all is trained anew (config.evaluation and
config.classifier: only evaluated anew), and OUT is ROOT/results.

Trains what is not there yet (teachers of each seed; experiments that ask for
the same teacher or student share it), evaluates it, and writes
OUT/NAME[_ARG].md, with pictures, after each seed, but not over a page of more
seeds. Stop it whenever you like: the same command goes on. Started several
times it shares the work; on a CPU, one core each is quicker than all for one:
`taskset -c 0 python -m ... & taskset -c 1 python -m ...`.
--list shows the names.
"""

import pathlib
import shlex
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from absl import flags

from akd_jax.common import cli
from akd_jax.common import config as overrides
from akd_jax.common.errors import UserError, nearest

if TYPE_CHECKING:
  from akd_jax.configs.experiments.variants import Experiment
  from akd_jax.experiments.runner import Job, Seed

_NAME = flags.DEFINE_list("name", [], "The experiments, as NAME[:ARG],...")
_SEEDS = flags.DEFINE_integer("seeds", 3, "How many.", lower_bound=1)
_ROOT = flags.DEFINE_string("root", "runs/experiments", "Where runs go.")
_OUT = flags.DEFINE_string(
  "out", None, "Where the tables go; docs/results, of recipes as they are."
)
_LIST = flags.DEFINE_bool("list", False, "Print the names and what they are.")


def _find(argument: str, fields: Mapping[str, Any]) -> "Experiment":
  """That of NAME[:ARG], with some fields set in every arm."""
  from akd_jax.configs.experiments import EXPERIMENTS

  name, _, scale = argument.partition(":")
  if name not in EXPERIMENTS:
    raise UserError(
      f"there is no experiment --name={name!r}{nearest(name, EXPERIMENTS)};"
      " --list shows them"
    )
  try:
    return EXPERIMENTS[name](scale or "avatars").changed(fields)
  except ValueError as error:
    raise UserError(f"--name={argument}: {error}") from None


def _report(
  argument: str, experiment: "Experiment", seeds: "list[Seed]"
) -> str:
  """Writes that of the seeds that are done, if any; returns it."""
  from akd_jax.experiments import report

  count = next((i for i, x in enumerate(seeds) if not x.done), len(seeds))
  if not count:
    return ""
  # Of each scale a page of its own.
  name = argument.removesuffix(":avatars").replace(":", "_")
  usual = f"{_ROOT.value}/results" if overrides.given() else "docs/results"
  path = pathlib.Path(_OUT.value or usual, f"{name}.md")
  command = shlex.join(
    [
      *("python", "-m", "akd_jax.experiment"),
      *(f"--name={argument}", f"--seeds={count}"),
      *(x for x in sys.argv[1:] if x.startswith("--config.")),
    ]
  )
  return report.write(
    path, experiment.title, experiment.paper, command, seeds[:count]
  )


def _steps(jobs: "list[Job]") -> int:
  return sum(job.config.steps for job in jobs)


def main(argv: list[str]) -> None:
  """Does all seeds of all arms of all experiments."""
  cli.no_arguments(argv)
  if _LIST.value:
    from akd_jax.configs.experiments import EXPERIMENTS

    for name, recipe in EXPERIMENTS.items():
      print(f"{name:16}  {(recipe.__doc__ or '').splitlines()[0]}")
    return
  if not _NAME.value:
    raise UserError("--name=NAME is missing; --list shows them")
  experiments = {
    argument: _find(argument, overrides.given()) for argument in _NAME.value
  }
  from akd_jax.common import cache as compilation
  from akd_jax.experiments import runner as jobs

  compilation.use_persistent_cache()
  root = pathlib.Path(_ROOT.value)
  seeds = {
    argument: [
      jobs.seed_of(experiment.variants, seed, root)
      for seed in range(_SEEDS.value)
    ]
    for argument, experiment in experiments.items()
  }
  every: dict[pathlib.Path, jobs.Job] = {}
  for of_experiment in seeds.values():
    for seed in of_experiment:
      jobs.check(seed)
    teachers = [job for seed in of_experiment for job in seed.teachers.values()]
    students = [job for seed in of_experiment for job in seed.arms.values()]
    every |= {job.workdir: job for job in teachers + students}
  started, steps = time.monotonic(), _steps(jobs.undone(every.values()))
  for left in jobs.work(every.values()):
    minutes = (time.monotonic() - started) / 60
    still = _steps(left)
    print(
      f"{len(every) - len(left)}/{len(every)} runs done, about"
      f" {minutes * still / (steps - still):.0f} min left",
      flush=True,
    )
    for argument, experiment in experiments.items():
      _report(argument, experiment, seeds[argument])
  for argument, experiment in experiments.items():
    print(f"\n{_report(argument, experiment, seeds[argument])}")
  if undone := jobs.undone(every.values()):
    names = ", ".join(str(job.workdir) for job in undone)
    raise UserError(f"not done, since a run diverged: {names}")


if __name__ == "__main__":
  cli.run(main, overrides.define)
