"""Which arrays a config's networks have: what is read back must be these."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import traverse_util
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.systems import system_of
from akd_jax.systems.model import STATISTICS, Networks

# Beyond any network: so many layers would take forever to be counted.
_DEEPEST = 1_000
_DEPTHS = ("blocks", "layers")

# Array -> shape, by paths such as generator/output/kernel.
Shapes = dict[str, tuple[int, ...]]


def parameter_shapes(config: ConfigDict, where: str) -> Shapes:
  """Returns the shape of each array of a config's networks; nothing is made.

  Args:
    config: resolved.
    where: the file that the config is from, for errors.

  Raises:
    UserError: it describes no network.
  """
  attributes = config.data.attributes
  if "exclusive" not in config.data or not attributes:
    raise UserError(f"the config in {where} names no attributes")
  if not all(isinstance(name, str) for name in attributes):
    raise UserError(f"the attributes in {where} are {list(attributes)}")
  try:
    _check_depths(config)
    params = network_shapes(config)
  except Exception as error:  # There is no end to what a config may ask for.
    reason = " ".join(str(error).split())[:200]
    raise UserError(
      f"the config in {where} describes no network: {reason}"
    ) from error
  flat = traverse_util.flatten_dict(params, sep="/")
  return {name: tuple(leaf.shape) for name, leaf in flat.items()}


def _check_depths(config: ConfigDict) -> None:
  for field in system_of(config).fields:
    section, _, name = field.rpartition(".")
    if name in _DEPTHS and not 0 < config[section][name] <= _DEEPEST:
      raise UserError(f"it has {field}={config[section][name]}")


def network_shapes(config: ConfigDict) -> dict[str, Any]:
  """Returns the shapes of all arrays of a config's networks.

  Returns:
    {"generator" and "discriminator": parameters, "statistics": the generator's,
    where it has any}.
  """
  networks = system_of(config).create_networks(config)
  size, classes = config.data.image_size, len(config.data.attributes)
  return _network_shapes(networks, size, classes)


# Tracing takes a second, and many runs have the same networks.
@functools.cache
def _network_shapes(
  networks: Networks, size: int, classes: int
) -> dict[str, Any]:
  image = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
  label = jax.ShapeDtypeStruct((1, classes), jnp.float32)
  key = jax.eval_shape(lambda: jax.random.key(0))
  generator = jax.eval_shape(networks.generator.init, key, image, label)
  discriminator = jax.eval_shape(networks.discriminator.init, key, image)
  trees = {
    "generator": generator["params"],
    "discriminator": discriminator["params"],
  }
  if STATISTICS in generator:
    trees["statistics"] = generator[STATISTICS]
  return trees


def check_shapes(
  networks: Mapping[str, Any], config: ConfigDict, where: str
) -> None:
  """Compares parameters, nested by network, with those of the config.

  Raises:
    UserError: an array is missing, is one too many or has another shape.
  """
  expected = parameter_shapes(config, where)
  flat = traverse_util.flatten_dict(dict(networks), sep="/")
  for name in sorted(expected.keys() | flat.keys()):
    found = jnp.shape(flat[name]) if name in flat else "missing"
    wanted = expected.get(name, "no array of its config")
    if found != wanted:
      raise UserError(f"{where}: {name} is {found} and should be {wanted}")
