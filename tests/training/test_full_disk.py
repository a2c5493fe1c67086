"""A disk that takes no more costs a line, and not the last checkpoint."""

import socket
import subprocess
import sys
import types

import pytest

from akd_jax.common import cli
from akd_jax.common.errors import WriteError
from akd_jax.experiments.single_run import train_with_teacher
from akd_jax.training import checkpoint, loop
from tests.small_runs import ROOT, environment, student_config

# Files of more than 40 kB are refused from step 4 on.
SAVING = """
import contextlib, resource, sys
import numpy as np
from ml_collections import ConfigDict
from akd_jax.common import cli, pod
from akd_jax.common.writing import writing
from akd_jax.training import checkpoint
from akd_jax.training.state import TrainState

def state(step):
  weights = np.random.default_rng(step).normal(size=30_000)
  return TrainState(np.int32(step), {"w": weights}, {}, {}, {}, None)

def main(argv):
  first = argv[-1] != "1"
  if argv[1:]:
    pod.join(argv[1], 2, int(argv[2]), debug=False)
  config = ConfigDict({"keep": 5, "best_metric": ""})
  with writing(argv[0]), contextlib.closing(
    checkpoint.Checkpoints(argv[0], config)
  ) as checkpoints:
    for step in range(1, 8):
      if step == 4:
        checkpoints._manager.wait_until_finished()
        if first:
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
  assert checkpoint.list_steps(str(workdir)) == [1, 2, 3]
  assert checkpoint.load_newest(str(workdir)).step == 3


def test_a_pod_does_not_wait_for_who_cannot_write(tmp_path):
  with socket.create_server(("localhost", 0)) as server:
    port = server.getsockname()[1]
  processes = [
    subprocess.Popen(
      [sys.executable, "-c", SAVING, tmp_path, f"localhost:{port}", str(i)],
      cwd=ROOT,
      env=environment(devices=1),
      stderr=subprocess.PIPE,
      text=True,
    )
    for i in range(2)
  ]
  try:
    # Ten minutes are Orbax's patience.
    errors = [process.communicate(timeout=90)[1] for process in processes]
  finally:
    for process in processes:
      process.kill()
  assert [x.returncode for x in processes] == [cli.CANNOT_WRITE] * 2, errors
  assert all(f"cannot write {tmp_path}: " in error for error in errors)
  assert checkpoint.list_steps(str(tmp_path)) == [1, 2, 3]


class Ended(Exception):
  """However a run may end."""


def test_curves_are_drawn_however_a_run_ends(tmp_path, monkeypatch, capsys):
  def train_on(run):
    row = '{"step": 1, "g_loss_rec": 1.0}\n{"step": 2, "g_loss_rec": 0.5}\n'
    (tmp_path / "metrics.jsonl").write_text(row)
    raise Ended

  monkeypatch.setattr(loop, "_train_on", train_on)
  monkeypatch.setattr(loop, "_introduce", lambda run: None)
  run = types.SimpleNamespace(
    workdir=str(tmp_path),
    first=1,
    config=types.SimpleNamespace(steps=2),
    source=types.SimpleNamespace(skipped={"a.jpg"}),
  )
  with pytest.raises(Ended):
    loop._train(run)
  assert (tmp_path / "curves.png").exists()
  assert "passed over: 1, first a.jpg" in capsys.readouterr().err


def test_directories_are_tried_before_the_teacher_is_trained(
  caches, tmp_path, monkeypatch
):
  (tmp_path / "file").write_text("")
  monkeypatch.setattr(loop, "train", lambda *_: 1 / 0)
  nowhere, fine = tmp_path / "file" / "run", tmp_path / "fine"
  for teacher, workdir in ((fine, nowhere), (nowhere, fine)):
    with pytest.raises(WriteError, match=f"^cannot write {nowhere}: "):
      train_with_teacher(student_config(teacher), str(workdir))
  assert [path.name for path in tmp_path.iterdir()] == ["file"]
