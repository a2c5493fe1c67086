"""Student of an AttGAN: half as wide, and taught by its pictures.

python -m akd_jax.main --config=configs/attgan_student.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  1 CPU core      7 min      accuracy 87.0 %, its teacher's 87.1 %
                                    (docs/findings/systems.md)
photos   not run here
celeba   not run here
rafd     not run here
debug    2 CPU cores     seconds    nothing: every part runs

Its teacher, of configs/attgan.py, is trained first where there is none. At
celeba and rafd it learns by attention (configs/halves.py).
"""

from ml_collections import ConfigDict

from akd_jax.configs import attgan, halves


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of an AttGAN that learns from another."""
  return halves.half_of(attgan.get_config, scale)
