"""Runs that cost nothing, for the jobs of test_cluster.py."""

import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from akd_jax.common import files, signals
from akd_jax.common.errors import Stopped


class Run(NamedTuple):
  """Stands for a `plan.PlannedRun`.

  Its directory gets a line in `log` each time that it is begun, and `result`
  when it is done. `config.deeds` says what happens each time.
  """

  config: ConfigDict
  workdir: Path

  @property
  def result(self) -> bool:
    return (self.workdir / "result").exists()


class _Asked:
  """Hears that the run is to stop, as training does."""

  def __init__(self) -> None:
    self.heard = False

  def hear(self, number: int) -> None:
    self.heard = True

  def notice(self, number: int) -> None:
    pass


def do(run: Run) -> None:
  """Does what is next of the run's deeds, and then the run."""
  with files.lock_folder(run.workdir) as ours:
    if not ours or run.result:
      return
    with (run.workdir / "log").open("a") as file:
      file.write("begun\n")
    deeds = [*run.config.deeds, *["done"] * 9]
    deed = deeds[len((run.workdir / "log").read_text().splitlines()) - 1]
    if deed == "diverges":
      raise FloatingPointError("g_loss became nan in step 1")
    if deed == "is asked to stop":
      wait_to_be_asked()
      raise Stopped("stopped and saved")
    if deed == "saves and is killed":
      (run.workdir / "checkpoints" / "1").mkdir(parents=True)
    if deed.endswith("is killed"):
      os.kill(os.getpid(), signal.SIGKILL)
    (run.workdir / "result").touch()


def wait_to_be_asked() -> None:
  asked = _Asked()
  with signals.listening(asked):
    # As Slurm does before the time is up.
    os.kill(os.getpid(), signal.SIGUSR2)
    end = time.monotonic() + 10
    while not asked.heard:
      assert time.monotonic() < end
      time.sleep(0.01)
