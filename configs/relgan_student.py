"""Student of a RelGAN: half as wide, and taught by its pictures.

python -m akd_jax.main --config=configs/relgan_student.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  not run here
photos   not run here
celeba   not run here
rafd     not run here
debug    2 CPU cores     seconds    nothing: every part runs

Its teacher, of configs/relgan.py, is trained first where there is none. At
celeba and rafd it learns by attention (configs/halves.py).
"""

from ml_collections import ConfigDict

from akd_jax.configs import halves, relgan


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of a RelGAN that learns from another."""
  return halves.half_of(relgan.get_config, scale)
