"""The same global batch on 1, 2, 4 and 8 devices: same result, and its cost.

  python benchmarks/scaling.py [--devices=1,2,4,8] [--out=FILE.jsonl]

On a CPU the devices are virtual and share its cores, so the time says what
splitting a step costs, not what more hardware brings. What it would bring is
projected from the bytes that a step sends:

  python benchmarks/scaling.py --project
"""

import json
import math
import os
import statistics
import subprocess
import sys
import time

import compare
import jax
import jax_worker
import numpy as np
import results
from arithmetic import step_flops

from akd_jax.common import cache as compilation
from akd_jax.training import parallel
from akd_jax.training.shapes import network_shapes

STEPS = 5
# Of the projection, what their makers publish: how many, the peak in FLOP/s,
# and the bytes/s that a device sends and receives at the same time.
MACHINES = {
  "1 A100, TF32": (1, 156e12, 300e9),
  "8 A100, TF32, NVLink": (8, 156e12, 300e9),
  "8 H100, TF32, NVLink": (8, 495e12, 450e9),
  "8 H100, bfloat16, NVLink": (8, 989e12, 450e9),
  "256 H100, TF32, 400 Gb/s each": (256, 495e12, 50e9),
  "256 TPU v5e, bfloat16": (256, 197e12, 200e9),
}
# Of the peak: nothing is measured yet. Efficiency is said for the first.
REACHED = (1 / 3, 1 / 20)
# docs/performance.md: JPEGs that a core decodes a second; img_align_celeba has
# 202,599 of 178 x 218 in 1.44 GB.
JPEGS_A_CORE, JPEG_BYTES = 1100, 1.44e9 / 202_599
# The papers' schedule.
PAPER_STEPS, PAPER_BATCH = 40_000, 16


def measure(case):
  """Times some steps; keeps the first one's losses and the last weights.

  Adam turns rounding of the first gradient into whole steps, so losses drift
  apart after it.
  """
  step, (state, teacher, data) = jax_worker.training_step(case)
  times, losses = [], {}
  for _ in range(STEPS):
    start = time.perf_counter()
    state, metrics = step(state, teacher, data)
    jax.block_until_ready((state, metrics))
    times.append(time.perf_counter() - start)
    losses = losses or {k: float(x) for k, x in metrics.items() if "loss" in k}
  if not parallel.is_in_sync(state):
    raise SystemExit("replicas differ")
  leaves = jax.tree.leaves(jax.device_get(state.generator))
  return {
    "seconds": statistics.median(times[1:]),
    "losses": losses,
    "weights": np.concatenate([x.ravel() for x in leaves]).tolist(),
  }


def run(devices, case):
  done = subprocess.run(
    [sys.executable, __file__, f"--case={json.dumps(case)}"],
    env=os.environ | {"JAX_NUM_CPU_DEVICES": str(devices)},
    stdout=subprocess.PIPE, text=True, check=True,
  )  # fmt: skip
  return json.loads(done.stdout.splitlines()[-1])


def difference(a, b):
  """Largest difference, of the largest magnitude."""
  a, b = np.array(a), np.array(b)
  return float(np.abs(a - b).max() / np.abs(a).max())


def parameters(case):
  """How many the generator and the discriminator have."""
  config = jax_worker.config_of(case, case["width"], case["blocks"])
  shapes = network_shapes(config)
  return [
    sum(math.prod(x.shape) for x in jax.tree.leaves(shapes[name]))
    for name in ("generator", "discriminator")
  ]


def gradient_bytes(case):
  """Bytes that all devices average in a step: D's gradient for each of its
  updates, G's once."""
  generator, discriminator = parameters(case)
  return 4 * (case["n_critic"] * discriminator + generator)


def project():
  """What many accelerators would bring at the papers' sizes, on paper.

  A step's time is its arithmetic at a share of the peak; a ring sends and
  receives 2 (N - 1) / N of the gradient, none of it hidden.
  """
  for batch in (PAPER_BATCH, None):
    shared = f"{batch} in all" if batch else f"{PAPER_BATCH} a device"
    for title, case in compare.train_step(large=True):
      print(f"\n{title}, batch of {shared}\n")
      print(
        "| machine | arithmetic | exchange | step | efficiency | photos/s |"
        " cores for JPEGs | read | days, at 1/3 and 1/20 of the peak |"
      )
      print("|---" * 9 + "|")
      for name, machine in MACHINES.items():
        count = machine[0]
        if batch is None or count <= batch:
          whole = batch or PAPER_BATCH * count
          print(_row(name, machine, case, whole))


def _row(name, machine, case, batch):
  """A line of the table: `batch` pictures of a micro-batch on a machine."""
  count, peak, bandwidth = machine
  flops = step_flops(case | {"batch": batch / count})
  exchange = 2 * (count - 1) / count * gradient_bytes(case) / bandwidth
  compute, slower = (flops / (peak * reached) for reached in REACHED)
  photos = batch * case["n_critic"] / (compute + exchange)
  steps = PAPER_STEPS * PAPER_BATCH / batch
  days = [steps * (x + exchange) / 86_400 for x in (compute, slower)]
  return (
    f"| {name} | {1e3 * compute:.1f} ms | {1e3 * exchange:.1f} ms |"
    f" {1e3 * (compute + exchange):.1f} ms |"
    f" {compute / (compute + exchange):.0%} | {photos:,.0f} |"
    f" {photos / JPEGS_A_CORE:.0f} | {photos * JPEG_BYTES / 1e6:,.0f} MB/s |"
    f" {days[0]:.2g}, {days[1]:.2g} |"
  )


def main():
  parser = results.parser(__doc__)
  parser.add_argument("--devices", default="1,2,4,8")
  parser.add_argument("--project", action="store_true", help="on paper")
  parser.add_argument("--case", help="one case, for this process")
  options = parser.parse_args()
  if options.project:
    return project()
  if options.case:
    compilation.use_persistent_cache()
    return print(json.dumps(measure(json.loads(options.case))))
  *_, (title, case) = compare.train_step(large=False)
  alone = None
  for devices in map(int, options.devices.split(",")):
    outcome = run(devices, case)
    alone = alone or outcome
    row = {
      "benchmark": "scaling",
      "case": title,
      "batch": case["batch"],
      "devices": devices,
      "seconds": round(outcome["seconds"], 4),
      "ratio_to_one": round(outcome["seconds"] / alone["seconds"], 3),
      "losses_differ": max(
        difference(value, outcome["losses"][name])
        for name, value in alone["losses"].items()
      ),
      "weights_differ": difference(alone["weights"], outcome["weights"]),
      "jax": jax.__version__,
      "cores": os.cpu_count(),
    }
    results.append(options.out, row)
    print(
      f"{title:24}  {devices} devices  {row['seconds']:7.3f} s"
      f"  {row['ratio_to_one']:.2f} of one's  losses differ by"
      f" {row['losses_differ']:.1e}, weights by {row['weights_differ']:.1e}",
      flush=True,
    )


if __name__ == "__main__":
  main()
