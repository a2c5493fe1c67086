r"""Repeats tables of the papers: every variant, several seeds, error bars.

  python -m akd_jax.experiment --name=paper1_table1[:ARG][,NAME...] \
      [--seeds=3] [--root=runs/experiments] [--out=ROOT/results] \
      [--config.FIELD=VALUE ...]

NAME is one that --list shows, or a file of yours, FILE.py (docs/extending.md).
ARG is a data set and its scale: avatars (default), photos, celeba, rafd or
debug. A field, such as --config.data.path=photos, is set in every variant and
is part of the recipe: with another value all is trained anew (config.evaluation
and config.classifier: only evaluated anew). --config.teacher=FILE, of export
--format=run, teaches every seed.

Trains and evaluates every run that is missing, a teacher for each seed
included; experiments share equal ones. After each seed it writes
OUT/NAME[_ARG].md, with pictures, and OUT/NAME[_ARG].csv, the numbers of each
seed; a page of more seeds stays. Stop it whenever you like: the same command
goes on. Started several times it shares the work; on a
CPU, one core each is quicker than all for one:
`taskset -c 0 python -m ... & taskset -c 1 python -m ...`.
OUT/NAME[_ARG]_runs.tar.xz holds the figures of each run whose teacher is a
file. Copied into another machine's OUT, it saves training them there.

--cluster=slurm makes each run a job of its own; this command waits for them,
and may be stopped and given again.
--list shows the names.
"""

import itertools
import pathlib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from absl import flags

from akd_jax.common import cli, overrides, paths
from akd_jax.common.errors import UserError

if TYPE_CHECKING:
  from akd_jax.configs.experiments.variants import Experiment
  from akd_jax.experiments.plan import PlannedRun, Replicate


def _check_teacher(teacher: str) -> None:
  from akd_jax.training import run_dir

  if not run_dir.is_file(teacher):
    raise UserError(
      f"--config.teacher={teacher}: each seed trains a teacher, in a folder of"
      " its own; one for all seeds is a file of export --format=run"
    )


def _find(argument: str, fields: Mapping[str, Any]) -> "Experiment":
  """Returns that of NAME[:ARG], with some fields set in every variant."""
  from akd_jax.experiments import definitions

  name, _, scale = argument.partition(":")
  try:
    return definitions.define(name, scale or "avatars").changed(fields)
  except UserError:
    raise
  except ValueError as error:
    raise UserError(f"--name={argument}: {error}") from None


def _report(
  argument: str, experiment: "Experiment", replicates: "list[Replicate]"
) -> str:
  """Writes the page of the seeds that are done, if any; returns it."""
  from akd_jax.experiments import report

  done = [replicate for replicate in replicates if replicate.done]
  if not done:
    return ""
  return report.write(
    _page(argument),
    experiment.title,
    experiment.paper,
    shlex.join(_command(argument, f"--seeds={done[-1].seed + 1}")),
    done,
  )


def _command(argument: str, *seeds: str) -> list[str]:
  """Returns what is asked for, however it was spelt."""
  name = f"--name={argument.removesuffix(':avatars')}"
  fields = overrides.format_flags(overrides.read_given())
  words = ["python", "-m", "akd_jax.experiment", name, *seeds, *fields]
  # As the page can hold them: a path may have bytes that are no text.
  return [x.encode(errors="backslashreplace").decode() for x in words]


def _check_page(argument: str) -> None:
  """Refuses to write over anything but this page, or where nobody can."""
  from akd_jax.common.writing import check_writable
  from akd_jax.experiments import report

  path = _page(argument)
  check_writable(path.parent)
  before = report.command_of(path)
  ours = [x for x in before if not x.startswith("--seeds=")]
  if before and sorted(ours) != sorted(_command(argument)):
    raise UserError(
      f"{path} holds the results of `{shlex.join(before)}`: move it, or give"
      " another --out"
    )


def _write(
  argument: str,
  experiment: "Experiment",
  replicates: "list[Replicate]",
  root: pathlib.Path,
) -> str:
  """Writes what is known, one process at a time; returns the page.

  Else one that has seen fewer seeds might overwrite a page of more.
  """
  from akd_jax.common import files
  from akd_jax.experiments import plan, records

  path = records.path_of(_page(argument))
  with files.lock_folder(root, wait=True):
    records.write(path, plan.sort_runs(replicates), root)
    return _report(argument, experiment, replicates)


def _page(argument: str) -> pathlib.Path:
  """Returns where the page lies: of each scale one of its own."""
  name, _, scale = argument.removesuffix(":avatars").partition(":")
  parts = [pathlib.Path(name).stem, *filter(None, [scale])]
  return pathlib.Path(
    flags.FLAGS.out or f"{flags.FLAGS.root}/results", f"{'_'.join(parts)}.md"
  )


