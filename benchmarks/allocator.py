"""What the settings of glibc's malloc bring where JAX computes on a CPU.

  python benchmarks/allocator.py [CASE ...] [--rounds=9] [--out=FILE.jsonl]

Two commands train the same run, one with the settings and one without, each
stopped while the other works: with all that a command does, such as reading.
Prints the median of the ratios of their times; seconds, page faults and CPU and
system seconds of a step; peak memory; whether both come to the same weights.
"""

import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import jax
import numpy as np
import results

from akd_jax.training import checkpoint

ROOT = pathlib.Path(__file__).parents[1]
# A user's choice, that of glibc itself: it switches the settings off.
WITHOUT = {"MALLOC_ARENA_TEST": "8"}
COMMON = {
  "batch_size": 16, "n_critic": 5, "data.sizes.train": 2_000,
  "data.sizes.validation": 16, "data.sizes.test": 16,
  "sample_every": 10_000, "checkpoint_every": 10_000,
}  # fmt: skip
ALONE = {"teacher": "", "distill.akd.weight": 0.0}
AT_128 = {"data.image_size": 128, "discriminator.layers": 6}
# {case: (recipe, its changes, steps in a turn)}
CASES = {
  "teacher": ("teacher", {}, 5),
  "student": ("attention", ALONE, 5),
  "distilled": ("attention", {}, 5),
  "student_128": ("attention", ALONE | AT_128, 2),
}


class Usage(NamedTuple):
  """What a process has used so far."""

  seconds: float
  faults: int
  cpu_seconds: float
  system_seconds: float


class Training:
  """akd_jax.main, stopped but in its turns."""

  def __init__(self, options, variables):
    self._process = subprocess.Popen(
      [sys.executable, "-m", "akd_jax.main", *options],
      cwd=ROOT,
      env=os.environ | variables,
      stdout=subprocess.PIPE,
      text=True,
    )

  def turn(self):
    """Trains up to the next line of metrics; returns what that took."""
    before = self._usage()
    self._process.send_signal(signal.SIGCONT)
    for line in self._process.stdout:
      if line.startswith("step "):
        break
    else:
      raise SystemExit("the command ended before its time, see above")
    after = self._usage()
    self._process.send_signal(signal.SIGSTOP)
    return Usage(*(b - a for a, b in zip(before, after, strict=True)))

  def _usage(self):
    text = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text()
    fields = text.rpartition(")")[2].split()
    user, system = (int(x) / os.sysconf("SC_CLK_TCK") for x in fields[11:13])
    faults = int(fields[7])
    return Usage(time.perf_counter(), faults, user + system, system)

  def peak_mib(self):
    lines = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
    (peak,) = (x for x in lines.splitlines() if x.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024

  def finish(self):
    """Trains to the end."""
    self._process.send_signal(signal.SIGCONT)
    self._process.communicate()
    if self._process.returncode:
      raise SystemExit("the command failed, see above")

  def __enter__(self):
    return self

  def __exit__(self, *exception):
    self._process.kill()
    self._process.wait()


def steps_of(case, rounds):
  """Of a run; the first turn, that of the start, and the last step, which
  draws, do not count."""
  _, _, turn = CASES[case]
  return turn * (rounds + 1) + 1


def options_of(case, rounds, workdir):
  recipe, changes, turn = CASES[case]
  schedule = {"log_every": turn, "steps": steps_of(case, rounds)}
  fields = COMMON | changes | schedule
  return [
    f"--config=configs/{recipe}.py",
    f"--workdir={workdir}",
    *(f"--config.{name}={value}" for name, value in fields.items()),
  ]


def same_bits(runs, steps):
  """Whether the training states of two runs are equal."""
  states = [checkpoint.load(str(run), steps).state for run in runs]
  return all(map(np.array_equal, *map(jax.tree.leaves, states)))


def trained_in_turns(case, rounds, folder):
  """What the command takes for each turn without and with the settings.

  Returns:
    [rounds, 2] of Usage, [2] of peak memory in MiB, the two runs.
  """
  runs = [folder / name for name in ("before", "after")]
  # Neither of the two compiles: this one does.
  with Training(options_of(case, rounds, folder / "first"), {}) as first:
    first.turn()
  with Training(options_of(case, rounds, runs[0]), WITHOUT) as before:
    before.turn()
    with Training(options_of(case, rounds, runs[1]), {}) as after:
      after.turn()
      turns = [[before.turn(), after.turn()] for _ in range(rounds)]
      peaks = [before.peak_mib(), after.peak_mib()]
      before.finish()
      after.finish()
  return turns, peaks, runs


def measure(case, rounds, folder):
  """The row of a case: "before" is without the settings, "after" with them."""
  turns, peaks, runs = trained_in_turns(case, rounds, folder)
  ratios = sorted(after.seconds / before.seconds for before, after in turns)
  row = {
    "benchmark": "allocator",
    "case": case,
    "ratio": round(statistics.median(ratios), 3),
    "ratio_min": round(ratios[0], 3),
    "ratio_max": round(ratios[-1], 3),
    "rounds": rounds,
  }
  _, _, length = CASES[case]
  for name, used, peak in zip(
    ("before", "after"), zip(*turns, strict=True), peaks, strict=True
  ):
    seconds, faults, cpu, system = (
      statistics.median(x) / length for x in zip(*used, strict=True)
    )
    row |= {
      f"{name}_s": round(seconds, 4),
      f"{name}_faults": round(faults),
      f"{name}_cpu_s": round(cpu, 4),
      f"{name}_system_s": round(system, 4),
      f"{name}_peak_mib": round(peak),
    }
  return row | {
    "same_bits": same_bits(runs, steps_of(case, rounds)),
    "jax": jax.__version__,
    "libc": " ".join(platform.libc_ver()),
    "cores": os.cpu_count(),
  }


def main():
  parser = results.parser(__doc__)
  parser.add_argument("cases", nargs="*", metavar="CASE")
  parser.add_argument("--rounds", type=int, default=9)
  options = parser.parse_args()
  for case in options.cases or CASES:
    if case not in CASES:
      parser.error(f"no case {case!r}; there are {', '.join(CASES)}")
    with tempfile.TemporaryDirectory() as folder:
      row = measure(case, options.rounds, pathlib.Path(folder))
    results.append(options.out, row)
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
  main()
