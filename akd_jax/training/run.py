"""What a trained run is, wherever it is read from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ml_collections import ConfigDict

from akd_jax.systems.model import Model


class Run(NamedTuple):
  """A trained run, as NumPy arrays.

  Attributes:
    config: fully resolved.
    attributes: names of the classes, in order.
    exclusive: groups of attributes of which at most one is on.
    model: its generator (see `generator_to_use`) and discriminator.
    step: steps done.
    origins: digests of what it has learnt from, "data", "drawing" and
      "teacher"; empty where nobody has kept them.
  """

  config: ConfigDict
  attributes: tuple[str, ...]
  exclusive: tuple[tuple[str, ...], ...]
  model: Model
  step: int
  origins: Mapping[str, str] = MappingProxyType({})
