"""Student by the papers' attention distillation, and nothing else.

python -m akd_jax.main --config=configs/attention.py[:ARG]

configs/student.py holds the recipe. On avatars and photos its own is another
(docs/findings/distillation.md). At photos networks and losses are those of our
teacher of photos, which the papers do not have: a blend, resize-convolutions,
adversarial examples.
"""

from ml_collections import ConfigDict

from akd_jax.configs import student


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the papers' recipe: a smaller generator, and L_akd."""
  return student.by_attention(scale)
