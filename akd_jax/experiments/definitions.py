"""Where experiments are defined: in the package, or in a file of yours."""

import contextlib
import importlib.util
import os
import pathlib
import sys
from collections.abc import Iterator
from types import ModuleType

from akd_jax.common import paths
from akd_jax.common.config import check_complete
from akd_jax.common.errors import UserError, suggest
from akd_jax.common.flag_errors import line_of
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.configs.experiments.variants import Experiment

_SUFFIX = ".py"


def is_file(name: str) -> bool:
  """Whether an experiment is called by its file."""
  return name.endswith(_SUFFIX)


def define(name: str, scale: str) -> Experiment:
  """Returns an experiment at a scale.

  Args:
    name: a name in EXPERIMENTS, or a file whose `get_experiment(scale)` returns
      an `Experiment`. The file is run, as that of --config=FILE is: what it
      puts into METHODS, METRICS or another table is known from then on.
    scale: "avatars", "photos", ...

  Raises:
    UserError: there is no such experiment, not at this scale, or the file is
      wrong.
  """
  if not is_file(name) and name not in EXPERIMENTS:
    raise UserError(
      f"there is no experiment --name={name!r}{suggest(name, EXPERIMENTS)};"
      " --list shows them, and one of your own is a file, FILE.py"
    )
  if not is_file(name):
    return EXPERIMENTS[name](scale)
  module = load(name)
  if not hasattr(module, "get_experiment"):
    raise UserError(f"{name} has no function get_experiment")
  with _naming_line(name):
    found = module.get_experiment(scale)
  if not isinstance(found, Experiment) or not found.variants:
    raise UserError(
      f"{name}: get_experiment returns no Experiment with variants (see"
      " akd_jax/configs/experiments/variants.py)"
    )
  for variant, recipe in found.variants.items():
    check_complete(recipe, f"{name}: {variant!r}")
  return found


def load(path: str) -> ModuleType:
  """Runs the file of an experiment.

  Raises:
    UserError: it is not there, or fails; the message has the line.
  """
  file = locate(path)
  if not os.path.isfile(file):
    near = suggest(path, paths.list_programs(pathlib.Path(path).parent))
    raise UserError(f"--name={path}: there is no such file{near}")
  name = f"akd_jax_experiment_{file.stem}"
  spec = importlib.util.spec_from_file_location(name, file)
  assert spec and spec.loader
  module = importlib.util.module_from_spec(spec)
  # Its classes can then be pickled, as dataclasses and a cluster want.
  sys.modules[name] = module
  with _naming_line(path):
    spec.loader.exec_module(module)
  return module


def locate(path: str) -> pathlib.Path:
  """Returns where a file is, as every process finds it."""
  return pathlib.Path(paths.expand(path)).absolute()


@contextlib.contextmanager
def _naming_line(path: str) -> Iterator[None]:
  """Says of an error in which line of a file it is, if it is in that.

  Raises:
    UserError: instead of any other error.
  """
  try:
    yield
  except UserError:
    raise
  except Exception as error:  # It is a program: it may raise anything.
    line = line_of(error, str(locate(path)))
    text = " ".join(str(error).split())
    raise UserError(
      f"{path}{f':{line}' if line else ''}: {type(error).__name__}: {text}"
    ) from error
