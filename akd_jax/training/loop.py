"""The training loop."""

import contextlib
import functools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from clu import parameter_overview, periodic_actions
from ml_collections import ConfigDict

from akd_jax.common import pod
from akd_jax.common.errors import Stopped
from akd_jax.common.output import note
from akd_jax.common.writing import check_writable, writing
from akd_jax.data.joined import parts_of
from akd_jax.plotting import curves
from akd_jax.systems.model import Networks
from akd_jax.training import (
  checkpoint,
  metrics_file,
  parallel,
  run_dir,
  validation,
  versions,
  writers,
)
from akd_jax.training.hooks import Hook, HookMaker
from akd_jax.training.optimizers import describe_schedules
from akd_jax.training.pace import Foretold
from akd_jax.training.preemption import Interruption
from akd_jax.training.preparation import Prepared, prepare
from akd_jax.training.state import TrainState
from akd_jax.training.step import train_step
from akd_jax.training.window import Window

_CURVES = "curves.png"


def train(
  config: ConfigDict, workdir: str, makers: Sequence[HookMaker] = ()
) -> TrainState:
  """Trains one run to its end, from wherever it stands.

  Args:
    config: the recipe.
    workdir: the run's directory; created if missing.
    makers: of what is done beside training.

  Returns:
    The final state, replicated.

  Raises:
    UserError: the config, the data or the teacher is wrong.
    Stopped: asked to stop; everything is saved.
    FloatingPointError: a loss term was not finite.
    WriteError: the workdir cannot be written; the last checkpoint is whole.
  """
  validation.check(config)
  check_writable(workdir)
  with contextlib.ExitStack() as stack:
    stack.enter_context(writing(workdir))
    run = prepare(config, workdir, makers, stack)
    return _train(run)


def _train(run: Prepared) -> TrainState:
  workdir = run.workdir
  if run.first >= run.config.steps:
    parallel.say(f"{workdir} is finished ({run.first:,} steps)")
    return parallel.replicate(run.state)
  _introduce(run)
  try:
    state, stopped = _train_on(run)
  except BaseException:
    _draw_curves(workdir)
    raise
  finally:
    _note_skipped(run)
  if stopped:
    raise Stopped(
      f"stopped; {workdir} is finished ({run.config.steps:,} steps)"
    )
  return state


def _draw_curves(workdir: str) -> None:
  """Draws WORKDIR/curves.png, however the run has ended."""
  if jax.process_index() > 0:
    return
  root = pathlib.Path(workdir)
  # Before the first line there is nothing to draw, on a full disk no room; and
  # nothing is to hide what has ended the run.
  with contextlib.suppress(Exception):
    runs = {root.name: metrics_file.read_terms(root)}
    curves.draw(runs, root / _CURVES, metrics_file.list_terms(runs))


def _train_on(run: Prepared) -> tuple[TrainState, bool]:
  """Trains to the end: the final state, and whether it was asked to stop.

  Raises:
    Stopped, FloatingPointError: see `train`.
  """
  config = run.config
  step_of = make_steps(run.config, run.networks)
  state, teacher = parallel.replicate((run.state, run.teacher))
  writer = _writer(run)
  progress = periodic_actions.ReportProgress(
    num_train_steps=config.steps,
    writer=writer,
    every_steps=config.log_every,
    every_secs=None,
  )
  window = Window()
  foretell = Foretold(
    run.workdir, run.first, config.steps, config.adversary_every
  )
  with (
    _naming_what_is_kept(run.checkpoints),
    Interruption(config.adversary_every) as interruption,
  ):
    for step in range(run.first + 1, config.steps + 1):
      batch = parallel.shard(next(run.batches))
      state, metrics = step_of(step)(state, teacher, batch)
      window.add(step, metrics)
      foretell(step, state)
      last = step == config.steps
      due = [
        hook
        for hook in run.hooks
        if last or hook.every and step % hook.every == 0
      ]
      saves = last or step % config.checkpoint_every == 0
      logs = saves or bool(due) or step % config.log_every == 0
      if logs:
        jax.block_until_ready(state)
      # Immediately, or on a pod with the next line of metrics.
      stop = interruption.requested(all_ask=logs)
      progress(step)
      scalars: dict[str, float] = {}
      if logs or stop:
        # Before anything is drawn or saved: is all of it finite?
        scalars = window.take() | _count_skipped(run)
        writer.write_scalars(step, scalars)
      if (saves or stop) and not last:
        due += [hook for hook in run.hooks if not hook.every]
      for hook in due:
        # All processes have to keep the same checkpoint as the best.
        found = _call(hook, step, state, run, writer)
        scalars |= pod.gather(found)[0]
      if logs or stop:
        writer.flush()
      if last:
        _draw_curves(run.workdir)
      # Last: the line and the pictures of this step will not be made again.
      if saves or stop:
        _save(run, state, scalars)
      if stop and not last:
        raise Stopped(
          f"stopped and saved at step {step:,}/{config.steps:,}: the same"
          " command goes on from here"
        )
  return state, stop


