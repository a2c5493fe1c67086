"""The training loop."""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from clu import metric_writers, parameter_overview, periodic_actions
from ml_collections import ConfigDict

from akd_jax import (
  checkpoint,
  cli,
  curves,
  parallel,
  pictures,
  runs,
  samples,
  steps,
  teaching,
  validation,
  writers,
)
from akd_jax.data import pipeline
from akd_jax.distillation import Teacher
from akd_jax.errors import UserError, nearest
from akd_jax.interruption import Interruption
from akd_jax.state import Networks, TrainState, create_networks, create_state
from akd_jax.window import Window


def train_with_teacher(config: ConfigDict, workdir: str) -> None:
  """Trains, after the teacher where one is asked for and not there yet."""
  validation.check(config)
  if config.teacher and pathlib.Path(config.teacher) == pathlib.Path(workdir):
    raise UserError(
      f"--workdir={workdir} is config.teacher too: give the student another"
    )
  if validation.distils(config) and runs.is_file(config.teacher):
    runs.load_run(config.teacher)  # Is it there?
  if validation.distils(config) and not teaching.is_finished(config.teacher):
    source, _ = _open(config)
    config = resolve(config, source)
    recipe = teaching.teacher_recipe(config)
    # What is wrong with the student is said before hours on its teacher.
    teaching.check_fit(config, recipe)
    create_networks(config)
    _batches(config, source)
    runs.check_same_run(config, workdir)
    _say(f"{config.teacher} holds no finished teacher: training it first")
    train(recipe, config.teacher)
  train(config, workdir)


def train(config: ConfigDict, workdir: str) -> TrainState:
  """Trains one run to its end, from wherever it stands.

  Args:
    config: the recipe.
    workdir: the run's directory; created if missing.

  Returns:
    The final state, replicated.

  Raises:
    UserError: the config, the data or the teacher is wrong.
    Stopped: asked to stop; everything is saved.
    FloatingPointError: a loss term was not finite.
  """
  validation.check(config)
  source, validation_source = _open(config)
  people = samples.sitters(validation_source)
  config = resolve(config, source)
  networks = create_networks(config)
  teacher, distillation = teaching.load_teacher(config)
  batches = _batches(config, source)
  state = _initial_state(config, networks, teacher)

  pathlib.Path(workdir, "samples").mkdir(parents=True, exist_ok=True)
  runs.check_same_run(config, workdir)
  if jax.process_index() == 0:
    runs.write_config(config, workdir)
  checkpoints = checkpoint.Checkpoints(workdir, config)
  if checkpoints.latest_step is not None:
    state, place = checkpoints.restore(state)
    batches.set_state(place)
  first = int(state.step)
  if first >= config.steps:
    checkpoints.close()
    _say(f"{workdir} is finished ({first:,} steps)")
    return parallel.replicate(state)
  if first:
    _say(f"{workdir}: going on from step {first:,}")
  _introduce(config, workdir, state, source)

  step_fn = parallel.pmap_step(
    functools.partial(
      steps.train_step,
      networks=networks,
      distillation=distillation,
      config=config,
    )
  )
  state, teacher = parallel.replicate((state, teacher))
  writer = _writer(config, workdir, first)
  progress = periodic_actions.ReportProgress(
    num_train_steps=config.steps,
    writer=writer,
    every_steps=config.log_every,
    every_secs=None,
  )
  since_log, since_save = Window(), Window()

  def save() -> None:
    if jax.device_count() > 1 and not parallel.in_sync(state):
      raise RuntimeError(f"replicas differ after step {int(state.step)}")
    checkpoints.save(state, batches.get_state(), since_save.take())

  with (
    contextlib.closing(checkpoints),
    _naming_what_is_kept(checkpoints),
    Interruption() as interruption,
  ):
    for step in range(first + 1, config.steps + 1):
      batch = parallel.shard(next(batches))
      state, metrics = step_fn(state, teacher, batch)
      if step == first + 1:
        _check_best_metric(config, metrics)
      since_log.add(step, metrics)
      since_save.add(step, metrics)
      last = step == config.steps
      draws = step % config.sample_every == 0 or last
      # A picture comes after the look whether all is finite.
      logs = step % config.log_every == 0 or draws
      if logs:
        jax.block_until_ready(state)
      # Immediately, or on a pod with the next line of metrics.
      stop = interruption.requested(all_ask=logs)
      if logs or stop:
        scalars = since_log.take()
        progress(step)
        if config.data.skip_unreadable:
          scalars["unreadable_images"] = float(
            len(getattr(source, "skipped", ()))
          )
        writer.write_scalars(step, scalars)
        writer.flush()
      else:
        progress(step)
      if draws:
        _draw_samples(
          workdir,
          step,
          people,
          writer,
          networks=networks,
          state=state,
          teacher=teacher,
          distillation=distillation,
          options=config.attention,
        )
      # Last: the line and the picture of this step will not be made again.
      if step % config.checkpoint_every == 0 or last or stop:
        save()
      if stop and not last:
        raise cli.Stopped(
          f"stopped and saved at step {step:,}/{config.steps:,}: the same"
          " command goes on from here"
        )
  writer.flush()
  if jax.process_index() == 0:
    curves.draw(
      {pathlib.Path(workdir).name: pathlib.Path(workdir, "metrics.jsonl")},
      pathlib.Path(workdir, "curves.png"),
    )
  if stop:
    raise cli.Stopped(f"stopped; {workdir} is finished ({step:,} steps)")
  return state


