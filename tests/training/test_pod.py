"""Two processes of two devices: as one, also when they are stopped.

How a pod ends otherwise is tested in tests/common/test_pod.py.
"""

import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from akd_jax.common import cli
from akd_jax.training import checkpoint
from tests import small_runs

_TRAIN = ("tests.without_tensorboard", "akd_jax.main")


def pod(options, modules=(_TRAIN, _TRAIN), other=()):
  """Runs one process for each module, as launch/local_pod.sh does.

  The last one has some other options, too.
  """
  with socket.create_server(("localhost", 0)) as server:
    port = server.getsockname()[1]
  processes = [
    small_runs.start(
      [
        *options,
        *(other if index else ()),
        "--distributed",
        f"--coordinator=localhost:{port}",
        "--process_count=2",
        f"--process_index={index}",
      ],
      module,
      devices=2,
    )
    for index, module in enumerate(modules)
  ]
  return [small_runs.finish(process) for process in processes]


@pytest.fixture(scope="module")
def stopped_pod(
  runs: small_runs.Runs, tmp_path_factory: pytest.TempPathFactory
) -> tuple[pathlib.Path, list[subprocess.CompletedProcess[str]]]:
  """A run that SIGTERM to one of its processes stopped, and how they ended."""
  workdir = tmp_path_factory.mktemp("pod") / "student"
  options = small_runs.student_command(workdir, runs.teacher)
  struck = small_runs.struck("SIGTERM", "step=4")
  return workdir, pod(options, (_TRAIN, struck))


def test_all_processes_stop_at_the_same_step(stopped_pod):
  workdir, ends = stopped_pod
  assert [end.returncode for end in ends] == [cli.STOPPED] * 2, ends
  steps = {re.search(r"saved at step (\d+)/", end.stdout)[1] for end in ends}
  assert steps == {str(checkpoint.list_steps(str(workdir))[-1])}


def test_a_pod_resumes_exactly_and_trains_as_one_process(
  stopped_pod, runs, tmp_path
):
  stopped, _ = stopped_pod
  workdir = tmp_path / "student"
  shutil.copytree(stopped, workdir)
  # From step 2, to do again what has been done.
  for step in checkpoint.list_steps(str(workdir))[1:]:
    shutil.rmtree(workdir / "checkpoints" / str(step))
  ends = pod(small_runs.student_command(workdir, runs.teacher))
  assert [end.returncode for end in ends] == [0, 0], ends
  assert "going on from step 2" in ends[0].stdout
  small_runs.assert_same_bits(
    small_runs.state(workdir, 4), small_runs.state(stopped, 4)
  )
  rows = small_runs.metrics(stopped)
  assert small_runs.metrics(workdir)[: len(rows)] == rows
  small_runs.assert_same_training(workdir, runs.student)


def test_one_process_takes_up_what_a_pod_has_saved(stopped_pod, runs, tmp_path):
  stopped, _ = stopped_pod
  workdir = tmp_path / "student"
  shutil.copytree(stopped, workdir)
  saved = checkpoint.list_steps(str(workdir))[-1]
  config = small_runs.student_config(runs.teacher)
  config.steps = small_runs.STEPS
  small_runs.train(config, workdir)
  ours, alone = (small_runs.metrics(x) for x in (workdir, runs.student))
  assert len(ours) == len(alone) == small_runs.STEPS
  # The next step, before Adam has made anything of rounding.
  first, then = (rows[saved] for rows in (ours, alone))
  for name in ("d_loss_gp", "d_loss_cls", "g_loss_cls", "g_loss_rec"):
    assert first[name] == pytest.approx(then[name], rel=1e-2)


def test_hosts_of_other_recipes_are_all_refused_in_one_line(runs, tmp_path):
  options = small_runs.student_command(tmp_path / "student", runs.teacher)
  ends = pod(options, other=["--config.optimizer.beta1=0.25"])
  for end in ends:
    assert end.returncode == cli.BAD_INPUT, end
    # Also what draws the avatars may have said something.
    line = end.stderr.splitlines()[-1]
    # Whoever finds it later may have heard of it from the other.
    assert re.fullmatch(
      r"error: (?:process \d on \S+: )?process 1 on (\S+) differs from"
      r" process 0 on \1 in config\.optimizer\.beta1: 0\.25, not 0\.5; all have"
      r" to have the same",
      line,
    )
  assert not (tmp_path / "student").exists()
