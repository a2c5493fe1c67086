"""akd_jax's side of compare.py and accelerator.py: one case at a time."""

import functools
import gzip
import time

import jax
import kernels
import numpy as np
import worker
from flax.traverse_util import flatten_dict
from product import product_rate

from akd_jax.common import cache as compilation
from akd_jax.configs import attgan, relgan
from akd_jax.configs import teacher as recipe
from akd_jax.distillation.mapping import Teacher
from akd_jax.inference.network import Wanted
from akd_jax.inference.translator import Translator, translate
from akd_jax.interop import numpy_generator
from akd_jax.systems import system_of
from akd_jax.systems.stargan import STARGAN
from akd_jax.training import parallel
from akd_jax.training.state import create_state
from akd_jax.training.step import train_step

RECIPES = {"attgan": attgan, "relgan": relgan}


def config_of_system(case):
  """The recipe that a case of another system than StarGAN is of."""
  config = RECIPES[case["system"]].get_config(case["scale"])
  config.batch_size = case["batch"]
  config.optimizer.ema = 0.0  # the peer has none
  return config


def config_of(case, width, blocks):
  config = recipe.get_config("celeba")
  config.data.image_size = case["size"]
  config.data.attributes = config.data.attributes[: case["classes"]]
  config.generator.width, config.generator.blocks = width, blocks
  config.discriminator.width = case["d_width"]
  config.discriminator.layers = case["d_layers"]
  config.batch_size, config.n_critic = case["batch"], case["n_critic"]
  config.dtype = case.get("dtype", "float32")
  if case["work"] == "distilled":
    config.distill.akd.weight = 10.0
  return config


def initial(case, prefix=""):
  """Config, networks and first state of a case, or ("t_") of its teacher."""
  if "system" in case:
    config = config_of_system(case)
  else:
    config = config_of(case, case[prefix + "width"], case[prefix + "blocks"])
  networks = system_of(config).create_networks(config)
  return config, networks, create_state(config, networks)


def prepare(case):
  """The unit of work that a case asks for.

  `case["work"]` is "plain" or "distilled", a cycle of training; "translate",
  from bytes in the host's memory to bytes, as users do it; or "forward", the
  network alone.
  """
  if case["work"] == "translate":
    return _translation(case)
  if case["work"] == "forward":
    return _forward(case)
  return Cycle(case)


class Cycle:
  """A cycle of training, as a unit of work (worker.Unit)."""

  def __init__(self, case):
    self.step, (self.state, *self.rest) = training_step(case)
    self.metrics = None

  def start(self):
    self.state, self.metrics = self.step(self.state, *self.rest)

  def wait(self):
    jax.block_until_ready((self.state, self.metrics))

  @functools.cached_property
  def program(self):
    """The compiled step; the persistent cache holds it once it has run."""
    return self.step.lower(self.state, *self.rest).compile()


def _pictures(case):
  """Random pictures in [0, 1], and labels."""
  size, classes, batch = case["size"], case["classes"], case["batch"]
  image = np.random.default_rng(0).random((batch, size, size, 3), np.float32)
  return image, np.ones((batch, classes), np.float32)


def _translation(case):
  _, networks, state = initial(case)
  params = state.generator
  image, label = _pictures(case)
  if case.get("numpy"):
    arrays = jax.device_get(flatten_dict(params, sep="/"))
    return worker.Unit(
      lambda: numpy_generator.generate(arrays, image, label), lambda: None
    )
  own = np.eye(case["classes"], dtype=np.float32)
  translator = Translator(
    "generator", (), STARGAN, state.model(networks), own, STARGAN, own
  )
  asked = Wanted(label, label, label)
  picture = np.uint8(255 * image)
  return worker.Unit(
    lambda: translate(translator, picture, asked), lambda: None
  )


def _forward(case):
  _, networks, state = initial(case)
  forward = jax.jit(
    lambda params, *inputs: networks.generator.apply(
      {"params": params}, *inputs
    )[0]
  )
  inputs = jax.device_put(_pictures(case))
  held = [None]

  def start():
    held[0] = forward(state.generator, *inputs)

  return worker.Unit(start, lambda: jax.block_until_ready(held))


def taught_by(case):
  """The teacher of a case, if it has one."""
  if case["work"] != "distilled":
    return None
  config, networks, state = initial(case, "t_")
  mapping = np.eye(case["classes"], dtype="f")
  attributes = tuple(config.data.attributes)
  return Teacher(state.model(networks), mapping, STARGAN, attributes)


def training_step(case):
  """The pmapped step of a case, and its arguments, placed."""
  config, networks, state = initial(case)
  size, classes = case["size"], case["classes"]
  teacher = taught_by(case)
  step = parallel.pmap_step(
    functools.partial(train_step, networks=networks, config=config)
  )
  random = np.random.default_rng(0)
  shape = (system_of(config).micro_batches(config), case["batch"])
  data = parallel.shard(
    {
      "image": random.integers(0, 256, (*shape, size, size, 3), np.uint8),
      "label": random.integers(0, 2, (*shape, classes), np.uint8),
    }
  )
  return step, (*parallel.replicate((state, teacher)), data)


class Side:
  """What the worker answers."""

  def build(self, case):
    """Makes the unit; returns the seconds until it has run once, compiled."""
    start = time.perf_counter()
    self.unit = None  # its memory is free for the next
    self.unit = prepare(case)
    worker.timed(self.unit, 1)
    device = jax.devices()[0]
    return {
      "jax": jax.__version__,
      "device": device.device_kind,
      "build_s": round(time.perf_counter() - start, 1),
    }

  def warm(self):
    """Returns the seconds of a unit."""
    worker.timed(self.unit, 2)
    return worker.timed(self.unit, 3)

  def time(self, repeat):
    return worker.timed(self.unit, repeat)

  def memory(self):
    """Most that was allocated at once, compiling included; None where the
    device does not tell."""
    peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    return {"mib": peak and round(peak / 2**20)}

  def program(self, text):
    """What the compiled cycle asks for; itself goes, compressed, to `text`."""
    with gzip.open(text, "wt") as file:
      file.write(self.unit.program.as_text())
    needs = self.unit.program.memory_analysis()
    size = (
      needs.argument_size_in_bytes
      + needs.output_size_in_bytes
      + needs.temp_size_in_bytes
      - needs.alias_size_in_bytes
    )
    return {"program_mib": round(size / 2**20)}

  def profile(self, repeat):
    return kernels.profile(self.unit, repeat)

  def rates(self, side, repeat):
    """FLOP/s of matrix products, by type of number."""
    return {
      "float32": product_rate(side, np.float32, "highest", repeat),
      "tf32": product_rate(side, np.float32, None, repeat),
      "bfloat16": product_rate(side, jax.numpy.bfloat16, None, repeat),
    }


def main():
  compilation.use_persistent_cache()
  jax.devices()  # takes seconds: not when the work is asked for
  side = Side()
  names = ("build", "warm", "time", "memory", "program", "profile", "rates")
  worker.serve({name: getattr(side, name) for name in names})


if __name__ == "__main__":
  main()
