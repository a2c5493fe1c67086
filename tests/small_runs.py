"""Small runs that tests share, and the commands as processes of their own."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common import cache, files
from akd_jax.configs import student, teacher
from akd_jax.data import pipeline
from akd_jax.experiments import single_run
from akd_jax.systems.model import Networks
from akd_jax.training import checkpoint, loop, preparation

ROOT = pathlib.Path(__file__).parents[1]
STEPS = 10
TEACHER_STEPS = 4
# What makes configs/*.py:debug smaller still; the recipe of its teacher, too.
_SMALL: dict[str, Any] = {
  "data.image_size": 16,
  "discriminator.layers": 2,
  "generator.blocks": 1,
}
_SMALL_TEACHER = _SMALL | {"steps": TEACHER_STEPS}
_SMALL_STUDENT = (
  _SMALL
  | {"steps": STEPS, "sample_every": 5, "keep": STEPS}
  | {
    f"teacher_recipe.{name}": x
    for name, x in _SMALL_TEACHER.items()
    if not name.startswith("data.")
  }
)
# These say when a step was done, not what came of it.
_CLOCKS = {"time", "uptime", "steps_per_sec"}


class Runs(NamedTuple):
  """A finished student with its teacher, trained by one command.

  Attributes:
    student: its directory.
    teacher: of its teacher.
    output: what the command printed.
  """

  student: pathlib.Path
  teacher: pathlib.Path
  output: str


def output_of(options: Sequence[str], workdir: pathlib.Path) -> str:
  """What a command printed that trained `workdir`; run by the first to ask."""
  output = workdir.with_suffix(".txt")
  with files.lock_folder(output.parent, wait=True):
    if not output.exists():
      done = run(options)
      assert done.returncode == 0, done.stderr
      output.write_text(done.stdout)
  return output.read_text()


def student_config(teacher_dir: pathlib.Path, **changes: Any) -> ConfigDict:
  """What `student_command` trains; `data__path` stands for data.path."""
  return _changed(
    student.get_config("debug"),
    _SMALL_STUDENT | {"teacher": str(teacher_dir)},
    changes,
  )


def teacher_config(**changes: Any) -> ConfigDict:
  """The recipe of the small student's teacher."""
  return _changed(teacher.get_config("debug"), _SMALL_TEACHER, changes)


def resolved(config: ConfigDict) -> ConfigDict:
  """A config with all that its data says of it."""
  return preparation.resolve(config, pipeline.open_source(config.data, "train"))


def train(config: ConfigDict, workdir: pathlib.Path) -> None:
  """Trains in this process, quickly."""
  cache.use_persistent_cache()
  with pytest.MonkeyPatch.context() as patch:
    be_quick(patch)
    loop.train(config, str(workdir))


def train_with_teacher(config: ConfigDict, workdir: str) -> None:
  """Trains in this process, quickly, after the teacher if that is missing."""
  with pytest.MonkeyPatch.context() as patch:
    be_quick(patch)
    single_run.train_with_teacher(config, workdir)


def be_quick(patch: pytest.MonkeyPatch) -> None:
  """Makes training draw no curves, and trace no step that it knows again."""
  patch.setattr(loop.curves, "draw", lambda *_: None)
  # Unless a test has put something else there.
  if (loop.make_steps, loop.train_step) == _MAKERS:
    patch.setattr(loop, "make_steps", _known_steps)


_MAKERS = loop.make_steps, loop.train_step
_steps: dict[Any, Any] = {}


def _known_steps(config: ConfigDict, networks: Networks) -> Any:
  key = config.to_json_best_effort(), networks
  if key not in _steps:
    _steps[key] = _MAKERS[0](config, networks)
  return _steps[key]


def _changed(
  config: ConfigDict, small: Mapping[str, Any], changes: Mapping[str, Any]
) -> ConfigDict:
  named = {name.replace("__", "."): value for name, value in changes.items()}
  config.update_from_flattened_dict({**small, **named})
  return config


