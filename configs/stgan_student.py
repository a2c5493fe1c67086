"""Student of an STGAN: half as wide, and taught as configs/halves.py says."""

from ml_collections import ConfigDict

from akd_jax.configs import halves, stgan


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of an STGAN that learns from another."""
  return halves.half_of(stgan.get_config, scale)
