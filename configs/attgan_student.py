"""Student of an AttGAN: half as wide, and taught as configs/halves.py says."""

from ml_collections import ConfigDict

from akd_jax.configs import attgan, halves


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of an AttGAN that learns from another."""
  return halves.half_of(attgan.get_config, scale)
