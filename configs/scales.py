"""What ARG stands for: a data set, at a size for the machine at hand.

Each scale is a mapping of the fields in which it differs from what is published
on CelebA. Sizes of networks and weights of losses are in the recipe of each
system, as StarGAN's are in `configs/teacher.py`.
"""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs.data import AVATARS, PHOTOS, RAFD

# {scale: {dotted name of a field: its value}}.
Deltas = Mapping[str, Mapping[str, Any]]

# Minutes to an hour and a half on two CPU cores.
LAPTOP: dict[str, Any] = {
  "steps": 12_000,
  "batch_size": 8,
  "data.image_size": 64,
  # Short runs end less noisy with a running average.
  "optimizer.ema": 0.999,
  "log_every": 20,
  "sample_every": 500,
  "checkpoint_every": 200,
  "classifier.name": "resnet18",
  "classifier.width": 16,
  "evaluation.images": 1_024,
  "evaluation.probe_images": 128,
}
# A minute, mostly of compiling: every part runs, and nothing is learnt.
DEBUG: dict[str, Any] = LAPTOP | {
  "steps": 4,
  "batch_size": 4,
  "data.image_size": 32,
  "data.sizes": {"train": 64, "validation": 16, "test": 32},
  "log_every": 1,
  "sample_every": 2,
  "checkpoint_every": 2,
  "held_out.images": 4,
  "classifier.width": 4,
  "classifier.epochs": 1,
  "classifier.batch_size": 16,
}

SCALES: Deltas = {
  "avatars": AVATARS | LAPTOP,
  "photos": PHOTOS | LAPTOP | {"steps": 5_000},
  "celeba": {},
  "rafd": RAFD,
  "debug": AVATARS | DEBUG,
}


def changed(config: ConfigDict, fields: Mapping[str, Any]) -> ConfigDict:
  """Returns a copy with some fields, by their dotted names, set.

  Raises:
    KeyError: the config has no such field.
  """
  copy = ConfigDict(config.to_dict())
  copy.lock()
  copy.update_from_flattened_dict(fields)
  return copy.unlock()


def at_scale(config: ConfigDict, scale: str, deltas: Deltas) -> ConfigDict:
  """Returns a copy with the fields that `deltas` have for a scale, if any.

  Raises:
    ValueError: there is no such scale; the message names them all.
  """
  if scale not in SCALES:
    raise ValueError(
      f"there is no scale {scale!r}: there are {', '.join(SCALES)}"
    )
  return changed(config, deltas.get(scale, {}))
