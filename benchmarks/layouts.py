"""The same global batch on other processes and devices: how far they differ.

  python benchmarks/layouts.py [--layouts=1x1,1x4,2x2,4x1] [--steps=20]

PROCESSESxDEVICES, a small distilled student, on virtual devices of this
machine: the largest difference to the first layout, as a share of the largest
value, of the first step's losses and gradients, and in float64 of the losses
and weights after all steps. (In float32 Adam makes a step of a gradient that is
nothing but rounding, so that later steps say nothing.) Exits with 1 where one
is above 1e-5.
"""

import argparse
import functools
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

import numpy as np

LIMIT = 1e-5
CASE = {
  "work": "distilled",
  "size": 32,
  "classes": 3,
  "batch": 8,
  "n_critic": 1,
  "width": 8,
  "blocks": 1,
  "d_width": 8,
  "d_layers": 3,
  "t_width": 8,
  "t_blocks": 2,
}


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("--layouts", default="1x1,1x4,2x2,4x1")
  parser.add_argument("--steps", type=int, default=20, help="in float64")
  parser.add_argument("--process", nargs=5, help="one process, of this script")
  options = parser.parse_args()
  if options.process:
    return train(*options.process)
  layouts = options.layouts.split(",")
  worst = 0.0
  for dtype, steps in (("float32", 1), ("float64", options.steps)):
    first = None
    for layout in layouts:
      found = measure(layout, dtype, steps)
      first = first or found
      differences = {
        name: max(differ(a, b) for a, b in zip(first[name], found[name]))  # noqa: B905 - one program wrote both
        for name in first
      }
      worst = max(worst, *differences.values())
      print(
        f"{dtype}  {layout}  "
        + "  ".join(f"{name} {x:.1e}" for name, x in differences.items()),
        flush=True,
      )
  return int(worst > LIMIT)


def differ(a, b):
  """The largest difference, as a share of the largest value."""
  return float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-30))


def measure(layout, dtype, steps):
  """{what: arrays} of a layout, whose processes this starts."""
  processes, devices = map(int, layout.split("x"))
  with socket.create_server(("localhost", 0)) as server:
    port = server.getsockname()[1]
  with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder, "found.npz")
    running = [
      subprocess.Popen(
        [sys.executable, __file__, "--process", f"localhost:{port}",
         str(processes), str(index), str(steps), str(out)],
        env=os.environ | {
          "JAX_PLATFORMS": "cpu",
          "JAX_NUM_CPU_DEVICES": str(devices),
          "JAX_ENABLE_X64": str(int(dtype == "float64")),
        },
        stdout=subprocess.DEVNULL,
      )
      for index in range(processes)
    ]  # fmt: skip
    if any([process.wait() for process in running]):
      raise SystemExit(f"{layout} failed")
    with np.load(out) as arrays:
      found = {}
      for name in arrays.files:
        found.setdefault(name.split("/")[0], []).append(arrays[name])
      return found


def train(coordinator, processes, index, steps, out):
  """What one process does; the first writes what came of it."""
  import jax
  import jax.numpy as jnp

  wide = jax.config.jax_enable_x64
  if wide:
    # Before the rooms are imported: every float32 of theirs is float64.
    jnp.float32 = jnp.float64
  import jax_worker

  from akd_jax.common import pod
  from akd_jax.training import parallel
  from akd_jax.training.step import train_step

  processes, index = int(processes), int(index)
  if processes > 1:
    pod.join(coordinator, processes, index, debug=False)
  case = CASE | {"dtype": "float64" if wide else "float32"}
  config, networks, state = jax_worker.initial(case)
  config.steps = 1000
  widened = functools.partial(
    jax.tree.map,
    lambda x: x.astype(jnp.float32) if x.dtype.kind == "f" else x,
  )
  step = parallel.pmap_step(
    functools.partial(train_step, networks=networks, config=config)
  )
  state, teacher = parallel.replicate(
    widened((state, jax_worker.taught_by(case)))
  )
  share = case["batch"] // processes
  mine = slice(index * share, (index + 1) * share)
  random = np.random.default_rng(0)
  shape = (case["n_critic"], case["batch"])
  found = {}
  for number in range(1, int(steps) + 1):
    image = random.integers(0, 256, (*shape, 32, 32, 3), np.uint8)
    label = random.integers(0, 2, (*shape, case["classes"]), np.uint8)
    data = {"image": image[:, mine], "label": label[:, mine]}
    state, metrics = step(state, teacher, parallel.shard(data))
    if number == 1:
      keep(found, "losses", losses(metrics))
      # Adam's first moment: (1 - beta1) of the first gradient.
      keep(found, "G", state.generator_moments.mu)
      keep(found, "D", state.discriminator_moments.mu)
  if int(steps) > 1:
    keep(found, f"losses_{steps}", losses(metrics))
    keep(found, f"weights_{steps}", (state.generator, state.discriminator))
  if not parallel.is_in_sync(state):
    raise SystemExit("replicas differ")
  if index == 0:
    np.savez(out, **found)
  if processes > 1:
    pod.part(0)


def losses(metrics):
  return np.array([float(x) for k, x in sorted(metrics.items()) if "loss" in k])


def keep(found, name, tree):
  import jax

  leaves = [np.ravel(x) for x in jax.tree.leaves(jax.device_get(tree))]
  found[f"{name}/0"] = np.concatenate(leaves)


if __name__ == "__main__":
  sys.exit(main())
