"""Nonsense as fields of the config: refused in one line, or a run that starts.

Each trial is a command line, with one or two fields of a recipe, or a section,
set to something: wrong types, zeros, negative and huge numbers, NaN, nothing,
strings, tuples, mappings, and values that are right. In this process, which is
quick, it is parsed, checked, its data opened (avatars of one pixel), and its
networks built by shape alone. One in 150 is a process of its own, too.
"""

import collections
import contextlib
import importlib
import io
import os
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from unittest import mock

from soak_progress import Progress

ROOT = pathlib.Path(__file__).parents[1]
RECIPES = ("teacher", "student", "attention", "pseudo", "classifier")
SCALES = ("debug", "avatars")
# Commands that are given fields without a recipe: a student's.
OTHERS = ("evaluate", "experiment")
# Seconds in which a wrong field is refused.
PATIENCE = 2.0
PROCESS_EVERY = 150
# What a process that goes on says first.
_STARTS = ("takes longer", "no finished teacher", "classifier:", "drawing")

NONSENSE = (
  "", " ", "0", "-1", "1", "2", "3", "7", "64", "-0.0", "0.5", "1.0", "1.5",
  "-1e-9", "1e-9", "1e3", "1e9", "1e38", "1e300", "1e309", "nan", "inf",
  "-inf", "NaN", "2147483647", "2147483648", "4294967296",
  "9223372036854775808", "1" + "0" * 40, "0x10", "1_000", "None", "True",
  "False", "true", "yes", "abc", "'", '"', "''", '"a"', "()", "(1,2)",
  "('a',)", "('Smiling','Smiling')", "('Smiling',)", "Smiling", "(None,)",
  "((),)", "[]", "[1]", "{}", "{'a': 1}", "{1: 2}", "{'Smiling': 0.5}",
  "{'Smiling': 2}", "{'Smiling': 'x'}", "{'Bald': {'Male': 0.5}}",
  "{'Bald': {'Male': nan}}", "{'train': 0}", "{'train': 8}", "{'tests': 8}",
  "{'threads': -1}", "{'seed': 3}", "{", "lambda: 0", "__import__('os')",
  "a.b", "a/b", "../x", "no/such.npz", "no/such/place", "x" * 300,
  "y/" * 3000, "~nosuchuser/x", "é", "笑", "🙂", "\\", "%s", "$HOME", "\n",
  "a\tb", ",", "=", "--", "stargan", "last", "0,1", "1 2",
)  # fmt: skip


def _fields(config, start=""):
  """Every field and section of a config, by its dotted name."""
  from ml_collections import ConfigDict

  for name, value in config.items():
    yield start + name
    if isinstance(value, ConfigDict):
      yield from _fields(value, f"{start}{name}.")


def _value(rng, field):
  """Something for a field: nonsense, the ends of its range, or a choice."""
  from akd_jax.common.ranges import RANGES

  may_be = RANGES.get(field)
  ends = re.findall(r"-?[\d.]+", may_be.text) if may_be else ()
  kind = rng.random()
  if kind < 0.15:
    return str(rng.randint(-4, 40))
  if kind < 0.25:
    return f"{rng.uniform(-1, 2):.3g}"
  if kind < 0.6 and may_be and may_be.choices:
    return rng.choice(may_be.choices)
  if kind < 0.5 and len(ends) == 2:
    end = rng.choice(ends)
    return str(int(end) + rng.choice((-1, 0, 1))) if end.isdigit() else end
  return rng.choice(NONSENSE)


def draw(rng):
  """Returns a trial: the command, its recipe, and overrides."""
  command = rng.choice(OTHERS) if rng.random() < 0.1 else "main"
  recipe, scale = rng.choice(RECIPES), rng.choice(SCALES)
  if command != "main":
    recipe, scale = "student", "debug"
  module = importlib.import_module(f"akd_jax.configs.{recipe}")
  fields = sorted(_fields(module.get_config(scale)))
  overrides = []
  for _ in range(1 + (rng.random() < 0.2)):
    field = rng.choice(fields)
    value = _value(rng, field)
    if rng.random() < 0.02:
      field = field[:-1] + rng.choice("xyz._")
    overrides.append(f"--config.{field}={value}")
  return command, f"{recipe}.py:{scale}", overrides


