"""A run's directory, and what can be read back from it.

config.json  versions.json  checkpoints/  metrics.jsonl  samples/*.png
evaluation.json
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common import files, pod
from akd_jax.common.array_digest import digest_arrays
from akd_jax.common.config import read
from akd_jax.common.errors import UserError, reason_of
from akd_jax.common.files import write_whole
from akd_jax.systems import system_of
from akd_jax.systems.model import Model, generator_to_use
from akd_jax.training import checkpoint, run_file
from akd_jax.training.run import Run
from akd_jax.training.shapes import check_shapes


def write_config(config: ConfigDict, workdir: str) -> None:
  """Writes the resolved config as WORKDIR/config.json."""
  with write_whole(pathlib.Path(workdir) / "config.json") as path:
    path.write_text(config.to_json_best_effort(indent=2) + "\n")


def holds_run(workdir: str) -> bool:
  """Whether a run has begun there: config.json is there, which comes first."""
  return pathlib.Path(workdir, "config.json").exists()


# Of a run, beside its folders.
_OWN = (
  "config.json",
  "versions.json",
  "metrics.jsonl",
  "evaluation.json",
  "evaluation_partial.json",
  # Of two label sets.
  "first.npz",
  "second.npz",
)


def is_own_file(path: str) -> bool:
  """Whether a path is what a run keeps in its directory."""
  folder, name = os.path.split(path)
  return name in _OWN and holds_run(folder)


def has_checkpoint(workdir: str) -> bool:
  """Whether a run has saved a checkpoint, and so is tied to its teacher."""
  return bool(checkpoint.list_steps(workdir))


def is_finished(workdir: str) -> bool:
  """Whether a run has been trained to its end; one that is a file has.

  Raises:
    UserError: it has checkpoints, and no config that can be read.
  """
  if is_file(workdir):
    return True
  saved = checkpoint.list_steps(workdir)
  if not saved or saved[-1] < read_config(workdir).steps:
    return False
  return checkpoint.is_sound(workdir, saved[-1])


def read_config(workdir: str) -> ConfigDict:
  """Reads WORKDIR/config.json.

  Raises:
    UserError: there is none, or it is no config.
  """
  path = pathlib.Path(workdir) / "config.json"
  try:
    return read(path.read_text(), str(path))
  except (FileNotFoundError, NotADirectoryError):
    if pathlib.Path(workdir).is_file():
      raise UserError(
        f"{workdir} is no run: name a run's directory, or, where --help says"
        " so, a file of export --format=run or --format=numpy"
      ) from None
    raise UserError(
      f"there is no run in {workdir or 'an empty name'}: it has no config.json"
    ) from None
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f"cannot read {path}: {reason_of(error)}") from None


@contextlib.contextmanager
def lock_run(workdir: str, wait: bool = False) -> Iterator[None]:
  """Keeps other commands from training in a directory at the same time.

  On a pod the first process holds it for all.

  Args:
    workdir: the run's directory.
    wait: whether to wait until it is free.

  Raises:
    UserError: another command trains in it; the message says which.
  """
  with contextlib.ExitStack() as stack:
    ours = True
    if jax.process_index() == 0:
      ours = stack.enter_context(files.lock_folder(workdir, wait))
    if not all(pod.gather(ours)):
      raise UserError(
        f"{workdir} is being trained by {files.read_holder(workdir)}: wait for"
        " it, or name another --workdir"
      )
    yield


def load_run(workdir: str | os.PathLike, step: int | str | None = None) -> Run:
  """Loads a run from its directory.

  Args:
    workdir: the directory, a file that `run_file.save_run` wrote (whole, or in
      the parts of `files.write_parts`), or pretrained:NAME for one of those
      that are shipped.
    step: of the checkpoint, or "best"; the last by default.

  Raises:
    UserError: there is no such run, file or checkpoint.
  """
  workdir = os.fspath(workdir)
  if is_file(workdir):
    if step is not None:
      raise UserError(f"{workdir} is one file, without --step={step}")
    return _run(*run_file.read(workdir), workdir)
  config = read_config(workdir)
  saved = checkpoint.list_steps(workdir)
  if not saved:
    raise UserError(f"{workdir} has no checkpoint yet")
  if step == "best":
    step = checkpoint.find_best_step(workdir, config.best_metric)
  elif isinstance(step, str) and step.isdecimal():
    step = int(step)
  if step is not None and step not in saved:
    raise UserError(
      f"{workdir} has no checkpoint of step {step}, only of"
      f" {', '.join(map(str, saved))}"
    )
  found = (
    checkpoint.load_newest(workdir)
    if step is None
    else checkpoint.load(workdir, int(step))
  )
  state = found.state
  statistics = state.get("statistics")
  generator = generator_to_use(state["generator"], state["ema"], statistics)
  networks = {"generator": generator, "discriminator": state["discriminator"]}
  if statistics is not None:
    networks["statistics"] = statistics
  run = _run(config, networks, found.step, workdir)
  return run._replace(origins=found.origins)


def _run(
  config: ConfigDict, networks: dict[str, Any], step: int, where: str
) -> Run:
  if config.data.second:
    raise UserError(
      f"{where} was trained on two label sets: name one of them,"
      f" {where}/first.npz or {where}/second.npz"
    )
  check_shapes(networks, config, where)
  networks = jax.tree.map(np.asarray, networks)
  return Run(
    config,
    tuple(config.data.attributes),
    tuple(map(tuple, config.data.exclusive)),
    Model(
      networks["generator"],
      networks["discriminator"],
      system_of(config).create_networks(config),
      networks.get("statistics"),
    ),
    step,
  )


def is_file(workdir: str) -> bool:
  """Whether `load_run` takes it for one file, not for a directory."""
  return run_file.is_shipped(workdir) or workdir.endswith(".npz")


def digest_model(model: Model) -> str:
  """Returns what a model is known again by: its networks' every weight."""
  return digest_arrays(
    {
      "generator": model.generator,
      "discriminator": model.discriminator,
      "statistics": model.statistics,
    }
  )
