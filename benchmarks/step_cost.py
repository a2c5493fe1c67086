"""Seconds of a training step of each network of an experiment, in turns.

  python benchmarks/step_cost.py --name=distillation [--rounds=5]

By these an experiment trains its variants equally long: steps = time / seconds.
Run it where nothing else runs.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jax
from ml_collections import ConfigDict

from akd_jax.common import cache as compilation
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.experiments.plan import plan_replicate
from akd_jax.experiments.single_run import train_with_teacher
from akd_jax.training import parallel, preparation
from akd_jax.training.loop import make_steps

# Steps of a variant in a round: in every fourth the discriminator may learn.
_STEPS = 8


def trainer(config: ConfigDict) -> Callable[[], float]:
  """Returns a function that does some steps: their mean seconds."""
  with contextlib.ExitStack() as stack:
    run = preparation.prepare(config, tempfile.mkdtemp(), (), stack)
  step_of = make_steps(run.config, run.networks)
  state, teacher = parallel.replicate((run.state, run.teacher))
  kept = {"state": state, "step": 0}

  def work() -> float:
    batches = [parallel.shard(next(run.batches)) for _ in range(_STEPS)]
    started = time.perf_counter()
    for batch in batches:
      kept["step"] += 1
      function = step_of(kept["step"])
      kept["state"], _ = function(kept["state"], teacher, batch)
    jax.block_until_ready(kept["state"])
    return (time.perf_counter() - started) / _STEPS

  work()  # It compiles.
  return work


def recipes(name: str) -> dict[str, ConfigDict]:
  """Returns those of an experiment's variants, and of the teachers it trains.

  Each such teacher is there, after a single step.
  """
  name, _, scale = name.partition(":")
  variants = EXPERIMENTS[name](scale or "avatars").variants
  replicate = plan_replicate(variants, 0, Path(tempfile.mkdtemp()))
  for run in replicate.teachers.values():
    once = run.config.copy_and_resolve_references()
    once.steps = 1
    train_with_teacher(once, str(run.workdir))
  return {name: run.config for name, run in replicate.runs.items()}


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("--name", required=True, help="of an experiment")
  parser.add_argument("--rounds", type=int, default=5)
  options = parser.parse_args()
  compilation.use_persistent_cache()
  trainers = {x: trainer(y) for x, y in recipes(options.name).items()}
  seconds = {name: [] for name in trainers}
  for _ in range(options.rounds):
    for name, work in trainers.items():
      seconds[name].append(work())
  for name, found in seconds.items():
    print(
      f"{name:28} {statistics.median(found):.3f} s a step"
      f" ({min(found):.3f} to {max(found):.3f})"
    )


if __name__ == "__main__":
  main()
