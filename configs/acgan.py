"""ACGAN teacher: StarGAN's networks, and the losses of a classifying GAN.

python -m akd_jax.main --config=configs/acgan.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  2 CPU cores     12 min     with 2,939 steps of 12,000: 96.5 %, but of
                                    other people (docs/findings/systems.md)
photos   not run here
celeba   not run here
rafd     not run here
debug    2 CPU cores     a minute   nothing: every part runs

configs/teacher.py explains the fields that are not here. Nobody has published
ACGAN as a translator: akd_jax/systems/acgan.py says what this is composed of.
"""

from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.configs.scales import SCALES, Deltas, at_scale

_AT_SCALE: Deltas = {
  "avatars": teacher.LAPTOP,
  "photos": teacher.LAPTOP,
  "debug": teacher.DEBUG,
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of an ACGAN at one of the scales."""
  return at_scale(at_scale(_celeba(), scale, SCALES), scale, _AT_SCALE)


def _celeba() -> ConfigDict:
  """Returns the recipe on CelebA, with the numbers of PyTorch-GAN's code."""
  config = teacher.papers()
  # One generator update, then one of the discriminator on the same pictures.
  config.system = "acgan"
  # One, as the order of updates has it.
  config.n_critic = 1
  # Each step has one micro-batch where StarGAN's has five: four times as large.
  config.batch_size = 64
  # PyTorch-GAN's.
  config.optimizer.learning_rate = 2e-4
  # PyTorch-GAN's, too.
  config.optimizer.schedule = "constant"
  config.loss = ConfigDict()
  # Weight of the class loss beside the adversarial one, of both networks.
  config.loss.lambda_cls = 1.0
  # Weight of the reconstruction. ACGAN has none (0): then nothing keeps the
  # person, and with StarGAN's only the adversarial form differs.
  config.loss.lambda_rec = 10.0
  # Weight of the size of a blend's mask, as in configs/teacher.py.
  config.loss.lambda_mask = 0.1
  return config
