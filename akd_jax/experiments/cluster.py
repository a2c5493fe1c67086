"""The runs of an experiment as jobs of a cluster: one run, one job.

submitit hands them over (https://github.com/facebookincubator/submitit), to
Slurm or, to try it, to this machine. What is shared, and by which locks, is as
in runner.py: every run is done once, whoever does it.
"""

import functools
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from akd_jax.common import cache, files
from akd_jax.common.errors import UserError
from akd_jax.common.output import note
from akd_jax.experiments import definitions, job, plan, runner
from akd_jax.training import checkpoint

# Seconds between two looks at the jobs.
_PATIENCE = 5.0
# Minutes of a job for which nobody has said how long it may take.
_DAY = 24 * 60


def _do(run: plan.PlannedRun, own: Sequence[str] = ()) -> None:
  """What a job does, once it has run the files that `own` names."""
  for file in own:
    definitions.load(file)
  cache.use_persistent_cache()
  runner.do_alone(run)


class Cluster(NamedTuple):
  """Where jobs go.

  Attributes:
    engine: submitit's executor.
    at_once: how many jobs it is given at a time.
    do: what a job does with its run.
  """

  engine: Any
  at_once: int
  do: Callable[[plan.PlannedRun], Any]


def open_cluster(
  name: str,
  folder: pathlib.Path,
  options: Mapping[str, str],
  at_once: int,
  own: Sequence[str] = (),
) -> Cluster:
  """Opens a cluster.

  Args:
    name: "slurm", or "local" for processes of this machine.
    folder: of the jobs' logs, which all machines see.
    options: submitit's, such as timeout_min, gpus_per_node, slurm_partition.
    at_once: how many jobs it is given at a time.
    own: files of experiments, whose methods and metrics a job is to know.

  Raises:
    UserError: submitit is not installed, there is no Slurm, or an option is
      none of submitit's.
  """
  try:
    import submitit
  except ImportError:
    raise UserError(
      "--cluster needs submitit: launch/setup.sh cluster"
    ) from None
  try:
    engine = submitit.AutoExecutor(folder=folder, cluster=name)
    values = {key: _number(value) for key, value in options.items()}
    engine.update_parameters(
      **{"timeout_min": _DAY, "name": "akd_jax"} | values
    )
  except RuntimeError as error:
    raise UserError(f"--cluster={name}: {error}") from None
  except (NameError, AssertionError, TypeError, ValueError) as error:
    # An assertion may say nothing.
    first = [*str(error).splitlines(), type(error).__name__][0]
    raise UserError(f"--cluster_options: {first}") from None
  found = [str(definitions.locate(file)) for file in own]
  return Cluster(engine, at_once, functools.partial(_do, own=found))


def _number(text: str) -> int | str:
  return int(text) if text.isdecimal() else text


def work(
  runs: Iterable[plan.PlannedRun], cluster: Cluster
) -> Iterator[list[plan.PlannedRun]]:
  """Has all runs done, as `runner.work` does them.

  One that fails is left, with all that it was to teach. One whose job was
  preempted, or came to the end of its time, is handed over again for as long as
  it gets on. Jobs outlive this process: the same command takes them up.

  Yields those that are left, whenever this has changed.
  """
  runs = list(runs)
  left = plan.find_undone(runs)
  handed: dict[pathlib.Path, _Handed] = {}
  failed: set[str] = set()
  # Where the last is done, its job has yet to end.
  while left or handed:
    teachers = {str(run.workdir) for run in left}
    for run in left:
      if len(handed) == cluster.at_once:
        break
      if run.workdir in handed or not runner.is_ready(run, teachers):
        continue
      if _is_free(run.workdir):
        handed[run.workdir] = _hand_over(run, cluster)
    time.sleep(_PATIENCE)
    for workdir, one in [x for x in handed.items() if x[1].job.done()]:
      del handed[workdir]
      if wrong := one.what_went_wrong():
        note(f"{workdir}: {wrong}")
        failed.add(str(workdir))
    still = [
      run
      for run in plan.find_undone(left)
      if not {str(run.workdir), run.config.teacher} & failed
    ]
    if len(still) < len(left):
      yield still
    left = still


def _is_free(workdir: pathlib.Path) -> bool:
  with files.lock_folder(workdir) as ours:
    return ours


class _Handed(NamedTuple):
  """A run that a cluster has.

  Attributes:
    job: submitit's.
    run: the run.
    begun: its checkpoints when it was handed over.
  """

  job: Any
  run: plan.PlannedRun
  begun: list[int]

  def what_went_wrong(self) -> str:
    """Returns one line; "" where it ended well, or has to go on."""
    error = self.job.exception()
    if error is None:
      return self.job.result()
    # It was killed, or its time was up before it could save.
    saved = checkpoint.list_steps(str(self.run.workdir))
    if saved[-1:] > self.begun[-1:]:
      return ""
    return (
      f"its job {self.job.job_id} ended without a result and without a new"
      f" checkpoint: see {self.job.paths.stderr}"
    )


def _hand_over(run: plan.PlannedRun, cluster: Cluster) -> _Handed:
  """Hands a run over, unless an earlier command has, whose job is not done.

  Raises:
    UserError: the cluster refuses the job.
  """
  from submitit.core.utils import FailedJobError

  job_file = run.workdir / ".job"
  begun = checkpoint.list_steps(str(run.workdir))
  if job_file.exists():
    earlier = cluster.engine._executor.job_class(
      cluster.engine.folder, job_file.read_text()
    )
    if not earlier.done():
      _say_whose(earlier, job_file)
      return _Handed(earlier, run, begun)
  try:
    handed = cluster.engine.submit(job.attempt, cluster.do, run)
  except FailedJobError as error:
    raise UserError(f"the cluster refuses {run.workdir}: {error}") from None
  with files.write_whole(job_file) as path:
    path.write_text(handed.job_id)
  print(f"{run.workdir}: job {handed.job_id}", flush=True)
  return _Handed(handed, run, begun)


def _say_whose(earlier: Any, job_file: pathlib.Path) -> None:
  """Says that a job of an earlier command is waited for."""
  which = f"{job_file.parent}: waiting for job {earlier.job_id}"
  if earlier.state != "UNKNOWN":
    print(f"{which} of an earlier command", flush=True)
    return
  # One that was killed, and that nobody keeps account of, is never done.
  note(
    f"{which} of an earlier command, of which nothing is known here: if it is"
    f" gone, delete {job_file} and give the command again"
  )
