"""What `import akd_jax` offers: `load` a trained network, `train` another."""

import functools
import os
from typing import TYPE_CHECKING

from akd_jax.common import paths
from akd_jax.common.errors import UserError
from akd_jax.inference.loaded import LoadedModel
from akd_jax.inference.numpy_network import is_numpy_export, load_numpy

if TYPE_CHECKING:
  from ml_collections import ConfigDict


def load(path: str | os.PathLike, step: int | str | None = None) -> LoadedModel:
  """Loads a trained network, to translate pictures with.

  Args:
    path: a run's directory, a file that was exported with --format=run or
      --format=numpy (the latter without JAX), or pretrained:NAME for one that
      is shipped.
    step: of the checkpoint, or "best"; the last by default.

  Returns:
    The network. Pictures' own attributes are recognized by the run's attribute
    classifier if it is shipped or has been trained already, else by its
    discriminator, and by nothing in a --format=numpy file.

  Raises:
    UserError: there is no such run, file or checkpoint.
  """
  path = paths.expand(os.fspath(path))
  paths.check_run(path, f"path={path}")
  if is_numpy_export(path):
    if step is not None:
      raise UserError(f"{path} is one file, without --step={step}")
    return LoadedModel(load_numpy(path))
  # Here, since it takes a second that NumPy's file does without.
  from akd_jax.evaluation.framing import find_framing
  from akd_jax.evaluation.recognition import recognizer_of
  from akd_jax.inference.run_network import RunNetwork
  from akd_jax.training.run_dir import load_run

  run = load_run(path, step)
  framing = functools.cache(functools.partial(find_framing, run))
  return LoadedModel(RunNetwork(run), recognizer_of(run), framing)


def train(config: "ConfigDict", workdir: str | os.PathLike) -> LoadedModel:
  """Trains what a recipe describes, and returns it.

  A student's teacher is trained first, where none is finished. A run that was
  stopped goes on. A finished one is only loaded, once its data and its teacher
  are found to be those that it has learnt from.

  Args:
    config: a recipe: `akd_jax.configs.student.get_config("avatars")`, for
      instance, with fields set otherwise.
    workdir: the run's directory; created if missing.

  Returns:
    The network of the last step. Of two label sets it is the first's, and
    `load("WORKDIR/second.npz")` the other's.

  Raises:
    UserError: the config, the data or the teacher is wrong.
    WriteError: the workdir cannot be written; the last checkpoint is whole.
    Stopped: training was asked to stop (SIGTERM, Ctrl-C); all is saved.
    KeyboardInterrupt: a second Ctrl-C did not wait for that.
    FloatingPointError: a loss is not finite any more.
  """
  from ml_collections import ConfigDict

  from akd_jax.common import output, ranges
  from akd_jax.common.config import check_complete

  workdir = paths.expand(os.fspath(workdir))
  paths.check_run(workdir, f"workdir={workdir}")
  if not workdir:
    raise UserError("workdir is an empty name: name the run's directory")
  check_complete(config, "config")
  output.quiet_libraries()
  from akd_jax.experiments.single_run import train_with_teacher

  # A copy without references, and not frozen.
  config = ConfigDict(config.to_dict())
  paths.expand_fields(config, ranges.is_expanded)
  train_with_teacher(config, workdir)
  return load(f"{workdir}/first.npz" if config.data.second else workdir)
