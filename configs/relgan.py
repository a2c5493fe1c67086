"""RelGAN: a translator that is told what is to change, and by how much.

python -m akd_jax.main --config=configs/relgan.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  2 CPU cores     12 min     with 1,600 steps of 12,000: nothing yet
                                    (docs/findings/systems.md)
photos   not run here
celeba   not run here
rafd     not run here
debug    2 CPU cores     a minute   nothing: every part runs

:celeba has the published networks, weights of the terms, step size, batch and
length (elvisyjlin/RelGAN-PyTorch @8e432d0: 17 attributes, 256 pixels), on
CelebA instead of CelebA-HQ. :avatars and :photos are scaled to a laptop: 64
pixels, a generator a quarter as wide, a discriminator half as wide and two
layers less deep, four times the step size. configs/teacher.py explains the
fields that are not here.
"""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.configs.scales import SCALES, Deltas, at_scale

_ATTRIBUTES = (
    "5_o_Clock_Shadow", "Bald", "Bangs", "Black_Hair", "Blond_Hair",
    "Brown_Hair", "Eyeglasses", "Goatee", "Gray_Hair", "Male", "Mustache",
    "Pale_Skin", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Hat",
    "Young",
)  # fmt: skip
_ALSO = "Heavy_Makeup", "Wearing_Lipstick", "Rosy_Cheeks", "No_Beard"

_LAPTOP: dict[str, Any] = {
  "generator.width": 16,
  "discriminator.width": 32,
  # Its heads see 4x4 features, as they do as published.
  "discriminator.layers": 4,
  "discriminator.match_width": 256,
  "optimizer.learning_rate": 2e-4,
  # Running statistics are of the generator as it is trained: they do not go
  # with an average of its parameters.
  "optimizer.ema": 0.0,
}
_DEBUG: dict[str, Any] = {
  "generator.width": 4,
  "generator.blocks": 2,
  "discriminator.width": 4,
  "discriminator.layers": 3,
  "discriminator.match_width": 16,
  "discriminator.interpolation_width": 4,
}
_AT_SCALE: Deltas = {
  "avatars": _LAPTOP,
  "photos": _LAPTOP,
  "debug": _LAPTOP | _DEBUG,
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of a RelGAN at one of the scales."""
  return at_scale(at_scale(_celeba(), scale, SCALES), scale, _AT_SCALE)


def _celeba() -> ConfigDict:
  """Returns the recipe on CelebA, as published."""
  config = teacher.papers()
  # Three batches a step: originals, what they are to be like, and others.
  config.system = "relgan"
  # Updates of either network.
  config.steps = 400_000
  # Its example config has 4.
  config.batch_size = 6
  # One, as the order of updates has it.
  config.n_critic = 1
  # That of CelebA-HQ; CelebA's photos are enlarged.
  config.data.image_size = 256
  config.data.attributes = _ATTRIBUTES
  # The largest square.
  config.data.crop = 0
  config.classifier.also = _ALSO
  # Of both networks.
  config.optimizer.learning_rate = 5e-5
  # The decay that it declares has no effect (docs/method.md, RelGAN).
  config.optimizer.schedule = "constant"
  config.generator = _generator()
  config.discriminator = _discriminator()
  config.loss = _loss()
  return config


def _generator() -> ConfigDict:
  """Returns the sizes of the generator."""
  generator = ConfigDict()
  # Channels of its first layer.
  generator.width = 64
  # Residual blocks.
  generator.blocks = 6
  # How its decoder doubles pictures, as in configs/teacher.py.
  generator.upsample = "transposed"
  return generator


def _discriminator() -> ConfigDict:
  """Returns the sizes of the discriminator."""
  discriminator = ConfigDict()
  # Channels of its first layer.
  discriminator.width = 64
  # Strided convolutions: each halves the picture.
  discriminator.layers = 6
  # Channels inside the head that says whether a picture follows a vector.
  discriminator.match_width = 2048
  # Channels whose mean says how far the nearer end of an interpolation is.
  discriminator.interpolation_width = 16
  return discriminator


def _loss() -> ConfigDict:
  """Returns the weights of the terms beside the adversarial and match ones."""
  loss = ConfigDict()
  # Weight of the reconstruction: from x by v, and back by -v.
  loss.lambda_rec = 10.0
  # Weight of the other one: from x by 0.
  loss.lambda_self = 10.0
  # Weight of the interpolation, of both networks.
  loss.lambda_interpolation = 1.0
  # Weight of how far the generator's kernels are from orthogonal.
  loss.lambda_orthogonality = 1e-4
  # Weight of the discriminator's gradient penalty.
  loss.lambda_gp = 150.0
  return loss