class Tried(Exception):
  """Everything that a run needs before its first step is there."""


def _labels_alone(folder, description, draw):
  """Stands for the drawing of avatars: their labels, and a pixel of each."""
  import numpy as np

  del folder, description
  labels = draw(None)
  images = np.zeros((len(labels), 1, 1, 3), np.uint8)
  images = images.view(_Pixels)
  images.filename = ""
  return labels, images


def _draw_nothing(add, description, sampler, seed):
  import numpy as np

  from akd_jax.data.avatars import source

  del add
  count = min(description["count"], 64)
  numbers = np.stack([source._numbers(seed, i) for i in range(count)])
  return sampler(numbers[:, : len(source.SHARES)])


def _stand_in_for_training(config, workdir, hooks):
  """Does what `loop.train` does before its first step, by shape alone."""
  from akd_jax.training import optimizers, preparation
  from akd_jax.training.shapes import network_shapes

  del hooks
  config = preparation.check(config, workdir)
  network_shapes(config)
  optimizers.learning_rate(0, config)
  raise Tried


def _stand_in_for_the_classifier(config, workdir):
  from akd_jax.data.pipeline import open_source
  from akd_jax.evaluation.attribute_classifier import create_network

  del workdir
  open_source(config.data, "train")
  create_network(config)
  raise Tried


def attempt(command, recipe, overrides):
  """Returns "refused", "cannot be written", "starts" or what went wrong."""
  from absl import flags
  from ml_collections import config_flags

  from akd_jax.common import cli
  from akd_jax.common.errors import UserError, WriteError
  from akd_jax.common.overrides import rename_arguments
  from akd_jax.configs import student

  argv = [command, *_options(command, recipe), *overrides]
  found = flags.FlagValues()
  try:
    with mock.patch.object(flags, "FLAGS", found), mock.patch("sys.argv", argv):
      argv[1:] = rename_arguments(argv[1:])

      def define():
        for name in ("workdir", "name"):
          flags.DEFINE_string(name, None, "", flag_values=found)
        if command == "main":
          config_flags.DEFINE_config_file(
            "config", None, lock_config=True, flag_values=found
          )
        else:
          config_flags.DEFINE_config_dict(
            "config", student.get_config("debug"), lock_config=True,
            flag_values=found,
          )  # fmt: skip

      cli._parse_flags(argv, define)
    given = config_flags.get_override_values(found["config"])
    if command == "main":
      _start(found["config"].value)
    elif command == "evaluate":
      _evaluate(given)
    else:
      _repeat(given)
  except Tried:
    return "starts"
  except (UserError, WriteError) as error:
    text = str(error)
    if not text.strip() or "\n" in text or "Error" in text.split(":")[0]:
      return f"says {text!r}"
    kind = isinstance(error, UserError)
    return "refused" if kind else "cannot be written"
  except Exception as error:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
  return "neither starts nor is refused"


def _start(config):
  from akd_jax.experiments import single_run
  from akd_jax.training import loop, validation

  with (
    mock.patch.object(loop, "train", _stand_in_for_training),
    mock.patch.object(
      single_run, "train_and_report", _stand_in_for_the_classifier
    ),
  ):
    if "generator" in config:
      validation.check(config)
      single_run.train_with_teacher(config, "run")
    else:
      single_run.train_and_report(config, "run")


def _evaluate(given):
  from akd_jax.evaluation import evaluator
  from akd_jax.training.run_dir import load_run

  evaluator.with_fields(load_run("pretrained:avatars"), given)
  raise Tried


def _repeat(given):
  from akd_jax import experiment
  from akd_jax.experiments import plan

  found = experiment._find("paper1_table1:debug", given)
  root = pathlib.Path("runs")
  plan.check(plan.plan_replicate(found.variants, 0, root))
  raise Tried


def _options(command, recipe):
  if command == "main":
    return [f"--config={ROOT}/configs/{recipe}", "--workdir=run"]
  if command == "evaluate":
    return ["--workdir=run"]
  return ["--name=paper1_table1:debug"]