def make_steps(
  config: ConfigDict, networks: Networks
) -> Callable[[int], Callable[..., Any]]:
  """Returns a function from a step's number, 1, 2, ..., to its compiled step.

  Between two steps in which the discriminator learns it is frozen. Those are
  another program: XLA's CPU back end runs the convolutions of a branch on one
  thread, 25 times as slowly.
  """
  between = ConfigDict(config.to_dict())
  if config.adversary_every > 1:
    between.adversary = "frozen"
  learning, resting = (
    parallel.pmap_step(
      functools.partial(train_step, networks=networks, config=one)
    )
    for one in (config, between)
  )

  def step_of(step: int) -> Callable[..., Any]:
    return resting if step % config.adversary_every else learning

  return step_of


def _call(
  hook: Hook, step: int, state: TrainState, run: Prepared, writer: Any
) -> dict[str, float]:
  """Calls a hook on the first process, and writes what it has found."""
  if jax.process_index() > 0:
    return {}
  model = jax.device_get(state.model_to_use(run.networks))
  seen = hook.call(step, model)
  if seen.scalars:
    writer.write_scalars(step, seen.scalars)
  if seen.images:
    writer.write_images(step, {k: x[None] for k, x in seen.images.items()})
  return dict(seen.scalars)


def _save(run: Prepared, state: TrainState, scalars: dict[str, float]) -> None:
  if jax.device_count() > 1 and not parallel.is_in_sync(state):
    raise RuntimeError(f"replicas differ after step {int(state.step)}")
  if run.steps_before is not None and jax.process_index() == 0:
    run_dir.write_config(run.config, run.workdir)
  run.checkpoints.save(state, run.batches.get_state(), scalars)


def _count_skipped(run: Prepared) -> dict[str, float]:
  """Counts the photos that have been passed over, where that is asked for."""
  if not run.config.data.skip_unreadable:
    return {}
  return {"unreadable_images": float(len(_list_skipped(run)))}


def _list_skipped(run: Prepared) -> list[str]:
  # Copies, made at once: readers may add to the sets meanwhile.
  skipped = [
    tuple(getattr(part, "skipped", ())) for part in parts_of(run.source)
  ]
  return [name for names in skipped for name in names]


def _note_skipped(run: Prepared) -> None:
  """Says at the end which photos others have stood in for."""
  if skipped := _list_skipped(run):
    note(
      f"note: photos that cannot be read, and were passed over: {len(skipped)},"
      f" first {min(skipped)}"
    )


@contextlib.contextmanager
def _naming_what_is_kept(
  checkpoints: checkpoint.Checkpoints,
) -> Iterator[None]:
  """Says of a loss that is not finite from where one can go on."""
  try:
    yield
  except FloatingPointError as error:
    step = checkpoints.latest_step
    kept = f"the checkpoint of step {step} is kept" if step else "none is kept"
    raise FloatingPointError(f"{error}; {kept}") from None


def _writer(run: Prepared) -> Any:
  """What this process writes: everything, or (not the first) nothing."""
  from clu import metric_writers

  if jax.process_index() > 0:
    return metric_writers.MultiWriter([])
  versions.note(run.workdir, run.first)
  metrics_file.forget_after(run.workdir, run.first)
  writer = writers.create_writer(run.workdir, run.config.steps)
  config = run.config.to_json_best_effort(indent=2)
  writer.write_texts(run.first, {"config": f"```json\n{config}\n```"})
  return writer


def _introduce(run: Prepared) -> None:
  if run.first:
    parallel.say(f"{run.workdir}: going on from step {run.first:,}")
  if run.steps_before:
    parallel.say(
      f"{run.workdir}: extended from {run.steps_before:,} to"
      f" {run.config.steps:,} steps; {describe_schedules(run.config)}"
    )
  generator, discriminator = (
    parameter_overview.count_parameters(params)
    for params in (run.state.generator, run.state.discriminator)
  )
  parallel.say(
    f"{run.workdir}: generator {generator:,} parameters, discriminator"
    f" {discriminator:,}; {run.config.steps:,} steps;"
    f" {len(run.source):,} images of {run.config.data.name},"
    f" {run.config.batch_size} a batch;"
    f" {jax.device_count()} x {jax.devices()[0].device_kind}; the first step"
    " takes longer: it is compiled"
  )
