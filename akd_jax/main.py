r"""Trains what a config describes.

  python -m akd_jax.main --config=configs/student.py[:ARG] [--workdir=DIR] \
      [--config.FIELD=VALUE ...]

ARG is a data set and its scale: avatars (default), celeba, rafd or debug. A
student without a finished teacher trains that first. The same command takes
up a run that was stopped. configs/classifier.py trains the judge of accuracy.
"""

import importlib.util
import pathlib
import sys

from absl import flags
from ml_collections import config_flags

from akd_jax.common import cli

_CONFIG = config_flags.DEFINE_config_file(
  "config", None, "The recipe, as FILE[:ARG].", lock_config=True
)
_WORKDIR = flags.DEFINE_string(
  "workdir", None, "The run's directory; runs/<config name> by default."
)
_DISTRIBUTED = flags.DEFINE_bool(
  "distributed", False, "Join a pod: one process a host, the same command."
)
_COORDINATOR = flags.DEFINE_string(
  "coordinator", None, "host:port of process 0, where it is not found alone."
)
_PROCESS_COUNT = flags.DEFINE_integer("process_count", None, "With it.")
_PROCESS_INDEX = flags.DEFINE_integer("process_index", None, "With it.")
flags.mark_flag_as_required("config")


def main(argv: list[str]) -> None:
  """Joins the pod if there is one, and trains."""
  cli.no_arguments(argv)
  import jax

  from akd_jax.common import cache as compilation

  if _DISTRIBUTED.value:
    jax.distributed.initialize(
      _COORDINATOR.value, _PROCESS_COUNT.value, _PROCESS_INDEX.value
    )
  compilation.use_persistent_cache()
  filename = config_flags.get_config_filename(flags.FLAGS["config"])
  name = pathlib.Path(filename.split(":")[0]).stem
  config, workdir = _CONFIG.value, _WORKDIR.value or f"runs/{name}"
  if "generator" in config:
    from akd_jax.experiments.run import train_with_teacher

    train_with_teacher(config, workdir)
  else:
    from akd_jax.evaluation import classifier_cache

    classifier_cache.train_and_report(config, workdir)


def _installed(argument: str) -> str:
  """Points --config=configs/X.py at the installed recipes from elsewhere."""
  name, _, value = argument.partition("=")
  recipe = pathlib.Path(value.split(":")[0])
  if name != "--config" or recipe.exists():
    return argument
  # Not beside this file where the checkout is installed as it is (pip -e).
  installed = importlib.util.find_spec("akd_jax.configs")
  for folder in (installed and installed.submodule_search_locations) or ():
    root = pathlib.Path(folder)
    if recipe.parts[:1] == ("configs",) and (
      root.joinpath(*recipe.parts[1:]).is_file()
    ):
      return f"--config={root.joinpath(*pathlib.Path(value).parts[1:])}"
  return argument


if __name__ == "__main__":
  sys.argv = cli.joined(sys.argv, "--config")
  sys.argv[1:] = map(_installed, sys.argv[1:])
  cli.run(main)
