"""The same global batch on 1, 2, 4 and 8 devices: same result, and its cost.

  python benchmarks/scaling.py [--devices=1,2,4,8] [--out=FILE.jsonl]

On a CPU the devices are virtual and share its cores, so the time says what
splitting a step costs, not what more hardware brings. What it would bring is
projected from the bytes that a step sends:

  python benchmarks/scaling.py --project
"""

import json
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

STEPS = 5
# Accelerators of the projection: float32-in, tensor-core peak in FLOP/s at a
# third of it reached, and bytes/s of all-reduce each link carries.
ACCELERATORS = {
  "TPU v4 (bfloat16, 3D torus)": (275e12, 100e9),
  "A100 (TF32, NVLink)": (156e12, 300e9),
  "A100 (TF32, 100 Gb/s between hosts)": (156e12, 12.5e9),
}
REACHED = 1 / 3


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
  if not parallel.in_sync(state):
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


def gradient_bytes(case):
  """Bytes that all devices average in a step: D's gradient for each of its
  updates, G's once."""
  _, _, state = jax_worker.initial(case)
  discriminator, generator = (
    sum(x.size for x in jax.tree.leaves(params))
    for params in (state.discriminator, state.generator)
  )
  return 4 * (case["n_critic"] * discriminator + generator)


def project():
  """What N accelerators would bring at the papers' sizes, on paper.

  A step's time is its arithmetic at a third of the peak; a ring sends and
  receives 2 (N - 1) / N of the gradient, none of it hidden.
  """
  for title, case in compare.train_step(large=True):
    case = case | {"batch": 16}
    sent = gradient_bytes(case)
    flops = step_flops(case)
    print(
      f"{title}: {flops / 1e12:.2f} TFLOP and {sent / 2**20:.0f} MiB of"
      " gradients a step, batch 16 a device"
    )
    for name, (peak, bandwidth) in ACCELERATORS.items():
      compute = flops / (peak * REACHED)
      shares = []
      for n in (2, 8, 32):
        exchange = 2 * (n - 1) / n * sent / bandwidth
        shares.append(f"{n}: {compute / (compute + exchange):.0%}")
      print(f"  {name:36}  efficiency on {', '.join(shares)}")


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
