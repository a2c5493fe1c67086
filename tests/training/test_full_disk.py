"""A disk that takes no more costs a line, and not the last checkpoint."""

import subprocess
import sys

import pytest

from akd_jax.common import cli
from akd_jax.training import checkpoint
from tests.small_runs import ROOT

# Files of more than 40 kB are refused from step 4 on.
SAVING = """
import contextlib, resource, sys
import numpy as np
from ml_collections import ConfigDict
from akd_jax.common import cli
from akd_jax.common.writing import writing
from akd_jax.training import checkpoint
from akd_jax.training.state import TrainState

def state(step):
  weights = np.random.default_rng(step).normal(size=30_000)
  return TrainState(np.int32(step), {"w": weights}, {}, {}, {}, None)

def main(argv):
  config = ConfigDict({"keep": 5, "best_metric": ""})
  with writing(argv[0]), contextlib.closing(
    checkpoint.Checkpoints(argv[0], config)
  ) as checkpoints:
    for step in range(1, 8):
      if step == 4:
        checkpoints._manager.wait_until_finished()
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
      checkpoints.save(state(step), {"place": step}, {})

cli.run(main)
"""


@pytest.fixture(scope="module")
def full(tmp_path_factory):
  """A run whose disk was full at step 4: its directory, and how it ended."""
  workdir = tmp_path_factory.mktemp("full") / "run"
  done = subprocess.run(
    [sys.executable, "-c", SAVING, str(workdir)],
    cwd=ROOT,
    capture_output=True,
    text=True,
  )
  return workdir, done


def test_a_full_disk_is_one_line_and_a_status_of_its_own(full):
  workdir, done = full
  assert done.returncode == cli.CANNOT_WRITE == 74
  assert done.stderr.startswith(f"error: cannot write {workdir}: ")
  assert done.stderr.count("\n") == 1


def test_the_last_checkpoint_before_it_is_sound(full):
  workdir, _ = full
  assert checkpoint.steps_saved(str(workdir)) == [1, 2, 3]
  assert checkpoint.load_newest(str(workdir)).step == 3
