"""StarGAN of two label sets at once, as on CelebA and RaFD together.

python -m akd_jax.main --config=configs/both.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  1 CPU core      19 min     with 1,200 steps of 6,000: attributes
                                    85.4 %, expressions 41.3 %
                                    (docs/method.md)
photos   not run here               yours, and a folder of classes:
                                    --config.data.second.path=FOLDER
celeba   not run here               CelebA's attributes, RaFD's expressions:
                                    --config.data.second.path=RAFD
rafd     not run here               the same
debug    2 CPU cores     a minute   nothing: every part runs

What is trained is used by the label set: first.npz (attributes) and second.npz
(expressions) in the run's directory are runs like any other, to evaluate, to
export and to teach. configs/teacher.py explains the fields.
"""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.configs.data import RAFD
from akd_jax.configs.scales import changed

_RAFD = {
  name.removeprefix("data."): value
  for name, value in RAFD.items()
  if name.startswith("data.")
}
# Other faces than those whose attributes are known.
_AVATARS = {
  "attributes": _RAFD["attributes"],
  "label_rule": "exclusive",
  "seed": 1,
}
# {scale: the fields in which the second label set differs from the first}.
_SECOND: dict[str, dict[str, Any]] = {
  "avatars": _AVATARS,
  "photos": {
    "name": "photos",
    "path": "",
    "csv": "",
    "attributes": (),
    "label_rule": "exclusive",
  },
  "celeba": _RAFD | {"path": "", "csv": ""},
  "rafd": _RAFD | {"path": "", "csv": ""},
  "debug": _AVATARS,
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of a StarGAN of two label sets at one of the scales."""
  first = teacher.get_config("celeba" if scale == "rafd" else scale)
  fields = {"generator.label_sets": 2, "data.second": _SECOND[scale]}
  # Each has two updates of the generator: as many as a teacher has.
  if scale in ("avatars", "photos"):
    fields["steps"] = first.steps // 2
  return changed(first, fields)
