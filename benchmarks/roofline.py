"""How close a training step comes to what the machine can do.

  python benchmarks/roofline.py [--large] [--rounds=5] [--out=FILE.jsonl]

Arithmetic of a step by hand (arithmetic.py) and by XLA's own count, the rate
it runs at, that rate beside this machine's matrix product's, and the memory it
takes. An accelerator's share is among what accelerator.sh measures.
"""

import json
import os
import resource
import statistics
import subprocess
import sys

import compare
import jax
import jax_worker
import results
import worker
from arithmetic import step_flops
from product import product_rate

from akd_jax.common import cache as compilation


def measure(title, case, rounds):
  """One row; run in a process of its own, whose peak memory is the step's."""
  step, arguments = jax_worker.training_step(case)
  compiled = step.lower(*arguments).compile()
  cost, memory = compiled.cost_analysis(), compiled.memory_analysis()
  cost = cost[0] if isinstance(cost, list) else cost
  unit = jax_worker.prepare(case)
  worker.timed(unit, 1)
  times, peaks = [], []
  for _ in range(rounds):
    peaks.append(product_rate())
    times.append(worker.timed(unit, 1)["seconds"])
  seconds, peak = statistics.median(times), statistics.median(peaks)
  flops = step_flops(case)
  return {
    "benchmark": "roofline",
    "case": title,
    "size": case["size"],
    "batch": case["batch"],
    "seconds": round(seconds, 4),
    "gflop_by_hand": round(flops / 1e9, 2),
    "gflop_by_xla": round(cost["flops"] / 1e9, 2),
    "gflop_per_s": round(flops / seconds / 1e9, 1),
    "product_gflop_per_s": round(peak / 1e9, 1),
    "share_of_product": round(flops / seconds / peak, 3),
    "temporary_mib": round(memory.temp_size_in_bytes / 2**20, 1),
    "process_peak_mib": round(
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    ),
    "jax": jax.__version__,
    "device": jax.devices()[0].device_kind,
    "cores": os.cpu_count(),
  }


def main():
  parser = results.parser(__doc__)
  parser.add_argument("--rounds", type=int, default=5)
  parser.add_argument("--large", action="store_true", help="the papers' sizes")
  parser.add_argument("--case", help="one of the cases, for this process")
  options = parser.parse_args()
  if options.case:
    compilation.use_persistent_cache()
    title, case = json.loads(options.case)
    print(json.dumps(measure(title, case, options.rounds)))
    return
  for title, case in compare.train_step(options.large):
    done = subprocess.run(
      [
        sys.executable, __file__, f"--rounds={options.rounds}",
        f"--case={json.dumps([title, case])}",
      ],
      stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    row = json.loads(done.stdout.splitlines()[-1])
    results.append(options.out, row)
    print(
      f"{title:24}  {row['size']:3} px  batch {row['batch']:2}"
      f"  {row['gflop_by_hand']:7.1f} GFLOP (XLA {row['gflop_by_xla']:7.1f})"
      f"  {row['seconds']:7.3f} s  {row['gflop_per_s']:6.1f} GFLOP/s"
      f"  {row['share_of_product']:.0%} of a matrix product's"
      f"  {row['process_peak_mib']} MiB",
      flush=True,
    )


if __name__ == "__main__":
  main()
