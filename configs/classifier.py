r"""The judge: the classifier that says which attributes a picture has.

  python -m akd_jax.main \
      --config=configs/classifier.py[:avatars|celeba|rafd|debug]

`python -m akd_jax.evaluate` trains the same one where it is not there yet. It
sees the training split only; its accuracy on the test split stands beside every
table.

  ARG      hardware        time       right on the test split
  avatars  2 CPU cores     1 min      99.7 % (docs/results.md)
  celeba   not run here
  rafd     not run here
  debug    2 CPU cores     seconds    nothing: every part runs
"""

from ml_collections import ConfigDict

from akd_jax.configs import teacher


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns what of the teacher's recipe its judge depends on."""
  recipe = teacher.get_config(scale)
  config = ConfigDict()
  config.data = recipe.data
  config.classifier = recipe.classifier
  return config
