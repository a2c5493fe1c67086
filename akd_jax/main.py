r"""Trains what a recipe describes.

  python -m akd_jax.main --config=configs/student.py[:ARG] [--workdir=DIR] \
      [--config.FIELD=VALUE ...]

Recipes are configs/teacher.py (StarGAN), acgan.py, attgan.py, relgan.py,
stgan.py and stargan2.py (other systems), both.py (two label sets), student.py,
attention.py (a student that learns nothing but attention from its teacher),
pseudo.py (one of other attributes than its teacher's), SYSTEM_student.py (a
half of an acgan, attgan, relgan or stgan) and classifier.py (the attribute
classifier, by which accuracy is measured). ARG names the data and the scale:
avatars (the default; on a laptop minutes, for a teacher an hour or more),
photos (your own, an hour on a laptop), celeba and rafd (the papers' sizes) or
debug (a minute). FIELD is any field of the recipe: docs/usage.md says where
each is explained.

A student whose teacher is not finished trains that first. A run that was
stopped goes on when the same command is given again.
"""

import importlib.util
import os
import pathlib
import re
import sys
from typing import TYPE_CHECKING

from absl import flags
from ml_collections import config_flags

from akd_jax.common import cli, overrides, paths, pod
from akd_jax.common.errors import UserError

if TYPE_CHECKING:
  from ml_collections import ConfigDict


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  config_flags.DEFINE_config_file(
    "config", None, "The recipe: FILE[:ARG].", lock_config=True
  )
  paths.define(
    "workdir",
    None,
    "The run's directory; runs/RECIPE if not set, of :photos and :debug"
    " runs/ARG/RECIPE.",
  )
  flags.DEFINE_bool(
    "distributed",
    False,
    "Join the other processes of a pod, each of which is given this command. On"
    " TPU pods and under Slurm they find each other; elsewhere --coordinator,"
    " --process_count and --process_index say how.",
  )
  flags.DEFINE_string(
    "coordinator", None, "HOST:PORT at which process 0 can be reached."
  )
  flags.DEFINE_integer("process_count", None, "How many processes there are.")
  flags.DEFINE_integer(
    "process_index", None, "Which of them this one is, counted from 0."
  )
  flags.mark_flag_as_required("config")


def main(argv: list[str]) -> None:
  """Joins the pod if there is one, and trains."""
  cli.refuse_arguments(argv)
  from akd_jax.common import cache as compilation

  args = flags.FLAGS
  config = args.config
  if args.distributed and "generator" not in config:
    raise UserError(
      "--distributed: an attribute classifier is trained by one process alone"
    )
  for name in ("coordinator", "process_count", "process_index"):
    if args[name].value is not None and not args.distributed:
      raise UserError(f"--{name} says how --distributed goes: give both")
  if args.distributed:
    pod.join(
      args.coordinator, args.process_count, args.process_index, args.debug
    )
  compilation.use_persistent_cache()
  recipe = config_flags.get_config_filename(args["config"])
  workdir = args.workdir or paths.default_workdir(recipe)
  paths.check_run(workdir, f"--workdir={workdir}")
  if "generator" in config:
    _check_lessons(config)
    from akd_jax.training import validation

    # What is wrong is said before TensorFlow is loaded.
    validation.check(config)
    from akd_jax.experiments.single_run import train_with_teacher

    train_with_teacher(config, workdir)
  else:
    from akd_jax.experiments.single_run import train_and_report

    train_and_report(config, workdir)


def _check_lessons(config: "ConfigDict") -> None:
  """Refuses a weight that is asked for where nobody teaches."""
  for field, value in overrides.read_given().items():
    asked = re.fullmatch(r"distill\.\w+\.weight", field) and value
    if asked and not config.get("teacher"):
      raise UserError(f"--config.{field}={value} needs config.teacher")


def _find_recipe(argument: str) -> str:
  """Returns --config=configs/X.py with the path of the installed recipe.

  A recipe that is there stays, but for a ~ in front, and so does any other
  argument.
  """
  name, _, value = argument.partition("=")
  if name == "--config" and value:
    value = paths.expand(value)
    argument = f"--config={value}"
  recipe = pathlib.Path(value.split(":")[0])
  # Unlike recipe.exists, which raises where a folder is closed.
  if name != "--config" or os.path.exists(recipe):
    return argument
  # Not beside this file where the checkout is installed as it is (pip -e).
  installed = importlib.util.find_spec("akd_jax.configs")
  for folder in (installed and installed.submodule_search_locations) or ():
    root = pathlib.Path(folder)
    if recipe.parts[:1] == ("configs",) and (
      os.path.isfile(root.joinpath(*recipe.parts[1:]))
    ):
      return f"--config={root.joinpath(*pathlib.Path(value).parts[1:])}"
  return argument


if __name__ == "__main__":
  sys.argv = cli.join_value(sys.argv, "--config")
  sys.argv[1:] = map(_find_recipe, sys.argv[1:])
  define_flags()
  cli.run(main)
