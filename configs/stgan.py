"""STGAN teacher (Liu et al., 2019): AttGAN told what is to change.

python -m akd_jax.main --config=configs/stgan.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  2 CPU cores     12 min     with 5,143 steps of 12,000: 73.9 %
                                    (docs/findings/systems.md)
photos   not run here
celeba   not run here
rafd     not run here
debug    2 CPU cores     a minute   nothing: every part runs

configs/teacher.py and configs/attgan.py explain the fields that are not here.
Published are all numbers at celeba, but for the crop, as in configs/attgan.py.
At the other scales sizes and steps are ours.
"""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import attgan
from akd_jax.configs.scales import SCALES, Deltas, at_scale

# AttGAN's, and as many skips as there are.
_SKIPS: dict[str, Any] = {
  "generator.shortcut": 3,
  "generator.inject": 3,
  "generator.unit_width": 16,
  "generator.unit_inject": 3,
}
_DEBUG_SKIPS: dict[str, Any] = {
  "generator.shortcut": 2,
  "generator.inject": 2,
  "generator.unit_width": 4,
  "generator.unit_inject": 2,
}
_AT_SCALE: Deltas = {
  "avatars": attgan.LAPTOP | _SKIPS,
  "photos": attgan.LAPTOP | _SKIPS,
  "debug": attgan.DEBUG | _DEBUG_SKIPS,
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of an STGAN at one of the scales."""
  return at_scale(at_scale(_papers(), scale, SCALES), scale, _AT_SCALE)


def _papers() -> ConfigDict:
  """Returns the published recipe on CelebA."""
  config = attgan.papers()
  # AttGAN, with units that choose what goes on.
  config.system = "stgan"
  # 200 epochs of 947 steps.
  config.steps = 189_400
  # A tenth of the step size for the second hundred epochs.
  config.optimizer.schedule = "tenth"
  # Every layer of the decoder but the last is given what a unit has selected,
  config.generator.shortcut = 4
  # and what is to change.
  config.generator.inject = 4
  # Channels of the shallowest unit; they double, up to 1,024.
  config.generator.unit_width = 64
  # Side of the kernels of a unit's gates.
  config.generator.unit_kernel = 3
  # How many units' states are given what is to change, besides the first.
  config.generator.unit_inject = 4
  # What a unit passes on to the next. "stu": its state before it is mixed with
  # new information; "gru": after; "direct": as it came.
  config.generator.unit_state = "stu"
  # How its decoder doubles pictures, and its units their states.
  config.generator.upsample = "transposed"
  return config
