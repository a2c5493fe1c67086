"""Minutes on a machine: what was found is kept as soon as it is known."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shlex
import subprocess
import sys
import time
import traceback

import worker
from accelerator_tables import describe

HERE = pathlib.Path(__file__).parent
# Nothing is begun with fewer seconds left.
LEAST_S = 10


class Session:
  """Where rows go, until when, and the workers in between.

  Attributes:
    out: its folder.
    product: GFLOP/s of the device's matrix products, once they are known.
    not_reached: what there was no time for.

  Args:
    out: folder of rows.jsonl, log.txt and errors.txt, which are appended to.
    seconds: until the end.
    only: a part of the titles of what is to be measured; "" for all.
    torch_python: an interpreter that may have PyTorch.
  """

  def __init__(self, out, seconds, only, torch_python=sys.executable):
    self.out = pathlib.Path(out)
    self.out.mkdir(parents=True, exist_ok=True)
    self.only, self.product, self.not_reached = only, None, []
    self._began, self._seconds = time.monotonic(), seconds
    self._python = {"torch_peer.py": torch_python}
    self._errors = open(self.out / "errors.txt", "a")  # noqa: SIM115
    self._workers, self._spares = [], {}
    find = "import importlib.util as i, sys; sys.exit(not i.find_spec('torch'))"
    self.has_torch = not subprocess.run([torch_python, "-c", find]).returncode

  def __enter__(self):
    return self

  def __exit__(self, *_):
    for process in self._workers:
      process.end()
    self._errors.close()

  def left(self):
    return max(0.0, self._began + self._seconds - time.monotonic())

  def begins(self, part, title):
    """Whether that is wanted and time is left; notes what is wanted in vain."""
    title = f"{part}: {title}"
    wanted, late = self.only in title, self.left() < LEAST_S
    if wanted and late and title not in self.not_reached:
      self.not_reached.append(title)
    return wanted and not late

  def attempt(self, part, title, rows):
    """`keep`, of what begins."""
    if self.begins(part, title):
      self.keep(part, title, rows)

  def keep(self, part, title, rows):
    """Keeps each row that `rows()` yields, or the reason why it fails."""
    named = {"part": part, "case": title}
    try:
      for row in rows():
        self._record(named | row)
    except Exception as error:
      traceback.print_exc(file=self._errors)
      told = isinstance(error, worker.WorkerError)
      text = str(error) if told else worker.one_line(error)
      self._record(named | {"error": text})

  def finish(self):
    """Says what there was no time for."""
    if self.not_reached:
      row = {"not_reached": self.not_reached}
      self._record({"part": "time", "case": "not reached"} | row)

  def _record(self, row):
    row["at_s"] = round(time.monotonic() - self._began, 1)
    with open(self.out / "rows.jsonl", "a") as file:
      file.write(json.dumps(row) + "\n")
    text = f"{row['at_s']:6.1f} s  {describe(row)}"
    with open(self.out / "log.txt", "a") as file:
      file.write(text + "\n")
    print(text, flush=True)

  def worker(self, script, ahead=False):
    """A process that serves `script`.

    Args:
      script: a file beside this one.
      ahead: whether the next one starts already, where cores are free: to
        load its libraries takes seconds.
    """
    process = self._spares.pop(script, None) or self._start(script)
    if ahead and os.cpu_count() > 8:
      self._spares[script] = self._start(script)
    return process

  def torch(self):
    """A worker of PyTorch's."""
    if not self.has_torch:
      raise worker.WorkerError("no PyTorch here")
    return self.worker("torch_peer.py", ahead=True)

  def end_but(self, *kept):
    """Ends every worker but these and those that start ahead."""
    kept = [*kept, *self._spares.values()]
    for process in self._workers:
      if process not in kept:
        process.end()
    self._workers = kept

  def _start(self, script):
    command = [self._python.get(script, sys.executable), str(HERE / script)]
    process = worker.Worker(command, self._errors)
    self._workers.append(process)
    return process


def machine(arguments):
  """What stands beside every figure: where, with what and when.

  Args:
    arguments: of the command.
  """
  packages = (
    "jax", "jax-cuda12-plugin", "jax-cuda13-plugin", "flax", "optax", "numpy",
    "torch", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13",
  )  # fmt: skip
  now = datetime.datetime.now(datetime.UTC)
  query = "--query-gpu=name,driver_version,memory.total,power.limit"
  return {
    "command": shlex.join(["benchmarks/accelerator.sh", *arguments]),
    "date": now.isoformat(timespec="minutes"),
    "gpu": _said("nvidia-smi", query, "--format=csv,noheader"),
    "commit": _said("git", "-C", str(HERE), "rev-parse", "--short", "HEAD"),
    "cores": os.cpu_count(),
    "python": platform.python_version(),
    "packages": {name: _version(name) for name in packages},
  }


def _said(*command):
  """A command's output; None where it fails."""
  with contextlib.suppress(OSError, subprocess.SubprocessError):
    return subprocess.run(
      command, capture_output=True, text=True, check=True, timeout=20
    ).stdout.strip()


def _version(package):
  with contextlib.suppress(importlib.metadata.PackageNotFoundError):
    return importlib.metadata.version(package)
