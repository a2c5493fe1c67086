"""What a run needs before its first step: checked, opened, taken up."""

import contextlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from akd_jax.common import pod
from akd_jax.data import pipeline
from akd_jax.distillation.mapping import Teacher
from akd_jax.systems import system_of
from akd_jax.systems.model import Networks
from akd_jax.training import (
  checkpoint,
  hosts,
  label_sets,
  parallel,
  run_dir,
  same_run,
  starts,
  teacher_data,
  validation,
)
from akd_jax.training.hooks import Hook, HookMaker, Setting
from akd_jax.training.origins import digest_data, digest_drawing, select_kept
from akd_jax.training.state import TrainState, create_state


def check(config: ConfigDict, workdir: str) -> ConfigDict:
  """Finds what is wrong with a run before anything is trained.

  Returns:
    The config, resolved: with the attributes and the groups of exclusive ones,
    which only the data knows.

  Raises:
    UserError: a field, the data or what the directory holds is wrong.
  """
  validation.check(config)
  source, _ = _open(config)
  config = resolve(config, source)
  system_of(config).create_networks(config)
  _batches(config, source)
  _check_place(config, workdir, _origins(config, source, None))
  return config


def _check_place(
  config: ConfigDict, workdir: str, origins: Mapping[str, str]
) -> None:
  """Checks that a run goes on as what it was, or that it may begin there."""
  if run_dir.holds_run(workdir):
    same_run.check_same_run(config, workdir, origins)
  else:
    validation.check_new(config)


def resolve(config: ConfigDict, source: Any) -> ConfigDict:
  """Adds what only the data knows: attributes, groups of exclusive ones."""
  config = ConfigDict(config.to_dict())
  config.data.attributes = tuple(source.attributes)
  if config.data.second:
    config.data.second.attributes = tuple(source.parts[1].attributes)
  config.data.exclusive = tuple(map(tuple, source.exclusive))
  return config


class Prepared(NamedTuple):
  """A run that is ready to be trained.

  Attributes:
    config: resolved.
    workdir: its directory.
    source: of the training split.
    networks: those of the state.
    teacher: what it learns from; None without distillation.
    state: on the host; as it was saved, or new.
    batches: they go on where the state does.
    checkpoints: where it is saved.
    hooks: what is done beside training.
    steps_before: how many it was to have, where it is extended.
  """

  config: ConfigDict
  workdir: str
  source: Any
  networks: Networks
  teacher: Teacher | None
  state: TrainState
  batches: Any
  checkpoints: checkpoint.Checkpoints
  hooks: list[Hook]
  steps_before: int | None

  @property
  def first(self) -> int:
    """How many steps are done."""
    return int(self.state.step)


def prepare(
  config: ConfigDict,
  workdir: str,
  makers: Sequence[HookMaker],
  stack: contextlib.ExitStack,
) -> Prepared:
  """Opens everything, and takes up what is saved.

  Args:
    config: the recipe.
    workdir: the run's directory; created if missing.
    makers: of what is done beside training.
    stack: until it is closed, no other command trains in the directory, and
      checkpoints can be saved.

  Raises:
    UserError: the config, the data or the teacher is wrong.
  """
  source, validation_source = _open(config)
  config = resolve(config, source)
  networks = system_of(config).create_networks(config)
  teacher = starts.load_teacher(config, not run_dir.has_checkpoint(workdir))
  batches = _batches(config, source)
  state = create_state(config, networks, teacher)
  origins = _origins(config, source, teacher)
  hosts.check_origins({"labels": pipeline.digest_labels(source)} | origins)
  _check_place(config, workdir, origins)
  if teacher is not None and jax.process_index() == 0:
    teacher_data.remark(config, origins)
  # Not before: what is refused leaves no trace.
  stack.enter_context(run_dir.lock_run(workdir))
  pathlib.Path(workdir).mkdir(parents=True, exist_ok=True)
  steps_before = _steps_before(config, workdir)
  # An extension is noted with its first checkpoint: until then it is none.
  if steps_before is None and jax.process_index() == 0:
    run_dir.write_config(config, workdir)
  checkpoints = checkpoint.Checkpoints(workdir, config, select_kept(origins))
  stack.callback(checkpoints.close)
  if checkpoints.latest_step is not None:
    state, place = checkpoints.restore(state)
    batches.set_state(place)
  elif teacher is not None:
    state = starts.start_from(state, teacher, config)
  setting = Setting(
    config, workdir, validation_source, teacher,
    state.model_to_use(networks), int(state.step),
  )  # fmt: skip
  if config.data.second:
    makers = (*map(label_sets.of_each_set, makers), label_sets.make_file_hook)
  # One may train the attribute classifier: for nothing, of a finished run.
  if setting.step >= config.steps:
    makers = ()
    if config.data.second:
      label_sets.write_missing(setting)
  hooks = [hook for make in makers if (hook := make(setting)) is not None]
  # Here nobody is lost for waiting hours, as in a step.
  pod.gather("has its hooks")
  return Prepared(
    config, workdir, source, networks, teacher, state, batches, checkpoints,
    hooks, steps_before,
  )  # fmt: skip


def _steps_before(config: ConfigDict, workdir: str) -> int | None:
  """Returns the former number of steps, if a run is extended; else None."""
  if not run_dir.holds_run(workdir):
    return None
  steps: int = run_dir.read_config(workdir).steps
  return steps if steps < config.steps else None


def _open(config: ConfigDict) -> tuple[Any, Any]:
  """Opens the training and the validation split.

  All splits are looked at, so that what is wrong with any is said now, and not
  hours later.
  """
  sources = [
    pipeline.open_source(config.data, split) for split in pipeline.SPLITS
  ]
  for source in sources:
    if jax.process_index() == 0:
      pipeline.remark(source)
    pipeline.check_readable(source, config.data.threads)
  return sources[0], sources[1]


def _origins(
  config: ConfigDict, source: Any, teacher: Teacher | None
) -> dict[str, str]:
  """Returns digests of what a run learns from, by name."""
  origins = digest_data(source, config.data.threads) | digest_drawing(source)
  if teacher is not None:
    origins["teacher"] = run_dir.digest_model(teacher.model)
  return origins


def _batches(config: ConfigDict, source: Any) -> Any:
  return pipeline.make_batches(
    source,
    batch_size=parallel.check_batch_size(config.batch_size),
    micro_batches=system_of(config).micro_batches(config),
    seed=config.seed,
    threads=config.data.threads,
    share=(jax.process_index(), jax.process_count()),
    curriculum=pipeline.open_curriculum(config, source),
  )
