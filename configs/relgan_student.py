"""Student of a RelGAN: half as wide, and taught as configs/halves.py says."""

from ml_collections import ConfigDict

from akd_jax.configs import halves, relgan


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of a RelGAN that learns from another."""
  return halves.half_of(relgan.get_config, scale)
