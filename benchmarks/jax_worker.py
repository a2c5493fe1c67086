"""akd_jax's side of benchmarks/compare.py: one case, timed on request."""

import functools

import jax
import numpy as np
import worker
from flax.traverse_util import flatten_dict

from akd_jax.common import cache as compilation
from akd_jax.configs import teacher as recipe
from akd_jax.distillation.mapping import Teacher
from akd_jax.inference import translator as inference
from akd_jax.interop import numpy_generator
from akd_jax.training import parallel
from akd_jax.training import step as steps
from akd_jax.training.state import create_networks, create_state


def config_of(case, width, blocks):
  config = recipe.get_config("celeba")
  config.data.image_size = case["size"]
  config.data.attributes = config.data.attributes[: case["classes"]]
  config.generator.width, config.generator.blocks = width, blocks
  config.discriminator.width = case["d_width"]
  config.discriminator.layers = case["d_layers"]
  config.batch_size, config.n_critic = case["batch"], case["n_critic"]
  if case["work"] == "distilled":
    config.distill.akd.weight = 10.0
  return config


def initial(case, prefix=""):
  """Config, networks and first state of a case, or ("t_") of its teacher."""
  config = config_of(case, case[prefix + "width"], case[prefix + "blocks"])
  networks = create_networks(config)
  return config, networks, create_state(config, networks)


def prepare(case):
  """The unit of work that a case (see compare.py) asks for."""
  if case["work"] == "translate":
    return _translation(case)
  step, (state, teacher, data) = training_step(case)
  held = [state]

  def cycle():
    held[0], metrics = step(held[0], teacher, data)
    jax.block_until_ready((held[0], metrics))

  return cycle


def _translation(case):
  _, networks, state = initial(case)
  params = state.generator
  size, classes, batch = case["size"], case["classes"], case["batch"]
  image = np.random.default_rng(0).random((batch, size, size, 3), np.float32)
  label = np.ones((batch, classes), np.float32)
  if case.get("numpy"):
    arrays = jax.device_get(flatten_dict(params, sep="/"))
    return lambda: numpy_generator.generate(arrays, image, label)
  # As a user does it: from bytes to bytes.
  trained = inference.Trained(networks, params, state.discriminator)
  picture = np.uint8(255 * image)
  return lambda: inference.translate(trained, picture, label)


def teaching(case):
  """The teacher of a case, if it has one, and what of it is fixed."""
  if case["work"] != "distilled":
    return None, None
  _, networks, state = initial(case, "t_")
  mapping = np.eye(case["classes"], dtype="f")
  teacher = Teacher(state.generator, state.discriminator)
  return teacher, Distillation(networks, mapping)


def training_step(case):
  """The pmapped step of a case, and its arguments, placed."""
  config, networks, state = initial(case)
  size, classes = case["size"], case["classes"]
  teacher, distillation = teaching(case)
  step = parallel.pmap_step(
    functools.partial(
      steps.train_step,
      networks=networks,
      distillation=distillation,
      config=config,
    )
  )
  random = np.random.default_rng(0)
  shape = (case["n_critic"], case["batch"])
  data = parallel.shard(
    {
      "image": random.integers(0, 256, (*shape, size, size, 3), np.uint8),
      "label": random.integers(0, 2, (*shape, classes), np.uint8),
    }
  )
  return step, (*parallel.replicate((state, teacher)), data)


def main():
  compilation.use_persistent_cache()
  worker.serve(prepare, jax.__version__)


if __name__ == "__main__":
  main()