def process(command, recipe, overrides, folder):
  """The same as a process of its own: what became of it, its CPU seconds."""
  argv = [
    sys.executable, "-u", "-m", f"akd_jax.{command}",
    *_options(command, recipe), *overrides,
  ]  # fmt: skip
  before = _children_seconds()
  with subprocess.Popen(
    argv, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
  ) as child:  # fmt: skip
    lines = []
    for line in child.stdout:
      lines.append(line)
      if any(text in line for text in _STARTS):
        child.kill()
        return "starts", 0.0
    child.wait()
  seconds = _children_seconds() - before
  if child.returncode == 2 and len(lines) == 1 and lines[0][:7] == "error: ":
    return "refused", seconds
  if child.returncode == 74 and len(lines) == 1:
    return "cannot be written", seconds
  return f"status {child.returncode}: {''.join(lines)[-500:]}", seconds


def _children_seconds():
  """Of the CPU, so that a busy machine does not count."""
  usage = resource.getrusage(resource.RUSAGE_CHILDREN)
  return usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def _somewhere():
  """An empty folder to be in, and pictures that need not be drawn."""
  from akd_jax.data.avatars import cache, source

  before = os.getcwd()
  with (
    tempfile.TemporaryDirectory() as folder,
    mock.patch.object(cache, "open_or_draw", _labels_alone),
    mock.patch.object(source, "_draw_all", _draw_nothing),
  ):
    os.chdir(folder)
    try:
      yield folder
    finally:
      os.chdir(before)


def soak(options):
  """Tries until there are as many trials as asked for; returns the counts."""
  import numpy as np
  from absl import flags

  # Loaded once: seconds that are not a trial's.
  import akd_jax.training.loop  # noqa: F401

  # grain asks for them.
  flags.FLAGS.mark_as_parsed()
  global _Pixels
  _Pixels = type("_Pixels", (np.ndarray,), {})
  os.environ.setdefault("JAX_PLATFORMS", "cpu")
  progress = Progress(
    options,
    {"done": 0, "outcomes": {}, "lost": [], "processes": {}, "slowest": 0.0,
     "slowest process": 0.0, "fields": []},
  )  # fmt: skip
  state = progress.state
  outcomes = collections.Counter(state["outcomes"])
  processes = collections.Counter(state["processes"])
  fields = set(state["fields"])
  while state["done"] < options.count:
    if state["done"] % 100 == 0:
      progress.goes_on(state["done"])
    rng = random.Random(f"{options.seed} {state['done']}")
    command, recipe, overrides = draw(rng)
    quiet = io.StringIO()
    with (
      _somewhere(),
      contextlib.redirect_stderr(quiet),
      contextlib.redirect_stdout(quiet),
    ):
      began = time.process_time()
      outcome = attempt(command, recipe, overrides)
      seconds = time.process_time() - began
    where = f"{command} {recipe} {' '.join(overrides)[:300]}"
    if outcome not in ("refused", "starts", "cannot be written"):
      state["lost"].append(f"{where}: {outcome}")
      outcome = "wrong"
    elif outcome == "refused":
      state["slowest"] = max(state["slowest"], round(seconds, 2))
      if seconds > PATIENCE:
        state["lost"].append(f"{where}: refused after {seconds:.1f} s")
    outcomes[outcome] += 1
    fields |= {x.partition("=")[0] for x in overrides}
    # There is no run to evaluate in a folder that is empty.
    if state["done"] % PROCESS_EVERY == 0 and command == "main":
      with tempfile.TemporaryDirectory() as folder:
        alone, seconds = process(command, recipe, overrides, folder)
      processes[alone if len(alone) < 20 else "wrong"] += 1
      if alone != outcome:
        state["lost"].append(f"{where}: {outcome}, as a process {alone}")
      if alone == "refused":
        slowest = max(state["slowest process"], round(seconds, 2))
        state["slowest process"] = slowest
        if seconds > PATIENCE:
          state["lost"].append(f"{where}: a process took {seconds:.1f} s")
    state["done"] += 1
    state |= {
      "outcomes": outcomes, "processes": processes, "fields": sorted(fields)
    }  # fmt: skip
    if state["done"] % 50 == 0:
      progress.save()
  progress.save()
  return state | {"fields": len(fields)}
