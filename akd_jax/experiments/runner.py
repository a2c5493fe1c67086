"""Does the runs of an experiment, and says how long that will take."""

import time
from collections.abc import Container, Iterable, Iterator, Sequence

from akd_jax.common import files
from akd_jax.common.errors import UserError
from akd_jax.common.output import note
from akd_jax.evaluation import evaluator, record, result_files
from akd_jax.experiments.plan import PlannedRun, find_undone
from akd_jax.experiments.single_run import train_with_teacher
from akd_jax.training import run_dir as runs

# Seconds between two looks at what other processes have done.
_PATIENCE = 5.0


def is_ready(run: PlannedRun, teachers: Container[str]) -> bool:
  """Whether a run can begin, or waits for a teacher.

  Args:
    run: the one that is to begin.
    teachers: the runs that are still to be done beside it, by their
      directories. Who is not taught is measured beside its teacher, too.
  """
  waits = run.config.teacher in teachers
  return not waits or runs.is_finished(run.config.teacher)


def do_alone(planned: PlannedRun, others: Iterable[PlannedRun] = ()) -> bool:
  """Trains and evaluates, unless that has been done or another process does.

  Args:
    planned: the run.
    others: those that it is compared with. Who has the same teacher need not
      measure it again.

  Returns:
    Whether no other process does.
  """
  with files.lock_folder(planned.workdir) as ours:
    if ours and not planned.result:
      _say_if_damaged(planned)
      train_with_teacher(planned.config, str(planned.workdir))
      run = runs.load_run(str(planned.workdir))
      results = [found for x in others if (found := x.result)]
      result = evaluator.evaluate(run, others=results)
      result_files.write(result, str(planned.workdir), run)
    return ours


def _say_if_damaged(planned: PlannedRun) -> None:
  path = planned.workdir / f"{record.WHOLE}.json"
  if path.exists():
    try:
      record.read(path)
    except UserError as error:
      note(f"{error}; it is evaluated again")


def work(planned: Iterable[PlannedRun]) -> Iterator[list[PlannedRun]]:
  """Does all runs that no other process does, until every one is done.

  One that diverges is left, with all that it was to teach: once more, it would
  come to the same.

  Yields those that are left, whenever this has changed.
  """
  planned = list(planned)
  left = find_undone(planned)
  diverged: set[str] = set()
  waits_said = False
  while left:
    teachers = {str(run.workdir) for run in left}
    for run in left:
      if not is_ready(run, teachers):
        continue
      try:
        if do_alone(run, planned):
          break
      except FloatingPointError as error:
        note(f"{run.workdir}: {error}")
        diverged.add(str(run.workdir))
        break
    else:
      if not waits_said:
        waits_said = True
        note(
          f"waiting for {len(left)} runs that others do, first"
          f" {left[0].workdir} by {files.read_holder(left[0].workdir)}"
        )
      time.sleep(_PATIENCE)
    still = [
      run
      for run in find_undone(left)
      if not {str(run.workdir), run.config.teacher} & diverged
    ]
    if len(still) < len(left):
      yield still
    left = still


def tell_progress(
  planned: Sequence[PlannedRun], work: Iterable[list[PlannedRun]]
) -> Iterator[str]:
  """Yields a line after each run: how many are done, and the time left.

  Args:
    planned: all of them.
    work: gives those that are left, whenever this has changed.
  """
  started, steps = time.monotonic(), _steps(find_undone(planned))
  for left in work:
    minutes, still = (time.monotonic() - started) / 60, _steps(left)
    yield (
      f"{len(planned) - len(left)}/{len(planned)} runs done, about"
      f" {minutes * still / (steps - still):.0f} min left"
    )


def _steps(planned: Iterable[PlannedRun]) -> int:
  return sum(run.config.steps for run in planned)
