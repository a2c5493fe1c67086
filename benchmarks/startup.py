"""How long one waits: for --help, and for the first step of a run.

  python benchmarks/startup.py [--out=benchmarks/results.jsonl]

The first step is timed from the start of the process, with an empty cache of
compiled programs and again with what the first start left there. The pictures
are drawn before: that happens once.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import results

ROOT = pathlib.Path(__file__).parents[1]
COMMANDS = ("main", "evaluate", "experiment", "export")


def help_seconds(command):
  def once():
    start = time.perf_counter()
    subprocess.run(
      [sys.executable, "-m", f"akd_jax.{command}", "--help"],
      cwd=ROOT,
      stdout=subprocess.DEVNULL,
      check=True,
    )
    return time.perf_counter() - start

  return statistics.median(once() for _ in range(5))


def first_step_seconds(cache, workdir):
  """From the start of the process to its first line of numbers."""
  start = time.perf_counter()
  process = subprocess.Popen(
    [
      sys.executable, "-u", "-m", "akd_jax.main",
      "--config=configs/student.py", f"--workdir={workdir}",
      "--config.steps=1", "--config.log_every=1",
    ],
    cwd=ROOT,
    env=os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)},
    stdout=subprocess.PIPE,
    text=True,
  )  # fmt: skip
  for line in process.stdout:
    if line.startswith("step 1/"):
      break
  else:
    raise SystemExit("the run ended before its first step")
  elapsed = time.perf_counter() - start
  process.kill()
  process.wait()
  return elapsed


def main():
  options = results.parser(__doc__).parse_args()
  row = {"benchmark": "startup", "cores": os.cpu_count()}
  for command in COMMANDS:
    row[f"help_{command}_s"] = round(help_seconds(command), 2)
  with tempfile.TemporaryDirectory() as folder:
    scratch = pathlib.Path(folder)
    first_step_seconds(scratch / "unused", scratch / "draws")
    for number, name in enumerate(("cold", "warm")):
      seconds = first_step_seconds(scratch / "cache", scratch / str(number))
      row[f"first_step_{name}_s"] = round(seconds, 1)
  row["ratio"] = round(row["first_step_warm_s"] / row["first_step_cold_s"], 3)
  results.append(options.out, row)
  print("\n".join(f"{name:20}  {value}" for name, value in row.items()))


if __name__ == "__main__":
  main()
