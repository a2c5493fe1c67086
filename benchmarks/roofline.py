"""How close a training step comes to what the machine can do.

  python benchmarks/roofline.py [--large] [--rounds=5] [--out=FILE.jsonl]

Arithmetic of a step by hand (below) and by XLA's own count, the rate it runs
at, that rate beside this machine's matrix product's, and the memory it takes.
On an accelerator the same command says what share of its peak is used.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time

import compare
import jax
import jax.numpy as jnp
import jax_worker
import results

from akd_jax.common import cache as compilation

# Side of the matrices whose product stands for the machine's peak.
_PRODUCT = 2048


def generator_macs(size, classes, width, blocks):
  """Multiply-accumulates of one picture: (up to the last block, after it)."""
  half, quarter = (size // 2) ** 2, (size // 4) ** 2
  encoder = size**2 * 49 * (3 + classes) * width
  encoder += half * 16 * width * 2 * width
  encoder += quarter * 16 * 2 * width * 4 * width
  encoder += 2 * blocks * quarter * 9 * (4 * width) ** 2
  # A transposed convolution does its work at the pixels it starts from.
  decoder = quarter * 16 * 4 * width * 2 * width
  decoder += half * 16 * 2 * width * width
  decoder += size**2 * 49 * width * 3
  return encoder, decoder


def discriminator_macs(size, classes, width, layers):
  macs, inputs = 0, 3
  for i in range(layers):
    size, outputs = size // 2, width * 2**i
    macs += size**2 * 16 * inputs * outputs
    inputs = outputs
  return macs + size**2 * inputs * (9 + classes)


def step_flops(case):
  """Two a multiply-accumulate, counted as passes through each network.

  A pass is one of: forward, gradient of the input, gradient of the weights.
  An update of D: 3 for the real picture, 3 for the fake, 4 for the penalty
  (forward, its gradient to the picture, and both factors of that gradient).
  One of G: 3 for each of its two runs, and D forward and back to the picture;
  the first of its fakes is the last of D's, but with L_akd.
  L_akd: the teacher forward; its D forward and back, its decoder back; the
  same for the student, and once more each way through what was differentiated.
  """
  shape = case["size"], case["classes"]
  judge = discriminator_macs(*shape, case["d_width"], case["d_layers"])
  encoder, decoder = generator_macs(*shape, case["width"], case["blocks"])
  generator = encoder + decoder
  macs = case["n_critic"] * (generator + 10 * judge) + 5 * generator + 2 * judge
  if case["work"] == "distilled":
    taught = generator_macs(*shape, case["t_width"], case["t_blocks"])
    macs += generator + sum(taught) + 2 * judge + taught[1]
    macs += 3 * judge + 3 * decoder
  return 2 * macs * case["batch"]


def product_rate():
  """FLOP/s of a float32 matrix product: what the machine can do."""
  a = jnp.ones((_PRODUCT, _PRODUCT))
  product = jax.jit(lambda a: a @ a)
  jax.block_until_ready(product(a))
  times = []
  for _ in range(9):
    start = time.perf_counter()
    jax.block_until_ready(product(a))
    times.append(time.perf_counter() - start)
  return 2 * _PRODUCT**3 / min(times)


def measure(title, case, rounds):
  """One row; run in a process of its own, whose peak memory is the step's."""
  step, arguments = jax_worker.training_step(case)
  compiled = step.lower(*arguments).compile()
  cost, memory = compiled.cost_analysis(), compiled.memory_analysis()
  cost = cost[0] if isinstance(cost, list) else cost
  cycle = jax_worker.prepare(case)
  cycle()
  times, peaks = [], []
  for _ in range(rounds):
    peaks.append(product_rate())
    start = time.perf_counter()
    cycle()
    times.append(time.perf_counter() - start)
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