def _work(
  planned: "Iterable[PlannedRun]", root: pathlib.Path
) -> "Iterator[list[PlannedRun]]":
  """Does all runs, here or on a cluster; yields those that are left."""
  from akd_jax.experiments import cluster, runner

  if flags.FLAGS.cluster is None:
    return runner.work(planned)
  options = {}
  for option in flags.FLAGS.cluster_options:
    name, equals, options[name] = option.partition("=")
    if not equals:
      raise UserError(f"--cluster_options: {option!r} is not NAME=VALUE")
  return cluster.work(
    planned,
    cluster.open_cluster(
      flags.FLAGS.cluster,
      root / "jobs",
      options,
      flags.FLAGS.cluster_jobs,
      _files(),
    ),
  )


def _files() -> list[str]:
  """Returns the experiments that are files."""
  from akd_jax.experiments import definitions

  names = [argument.partition(":")[0] for argument in flags.FLAGS.name]
  return [name for name in names if definitions.is_file(name)]


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  flags.DEFINE_list(
    "name", [], "The experiments: NAME[:ARG],... or FILE.py[:ARG],..."
  )
  flags.DEFINE_integer(
    "seeds", 3, "How many seeds each variant is trained with.", lower_bound=1
  )
  paths.define("root", "runs/experiments", "Folder of the runs.")
  paths.define("out", None, "Folder of the pages; ROOT/results if not set.")
  flags.DEFINE_enum(
    "cluster", None, ["slurm", "local"],
    "Hand each run to a cluster, as a job; local: to processes of this"
    " machine.",
  )  # fmt: skip
  flags.DEFINE_list(
    "cluster_options", [],
    "Options of submitit for each job: timeout_min=600,gpus_per_node=1,"
    "slurm_partition=gpu",
  )  # fmt: skip
  flags.DEFINE_integer(
    "cluster_jobs", 100, "How many jobs there may be at a time.", lower_bound=1
  )
  flags.DEFINE_bool(
    "list", False, "Print the names and what each experiment does."
  )


def main(argv: list[str]) -> None:
  """Does all seeds of all variants of all experiments."""
  cli.refuse_arguments(argv)
  if flags.FLAGS.list:
    _list_names()
    return
  experiments = _find_all()
  from akd_jax.common import cache as compilation
  from akd_jax.experiments import plan, runner

  compilation.use_persistent_cache()
  root = pathlib.Path(flags.FLAGS.root)
  replicates = _plan(experiments, root)

  def write_pages() -> list[str]:
    return [
      _write(argument, experiment, replicates[argument], root)
      for argument, experiment in experiments.items()
    ]

  every = plan.sort_runs(itertools.chain(*replicates.values()))
  for line in runner.tell_progress(every, _work(every, root)):
    print(line, flush=True)
    write_pages()
  for page in write_pages():
    print(f"\n{page}")
  _check_done(every)


def _list_names() -> None:
  from akd_jax.configs.experiments import EXPERIMENTS

  for name, recipe in EXPERIMENTS.items():
    print(f"{name:16}  {(recipe.__doc__ or '').splitlines()[0]}")


def _find_all() -> "dict[str, Experiment]":
  """Returns the experiments that are asked for, by how --name calls them.

  Raises:
    UserError: a flag or a field does not go with them, or a page cannot be
      written.
  """
  if not flags.FLAGS.name:
    raise UserError("--name=NAME is missing; --list shows them")
  for name in ("cluster_options", "cluster_jobs"):
    if flags.FLAGS.cluster is None and flags.FLAGS[name].present:
      raise UserError(f"--{name} says how --cluster is to be used")
  given = overrides.read_given()
  if "teacher" in given:
    _check_teacher(given["teacher"])
  experiments = {
    argument: _find(argument, given) for argument in flags.FLAGS.name
  }
  for argument in experiments:
    _check_page(argument)
  if len({*map(_page, experiments)}) < len(experiments):
    raise UserError("--name: two of them would have the same page")
  return experiments


def _plan(
  experiments: "Mapping[str, Experiment]", root: pathlib.Path
) -> "dict[str, list[Replicate]]":
  """Returns the seeds of each experiment, with what is known of their runs."""
  from akd_jax.experiments import plan, records

  seeds = range(flags.FLAGS.seeds)
  replicates = {
    argument: plan.plan_replicates(experiment.variants, seeds, root)
    for argument, experiment in experiments.items()
  }
  for argument, of_experiment in replicates.items():
    path = records.path_of(_page(argument))
    if known := records.unpack(path, plan.sort_runs(of_experiment), root):
      print(f"{path}: {len(known)} runs are known from there", flush=True)
  plan.check(*itertools.chain(*replicates.values()))
  return replicates


def _check_done(every: "Iterable[PlannedRun]") -> None:
  """Names the runs that failed.

  Raises:
    FloatingPointError: one diverged, which stops what it teaches.
    UserError: one failed as a job of a cluster.
  """
  from akd_jax.experiments import plan

  if undone := plan.find_undone(every):
    names = ", ".join(str(run.workdir) for run in undone)
    if flags.FLAGS.cluster is None:
      raise FloatingPointError(f"not done, since a run diverged: {names}")
    raise UserError(f"not done, since a run failed: {names}")


if __name__ == "__main__":
  define_flags()
  cli.run(main, overrides.define)
