"""akd_jax's side of benchmarks/compare.py: one case, timed on request."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import worker

from akd_jax import compilation, parallel, steps
from akd_jax.configs import teacher as recipe
from akd_jax.distillation import Distillation, Teacher
from akd_jax.state import create_networks, create_state


def config_of(case, width, blocks):
  config = recipe.get_config("celeba")
  config.data.image_size = case["size"]
  config.data.attributes = config.data.attributes[: case["classes"]]
  config.generator.width, config.generator.blocks = width, blocks
  config.discriminator.width = case["d_width"]
  config.discriminator.layers = case["d_layers"]
  config.batch_size, config.n_critic = case["batch"], case["n_critic"]
  if case["work"] == "distilled":
    config.loss.lambda_akd = 10.0
  return config


def prepare(case):
  """The unit of work that a case (see compare.py) asks for."""
  config = config_of(case, case["width"], case["blocks"])
  networks = create_networks(config)
  state = create_state(config, networks)
  size, classes, batch = case["size"], case["classes"], case["batch"]
  random = np.random.default_rng(0)
  if case["work"] == "translate":
    image = jnp.asarray(random.random((batch, size, size, 3), np.float32))
    label = jnp.ones((batch, classes))
    generate = jax.jit(lambda p, x, c: networks.generator.apply(p, x, c)[0])
    params = {"params": state.generator}
    return lambda: jax.block_until_ready(generate(params, image, label))

  teacher = distillation = None
  if case["work"] == "distilled":
    theirs = config_of(case, case["t_width"], case["t_blocks"])
    their_networks = create_networks(theirs)
    initial = create_state(theirs, their_networks)
    teacher = Teacher(initial.generator, initial.discriminator)
    distillation = Distillation(their_networks, np.eye(classes, dtype="f"))
  step = parallel.pmap_step(
    functools.partial(
      steps.train_step,
      networks=networks,
      distillation=distillation,
      config=config,
    )
  )
  shape = (case["n_critic"], batch)
  data = parallel.shard(
    {
      "image": random.integers(0, 256, (*shape, size, size, 3), np.uint8),
      "label": random.integers(0, 2, (*shape, classes), np.uint8),
    }
  )
  held = list(parallel.replicate((state, teacher)))

  def cycle():
    held[0], metrics = step(*held, data)
    jax.block_until_ready((held[0], metrics))

  return cycle


def main():
  compilation.use_persistent_cache()
  worker.serve(prepare, jax.__version__)


if __name__ == "__main__":
  main()
