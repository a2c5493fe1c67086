"""Processes of a pod end together, and say why in one line."""

import re
import signal
import socket
import subprocess
import sys

import pytest

from akd_jax.common import cli, pod
from tests import small_runs

# Three processes without a network to compile; what the last one does differs.
MEMBER = """
import os, signal, sys, time
from akd_jax.common import cli, pod
from akd_jax.common.errors import UserError

pod.SILENCE = 4

def main(argv):
  port, index, deed, doer = argv[0], int(argv[1]), argv[2], int(argv[3])
  pod.join(f"localhost:{port}", 3, index, debug=False)
  assert pod.gather(index) == [0, 1, 2]
  assert pod.tell(["from", index]) == ["from", 0]
  if index == doer:
    exec(deed)
  if "compute" in argv:
    import jax, numpy as np
    x = np.ones((1, 1), np.float32)
    add = jax.pmap(lambda x: jax.lax.psum(x, "i"), axis_name="i")
    pod.gather(add.lower(x).compile() and 0)
    if index == int(argv[-1]):
      os.kill(os.getpid(), signal.SIGKILL)
    while True:
      x = add(x) / 3
  print("waits", flush=True)
  pod.gather("never, where one has ended")
  print("done", flush=True)

cli.run(main)
"""


def run(deed, doer, *more):
  """Statuses, outputs and errors of three processes, of which one does this."""
  with socket.create_server(("localhost", 0)) as server:
    port = server.getsockname()[1]
  processes = [
    subprocess.Popen(
      [sys.executable, "-c", MEMBER, *map(str, (port, i, deed, doer, *more))],
      cwd=small_runs.ROOT,
      env=small_runs.environment(devices=1),
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )
    for i in range(3)
  ]
  # A minute is what is promised; nobody may need as much.
  ends = []
  try:
    ends = [process.communicate(timeout=60) for process in processes]
  finally:
    for process in processes:
      process.kill()
  outputs, errors = zip(*ends, strict=True)
  return [process.returncode for process in processes], outputs, errors


ALONE = """
from akd_jax.common import cli, pod
pod._GATHERING = 2
cli.run(lambda argv: pod.join(*{where}, debug=False))
"""


def join_alone(where):
  """Starts one process of a pod that no other comes to."""
  return subprocess.run(
    [sys.executable, "-c", ALONE.format(where=where)],
    cwd=small_runs.ROOT,
    env=small_runs.environment(devices=1),
    capture_output=True,
    text=True,
  )


@pytest.mark.parametrize(
  ("where", "status", "line"),
  [
    (("localhost:1", 2, 1), pod.LOST, "not all processes came within 2 s"),
    ((None, None, None), cli.BAD_INPUT, "--coordinator=HOST:PORT"),
    (
      ("node0", 2, 1),
      cli.BAD_INPUT,
      "=node0 must be HOST:PORT, such as node0:",
    ),
  ],
)
def test_a_pod_that_does_not_come_together_says_so(where, status, line):
  done = join_alone(where)
  assert done.returncode == status
  assert line in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["taken", 99_999, 0])
def test_a_port_that_process_0_cannot_use_is_refused_in_one_line(port):
  with socket.create_server(("", 0)) as server:
    if port == "taken":
      port = server.getsockname()[1]
    done = join_alone((f"localhost:{port}", 1, 0))
  assert done.returncode == cli.BAD_INPUT, done
  assert f"=localhost:{port}: process 0 cannot use this port" in done.stderr
  assert done.stderr.count("\n") == 1


WAITING = """
import threading
from akd_jax.common import cli, pod
def main(argv):
  threading.Timer(2, print, ["waits"], {"flush": True}).start()
  pod.join("localhost:1", 2, 1, debug=False)
cli.run(main)
"""


def test_who_waits_for_the_others_can_be_stopped():
  process = subprocess.Popen(
    [sys.executable, "-c", WAITING],
    cwd=small_runs.ROOT,
    env=small_runs.environment(devices=1),
    stdout=subprocess.PIPE,
    text=True,
  )
  assert process.stdout.readline() == "waits\n"
  process.terminate()
  try:
    output, _ = process.communicate(timeout=20)
  finally:
    process.kill()
  assert process.returncode == cli.STOPPED
  assert output.startswith("stopped; ")


NOBODY = 9


def test_all_end_well_together():
  assert run("", NOBODY) == ([0] * 3, ("waits\ndone\n",) * 3, ("",) * 3)


@pytest.mark.parametrize(
  ("doer", "deed", "status", "line"),
  [
    (2, "raise UserError('no photos')", cli.BAD_INPUT, "no photos"),
    (0, "raise KeyError('x')", 1, r"KeyError: 'x' \(--debug shows where\)"),
    (2, "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", cli.STOPPED,
     "stopped; the same command starts again from what is saved"),
  ],
  ids=["refuses", "fails", "is stopped"],
)  # fmt: skip
def test_what_ends_one_ends_all_and_they_say_so(doer, deed, status, line):
  statuses, outputs, errors = run(deed, doer)
  assert statuses == [status] * 3, errors
  for index in range(3):
    # Who is stopped says so where other words of its are.
    text = errors[index] or outputs[index]
    who = "" if index == doer else rf"process {doer} on \S+: "
    error = "" if index == doer and status == cli.STOPPED else "error: "
    assert re.fullmatch(rf"(waits\n)?{error}{who}{line}\n", text), text


@pytest.mark.parametrize(
  ("doer", "deed", "status", "more"),
  [
    # The coordination service ends with process 0.
    (0, "os._exit(0)", 0, ()),
    # Whoever computes is told by Gloo first, of a connection.
    (1, "", -signal.SIGKILL, ("compute", 1)),
  ],
  ids=["the first, while all wait", "another, while all compute"],
)
def test_who_is_lost_is_named_in_one_line(doer, deed, status, more):
  statuses, _, errors = run(deed, NOBODY if more else doer, *more)
  assert statuses.pop(doer) == status
  assert statuses == [pod.LOST] * 2 == [76] * 2, errors
  for index in {0, 1, 2} - {doer}:
    assert re.fullmatch(
      rf"error: process {doer} of the pod was lost .*\n", errors[index]
    ), errors[index]