def resolve(config: ConfigDict, source: Any) -> ConfigDict:
  """The config with what only the data knows: attributes, exclusive groups."""
  config = ConfigDict(config.to_dict())
  config.data.attributes = tuple(source.attributes)
  config.data.exclusive = tuple(map(tuple, source.exclusive))
  return config


def _open(config: ConfigDict) -> tuple[Any, Any]:
  """The training and the validation split.

  All splits are looked at, so that what is wrong with any is said now, and not
  hours later.
  """
  sources = [
    pipeline.open_source(config.data, split) for split in pipeline.SPLITS
  ]
  for source in sources:
    pipeline.check_readable(source, config.data.threads)
  return sources[0], sources[1]


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


def _batches(config: ConfigDict, source: Any) -> Any:
  return pipeline.training_batches(
    source,
    batch_size=parallel.check_batch_size(config.batch_size),
    n_critic=config.n_critic,
    seed=config.seed,
    threads=config.data.threads,
    process_index=jax.process_index(),
    process_count=jax.process_count(),
  )


def _check_best_metric(config: ConfigDict, metrics: dict[str, Any]) -> None:
  name = config.best_metric
  if name and name not in metrics:
    raise UserError(
      f"config.best_metric={name!r} is no metric of training"
      f"{nearest(name, metrics)}"
    )


def _initial_state(
  config: ConfigDict, networks: Networks, teacher: Teacher | None
) -> TrainState:
  """A fresh state, or one that starts from the teacher's weights."""
  state = create_state(config, networks)
  if teacher is None or config.init == "scratch":
    return state
  copy = functools.partial(jax.tree.map, lambda x: np.array(x))
  return dataclasses.replace(
    state,
    generator=copy(teacher.generator),
    discriminator=(
      copy(teacher.discriminator)
      if jax.tree.map(np.shape, state.discriminator)
      == jax.tree.map(np.shape, teacher.discriminator)
      else state.discriminator
    ),
    ema=None if state.ema is None else copy(teacher.generator),
  )


def _writer(config: ConfigDict, workdir: str, first: int) -> Any:
  """What this process writes: everything, or (not the first) nothing."""
  if jax.process_index() > 0:
    return metric_writers.MultiWriter([])
  writers.forget_after(workdir, first)
  return writers.create_writer(workdir, config.steps)


def _introduce(
  config: ConfigDict, workdir: str, state: TrainState, source: Any
) -> None:
  counts = (
    parameter_overview.count_parameters(params)
    for params in (state.generator, state.discriminator)
  )
  _say(
    f"{workdir}: generator {next(counts):,} parameters, discriminator"
    f" {next(counts):,}; {len(source):,} images of {config.data.name};"
    f" {jax.device_count()} x {jax.devices()[0].device_kind}; the first step"
    " takes longer: it is compiled"
  )


def _draw_samples(
  workdir: str, step: int, people: samples.Sitters, writer: Any, **trained: Any
) -> None:
  """Writes samples/step_N.png: translations and attention, teacher above."""
  if jax.process_index() > 0:
    return
  title = f"{pathlib.Path(workdir).name}, step {step:,}"
  sheet = samples.sheet(title, people, **trained)
  pictures.save_png(pathlib.Path(workdir, f"samples/step_{step:06}.png"), sheet)
  writer.write_images(step, {"samples": sheet[None]})


def _say(message: str) -> None:
  if jax.process_index() == 0:
    print(message, flush=True)