def student_command(
  workdir: pathlib.Path, teacher_dir: pathlib.Path
) -> list[str]:
  """Options of akd_jax.main that train a student."""
  fields = _SMALL_STUDENT | {"teacher": teacher_dir}
  return [
    "--config=configs/student.py:debug",
    f"--workdir={workdir}",
    *(f"--config.{name}={value}" for name, value in fields.items()),
  ]


def start(
  options: Sequence[str],
  module: Sequence[str] = ("akd_jax.main",),
  devices: int = 1,
  interpreter: Sequence[str] = (),
) -> subprocess.Popen:
  """Starts `python -m MODULE OPTIONS` on so many virtual CPU devices."""
  return subprocess.Popen(
    [sys.executable, *interpreter, "-m", *module, *options],
    cwd=ROOT,
    env=environment(devices),
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def environment(devices: int) -> dict[str, str]:
  """The variables of a process with so many virtual CPU devices."""
  settings = {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(devices)}
  return os.environ | settings


def finish(process: subprocess.Popen) -> subprocess.CompletedProcess[str]:
  """Waits for a process, and ends it if it never does."""
  try:
    output, errors = process.communicate(timeout=900)
  finally:
    process.kill()
  return subprocess.CompletedProcess(
    process.args, process.returncode, output, errors
  )


def run(*args: Any, **kwargs: Any) -> subprocess.CompletedProcess[str]:
  """`start` and `finish`."""
  return finish(start(*args, **kwargs))


def struck(signal: str, moment: str) -> list[str]:
  """akd_jax.main in a process that sends itself a signal; see struck.py."""
  return ["tests.struck", signal, moment]


def metrics(workdir: pathlib.Path) -> list[dict[str, float]]:
  """The lines of metrics.jsonl without the clock's."""
  lines = (workdir / "metrics.jsonl").read_text().splitlines()
  return [
    {name: x for name, x in json.loads(line).items() if name not in _CLOCKS}
    for line in lines
  ]


def state(workdir: pathlib.Path, step: int | None = None) -> dict[str, Any]:
  """The training state in a checkpoint; the last by default."""
  step = checkpoint.list_steps(str(workdir))[-1] if step is None else step
  return checkpoint.load(str(workdir), step).state


# Several devices add up the same gradients in another order, which changes
# the last of float32's 24 bits. Training amplifies that as it does any change:
# from a start with weights off by 1e-7 the losses of one device depart just as
# fast, and differ in the second digit at step 10. So early steps are compared.
_EARLY = 4
# Where a gradient is nothing but rounding (a label's plane is constant, which
# the InstanceNorm that follows takes out), Adam divides it by its own size.
_STRAYS = 0.01


def assert_same_training(first: pathlib.Path, second: pathlib.Path) -> None:
  """Two runs agree to rounding for as long as that stays small."""
  rows = zip(metrics(first)[:_EARLY], metrics(second)[:_EARLY], strict=True)
  for ours, theirs in rows:
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-7)
  states = [state(run, _EARLY) for run in (first, second)]
  for network, strays in (("discriminator", 0.0), ("generator", _STRAYS)):
    ours, theirs = (_flat(state[network]) for state in states)
    difference = np.abs(ours - theirs)
    assert np.mean(difference > 1e-5) <= strays
    # A stray went the other way in each update: Adam's steps are as long as
    # the rate, and a little longer in the first few.
    rate = json.loads((first / "config.json").read_text())["optimizer"]
    assert difference.max() <= 2.1 * _EARLY * rate["learning_rate"]


def _flat(tree: Any) -> np.ndarray:
  return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def assert_same_bits(first: Any, second: Any) -> None:
  """Two trees have equal arrays at equal paths."""
  assert jax.tree.structure(first) == jax.tree.structure(second)
  jax.tree.map(np.testing.assert_array_equal, first, second)


def imported(done):
  """Names the modules that a process of `-X importtime` has imported."""
  lines = done.stderr.splitlines()
  return {
    x.split("|")[-1].strip() for x in lines if x.startswith("import time")
  }
