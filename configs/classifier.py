"""Attribute classifier: it says which attributes a picture has.

  python -m akd_jax.main --config=configs/classifier.py[:ARG]

It sees the training split only; its accuracy on the test split stands beside
every table. `python -m akd_jax.evaluate` trains it, too, where it is not there.

  ARG      hardware        time       right on the test split
  avatars  2 CPU cores     1 min      99.65 % (it is shipped)
  photos   1 CPU core                 91.5 % (14,921 photos of CelebA)
  celeba   not run here
  rafd     not run here
  debug    2 CPU cores     a minute   nothing: every part runs
"""

from ml_collections import ConfigDict

from akd_jax.configs import teacher


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the sections of the teacher's recipe that it depends on."""
  recipe = teacher.get_config(scale)
  config = ConfigDict()
  config.data = recipe.data
  config.classifier = recipe.classifier
  return config
