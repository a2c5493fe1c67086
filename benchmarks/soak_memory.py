"""Whether the memory of a run grows: its resident set early and at its end."""

import os
import pathlib
import re
import subprocess
import sys

from soak_progress import Progress

ROOT = pathlib.Path(__file__).parents[1]
# Steps after which everything has been done once: lines, a checkpoint, a score.
SETTLED = 200
# What a resident set may grow by. Steps that each kept a kilobyte would need
# 2 MB, a checkpoint that was not freed 1 MB.
ALLOWED = 0.02


def _resident(process):
  """Megabytes of a process that are in memory."""
  text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
  return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) / 1024


def soak(options):
  """Trains a tiny teacher; returns its resident set, every 200 steps, in MB."""
  progress = Progress(options, {"resident": {}})
  resident = progress.state["resident"]
  folder = pathlib.Path(options.folder).absolute()
  argv = [
    sys.executable, "-u", "-m", "akd_jax.main",
    "--config=configs/teacher.py:debug", f"--workdir={folder}/memory",
    f"--config.steps={options.count}",
    f"--config.log_every={min(SETTLED, options.count)}",
    "--config.checkpoint_every=100", "--config.sample_every=100",
    "--config.data.image_size=16", "--config.discriminator.layers=2",
    "--config.generator.blocks=1",
  ]  # fmt: skip
  environment = os.environ | {"JAX_PLATFORMS": "cpu"}
  with subprocess.Popen(
    argv, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE
  ) as process:
    for line in process.stdout:
      if line.startswith("step "):
        step = int(line.split()[1].partition("/")[0].replace(",", ""))
        resident[str(step)] = round(_resident(process), 1)
        progress.save()
        progress.goes_on(step)
  # Those from which on nothing new is loaded; or all there is of a short run.
  seen = list(resident.values())
  settled = [x for step, x in resident.items() if int(step) >= SETTLED]
  first, last = (settled or seen)[0], seen[-1]
  wrong = []
  if process.returncode or last > first * (1 + ALLOWED):
    wrong.append(f"{first} MB have become {last}; status {process.returncode}")
  return {"resident": resident, "lost": wrong}
