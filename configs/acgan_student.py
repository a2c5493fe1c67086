"""Student of an ACGAN: half as wide, and taught as configs/halves.py says."""

from ml_collections import ConfigDict

from akd_jax.configs import acgan, halves


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of an ACGAN that learns from another."""
  return halves.half_of(acgan.get_config, scale)
