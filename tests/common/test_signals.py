"""Signals end what has nothing to save; output that fails ends nothing."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from akd_jax.common import cli, signals
from akd_jax.training.preemption import Interruption
from tests.small_runs import ROOT

# Long in C, as a compilation is: no handler of Python runs meanwhile.
BUSY = """
import sys
from akd_jax.common import cli, files
def main(argv):
  with files.write_whole(argv[0]) as temporary:
    temporary.write_text("half")
    print("busy", flush=True)
    {work}
cli.run(main)
"""
IN_C = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)"
IN_PYTHON = "import time; time.sleep(60)"


@pytest.fixture(name="start")
def fixture_start():
  """Starts Python with some code; whatever still runs afterwards is killed.

  SIGHUP is heard unless a test says otherwise: tests may run under nohup.
  """
  started = []

  def start(code, *arguments, hangup="SIG_DFL", **options):
    first = f"import signal; signal.signal(signal.SIGHUP, signal.{hangup})\n"
    process = subprocess.Popen(
      [sys.executable, "-c", first + code, *arguments],
      cwd=ROOT,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
      **options,
    )
    started.append(process)
    return process

  yield start
  for process in started:
    process.kill()


@pytest.mark.parametrize("number", signals.ASKING, ids=lambda x: x.name)
@pytest.mark.parametrize("work", [IN_C, IN_PYTHON], ids=["in C", "in Python"])
def test_a_signal_ends_at_once_what_has_nothing_to_save(
  start, tmp_path, number, work
):
  process = start(BUSY.format(work=work), str(tmp_path / "file"))
  assert process.stdout.readline() == "busy\n"
  process.send_signal(number)
  output, errors = process.communicate(timeout=20)
  assert process.returncode == cli.STOPPED
  assert output == "stopped; the same command starts again from what is saved\n"
  assert not errors
  assert not list(tmp_path.iterdir())


DRAWING = """
import multiprocessing, time
from concurrent.futures import ProcessPoolExecutor
from akd_jax.common import cli
def main(argv):
  context = multiprocessing.get_context(argv[0])
  with ProcessPoolExecutor(2, mp_context=context) as pool:
    pool.submit(time.monotonic).result()
    waits = [pool.submit(time.sleep, 60) for _ in range(4)]
    print(*[child.pid for child in pool._processes.values()], flush=True)
    time.sleep(60)
if __name__ == "__main__":
  cli.run(main)
"""


@pytest.mark.parametrize("kind", ["fork", "spawn", "forkserver"])
def test_its_processes_end_with_it(start, tmp_path, kind):
  script = tmp_path / "script.py"
  script.write_text(DRAWING)
  code = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
  process = start(code, kind)
  children = [int(pid) for pid in process.stdout.readline().split()]
  assert children
  process.send_signal(signal.SIGTERM)
  process.communicate(timeout=20)
  assert process.returncode == cli.STOPPED
  wait_for(lambda: not any(map(is_running, children)))
  assert not any(map(is_running, children))


WORKING = DRAWING.replace(
  "ProcessPoolExecutor(2, mp_context=context)", "processes.start_workers(2)"
).replace("import cli", "import cli, processes")


def test_nothing_is_said_of_what_they_leave(start, tmp_path):
  script = tmp_path / "script.py"
  script.write_text(WORKING)
  code = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
  process = start(code, "spawn")
  assert process.stdout.readline()
  process.send_signal(signal.SIGINT)
  _, errors = process.communicate(timeout=20)
  assert process.returncode == cli.STOPPED
  assert not errors


def is_running(pid):
  try:
    status = pathlib.Path(f"/proc/{pid}/stat").read_text()
  except FileNotFoundError:
    return False
  return status.rpartition(")")[2].split()[0] != "Z"


def test_sighup_under_nohup_stays_ignored(start, tmp_path):
  work = "import time; time.sleep(0.5); print('done', flush=True)"
  # Not by preexec_fn: a process with JAX in it had better not fork.
  process = start(
    BUSY.format(work=work), str(tmp_path / "file"), hangup="SIG_IGN"
  )
  assert process.stdout.readline() == "busy\n"
  process.send_signal(signal.SIGHUP)
  output, _ = process.communicate(timeout=20)
  assert (process.returncode, output) == (0, "done\n")


@pytest.fixture(name="heard")
def fixture_heard():
  """Lets this process hear SIGHUP, under nohup, too."""
  before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
  yield
  signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", signals.ASKING, ids=lambda x: x.name)
def test_training_stops_after_its_step_and_says_so(number, capfd, heard):
  before = signal.getsignal(number)
  with Interruption() as interruption:
    assert not interruption.requested(all_ask=False)
    os.kill(os.getpid(), number)
    assert interruption.requested(all_ask=False)
    wait_for(lambda: interruption._noticed)
  assert "stopping after this step; Ctrl-C ends at once" in (
    capfd.readouterr().err
  )
  assert signal.getsignal(number) == before


def test_a_second_program_may_have_to_be_compiled_first(capfd):
  with Interruption(programs=4) as interruption:
    for _ in range(2):
      interruption.requested(all_ask=False)
    os.kill(os.getpid(), signal.SIGTERM)
    wait_for(lambda: interruption._noticed)
  assert "after this step, which may have to be compiled first;" in (
    capfd.readouterr().err
  )


def wait_for(condition):
  end = time.monotonic() + 10
  while not condition() and time.monotonic() < end:
    time.sleep(0.01)


WAITING = """
import hashlib
from akd_jax.common import cli
from akd_jax.training.preemption import Interruption
def main(argv):
  with Interruption():
    print("busy", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 10**9)
cli.run(main)
"""


def test_before_the_first_step_it_waits_and_ends_when_asked_twice(start):
  process = start(WAITING)
  assert process.stdout.readline() == "busy\n"
  process.send_signal(signal.SIGTERM)
  line = process.stderr.readline()
  assert line == (
    "stopping after the first step, once it is compiled; Ctrl-C ends at once\n"
  )
  process.send_signal(signal.SIGINT)
  _, errors = process.communicate(timeout=20)
  assert process.returncode == 130
  assert errors == "error: interrupted\n"


def test_who_calls_from_python_gets_a_second_ctrl_c_as_an_exception(capfd):
  with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
    os.kill(os.getpid(), signal.SIGINT)
    wait_for(lambda: interruption._noticed)
    assert interruption.requested(all_ask=False)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
  assert "Ctrl-C ends at once" in capfd.readouterr().err


SPEAKING = """
import pathlib, sys
from akd_jax.common import cli
def main(argv):
  for number in range(20_000):
    print("step", number, flush=True)
  print("note", file=sys.stderr)
  pathlib.Path(argv[0]).write_text("to its end")
cli.run(main)
"""


def test_a_closed_pipe_stops_nothing(start, tmp_path):
  process = start(SPEAKING, str(tmp_path / "file"))
  process.stdout.close()
  process.stderr.close()
  assert process.wait(timeout=60) == 0
  assert (tmp_path / "file").read_text() == "to its end"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is none")
def test_a_full_disk_behind_the_output_stops_nothing(tmp_path):
  with open("/dev/full", "w") as full:
    process = subprocess.run(
      [sys.executable, "-c", SPEAKING, str(tmp_path / "file")],
      cwd=ROOT,
      stdout=full,
      stderr=full,
    )
  assert process.returncode == 0
  assert (tmp_path / "file").read_text() == "to its end"


def test_a_path_that_is_no_utf_8_is_said_escaped(capfd):
  signals.say(1, os.fsdecode(b"runs/\xff"))
  assert capfd.readouterr().out == "runs/\\udcff\n"
