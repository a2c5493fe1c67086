"""Stopped anywhere and started again, a run ends as if never stopped."""

import contextlib
import io
import os
import pathlib
import signal
import subprocess
from typing import NamedTuple

import pytest

from akd_jax.common.errors import Stopped, UserError
from akd_jax.experiments.single_run import HOOKS
from akd_jax.training import checkpoint
from akd_jax.training import loop as train
from akd_jax.training.window import Window
from tests import small_runs


class Interrupted(NamedTuple):
  """A run stopped three times, and what came of it.

  Attributes:
    workdir: its directory.
    killed: by SIGKILL while checkpoint 4 was being written in the background.
    terminated: what SIGTERM at step 5, between two checkpoints, raised in this
      process.
    said: what it printed until then.
    broken_off: what Ctrl-C at step 7 raised here; then it trained to the end.
  """

  workdir: pathlib.Path
  killed: subprocess.CompletedProcess[str]
  terminated: Stopped
  said: str
  broken_off: Stopped


@pytest.fixture(scope="module")
def interrupted(runs, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("interrupted") / "student"
  options = small_runs.student_command(workdir, runs.teacher)
  killed = small_runs.run(options, small_runs.struck("SIGKILL", "commit=4"))
  config = small_runs.student_config(runs.teacher)

  def stopped(by, at_step):
    with pytest.MonkeyPatch.context() as patch:
      patch.setattr(Window, "add", striking(by, at_step))
      with pytest.raises(Stopped) as end:
        train.train(config, str(workdir), HOOKS)
    return end.value

  with contextlib.redirect_stdout(io.StringIO()) as said:
    terminated = stopped(signal.SIGTERM, 5)
  broken_off = stopped(signal.SIGINT, 7)
  train.train(config, str(workdir), HOOKS)
  return Interrupted(workdir, killed, terminated, said.getvalue(), broken_off)


def striking(number, at_step):
  add = Window.add
  struck = []

  def strike(window, step, metrics):
    add(window, step, metrics)
    if step == at_step and not struck:
      struck.append(step)
      os.kill(os.getpid(), number)

  return strike


def test_a_signal_saves_at_once_and_says_so(interrupted):
  text = "stopped and saved at step {}/10: the same command goes on from here"
  assert str(interrupted.terminated) == text.format(5)
  assert str(interrupted.broken_off) == text.format(7)
  assert {5, 7} < set(checkpoint.list_steps(str(interrupted.workdir)))


def test_what_was_half_written_does_not_count(interrupted):
  workdir = interrupted.workdir
  assert interrupted.killed.returncode == -signal.SIGKILL
  start, *_ = interrupted.said.splitlines()
  assert start == f"{workdir}: going on from step 2"
  names = {path.name for path in (workdir / "checkpoints").iterdir()}
  assert names == {"2", "4", "5", "6", "7", "8", "10"}
  assert not list(workdir.glob("*.tmp"))


def test_the_weights_are_those_of_a_run_that_never_stopped(interrupted, runs):
  small_runs.assert_same_bits(
    small_runs.state(interrupted.workdir), small_runs.state(runs.student)
  )


def test_every_step_has_one_line_with_the_same_numbers(interrupted, runs):
  expected = small_runs.metrics(runs.student)
  assert small_runs.metrics(interrupted.workdir) == expected


def test_a_finished_run_is_extended_to_what_a_longer_one_is(tmp_path, capsys):
  """Where the step size does not depend on how many steps there are."""
  fields = {"optimizer__schedule": "constant", "held_out__images": 0}
  for name, steps in (("short", 2), ("short", 4), ("long", 4)):
    config = small_runs.teacher_config(steps=steps, **fields)
    small_runs.train(config, tmp_path / name)
  short, long = tmp_path / "short", tmp_path / "long"
  small_runs.assert_same_bits(small_runs.state(short), small_runs.state(long))
  assert small_runs.metrics(short) == small_runs.metrics(long)
  assert (
    f"{short}: extended from 2 to 4 steps; the step size, 0.0004, stays what it"
    " is\n"
  ) in capsys.readouterr().out
  config = small_runs.teacher_config(steps=2, **fields)
  with pytest.raises(UserError, match="steps=4, not 2"):
    small_runs.train(config, short)
  # One that ends before its first checkpoint is no extension yet.
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(train, "make_steps", lambda *_: 1 / 0)
    mistaken = small_runs.teacher_config(steps=4_000, **fields)
    with pytest.raises(ZeroDivisionError):
      small_runs.train(mistaken, short)
  small_runs.train(small_runs.teacher_config(steps=4, **fields), short)
  assert f"{short} is finished (4 steps)" in capsys.readouterr().out
