"""What distillation adds to the generator's update: time with it over without.

  python benchmarks/akd_overhead.py [--rounds=9] [--out=FILE.jsonl]

The generator's gradient of the student of the embedded recipe, at batch 16,
with the teacher of the embedded recipe and without any; in turns.
"""

import functools
import os
import statistics
import time

import jax
import jax.numpy as jnp
import jax_worker
import results

from akd_jax.common import cache as compilation
from akd_jax.distillation.terms import tapped
from akd_jax.systems.arrangements import GeneratorBatch
from akd_jax.systems.model import Model, translate
from akd_jax.systems.stargan import STARGAN
from akd_jax.training.step import generator_loss

CASE = {
  "size": 64, "classes": 7, "batch": 16, "d_width": 32, "d_layers": 5,
  "n_critic": 1, "width": 8, "blocks": 3, "t_width": 16, "t_blocks": 6,
}  # fmt: skip


def gradients():
  """{with or without: a function that takes the generator's gradient}."""
  keys = jax.random.split(jax.random.key(0), 3)
  image = jax.random.uniform(keys[0], (16, 64, 64, 3), minval=-1)
  label, target = (
    jax.random.bernoulli(key, shape=(16, 7)).astype(jnp.float32)
    for key in keys[1:]
  )
  functions = {}
  for name, work in (("without", "plain"), ("with", "distilled")):
    case = CASE | {"work": work}
    config, networks, state = jax_worker.initial(case)
    teacher = jax_worker.taught_by(case)
    names = tapped(config, STARGAN, networks) if teacher else ()

    def loss(
      params, discriminator, teacher, batch,
      networks=networks, names=names, config=config,
    ):  # fmt: skip
      model = Model(params, discriminator, networks)
      translation = translate(model, batch.image, batch.target, names)
      return generator_loss(model, translation, teacher, batch, config)

    batch = GeneratorBatch(state.step, image, label, target, target)
    functions[name] = functools.partial(
      jax.jit(jax.grad(loss, has_aux=True)),
      state.generator, state.discriminator, teacher, batch,
    )  # fmt: skip
  return functions


def seconds(function):
  start = time.perf_counter()
  for _ in range(5):
    jax.block_until_ready(function())
  return (time.perf_counter() - start) / 5


def main():
  parser = results.parser(__doc__)
  parser.add_argument("--rounds", type=int, default=9)
  options = parser.parse_args()
  compilation.use_persistent_cache()
  functions = gradients()
  for function in functions.values():
    seconds(function)
  rounds = [
    {name: seconds(function) for name, function in functions.items()}
    for _ in range(options.rounds)
  ]
  ratios = sorted(times["with"] / times["without"] for times in rounds)
  row = {
    "benchmark": "akd_overhead",
    "without_s": round(statistics.median(x["without"] for x in rounds), 5),
    "with_s": round(statistics.median(x["with"] for x in rounds), 5),
    "ratio": round(statistics.median(ratios), 3),
    "ratio_min": round(ratios[0], 3),
    "ratio_max": round(ratios[-1], 3),
    "rounds": options.rounds,
    "jax": jax.__version__,
    "device": jax.devices()[0].device_kind,
    "cores": os.cpu_count(),
  }
  results.append(options.out, row)
  print(
    f"generator's update: {row['without_s']:.4f} s without distillation,"
    f" {row['with_s']:.4f} s with it, ratio {row['ratio']:.2f}"
    f" ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})"
  )


if __name__ == "__main__":
  main()
