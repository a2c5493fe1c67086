"""AttGAN teacher (He et al., 2019): an encoder, a label, a decoder.

python -m akd_jax.main --config=configs/attgan.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  2 CPU cores     12 min     with 8,675 steps of 12,000: 87.1 %
                                    (docs/findings/systems.md)
photos   not run here
celeba   not run here
rafd     not run here
debug    2 CPU cores     a minute   nothing: every part runs

configs/teacher.py explains the fields that are not here. Published (version 2
of the authors' code) are all numbers at celeba, but for the crop: they cut
their own alignment of the original photos, or the aligned ones 2 pixels lower
and 1 to the left. At the other scales sizes and steps are ours.
"""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.configs.data import ATTGAN_ATTRIBUTES
from akd_jax.configs.scales import SCALES, Deltas, at_scale

# For 64 pixels: a bottleneck of 4 x 4 as at 128, a quarter of the channels.
LAPTOP: dict[str, Any] = {
  "generator.width": 16,
  "generator.layers": 4,
  "discriminator.width": 16,
  "discriminator.layers": 4,
  "discriminator.hidden": 256,
  "n_critic": 2,
  # Running statistics are of the generator as it is trained: they do not go
  # with an average of its parameters.
  "optimizer.ema": 0.0,
}
DEBUG: dict[str, Any] = LAPTOP | {
  "generator.width": 4,
  "generator.layers": 3,
  "discriminator.width": 4,
  "discriminator.layers": 3,
  "discriminator.hidden": 16,
}
_AT_SCALE: Deltas = {"avatars": LAPTOP, "photos": LAPTOP, "debug": DEBUG}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of an AttGAN at one of the scales."""
  return at_scale(at_scale(papers(), scale, SCALES), scale, _AT_SCALE)


def papers() -> ConfigDict:
  """Returns the published recipe on CelebA."""
  config = teacher.papers()
  # An encoder and a decoder with BatchNorm.
  config.system = "attgan"
  # 60 epochs of 5,687 batches, of which every sixth is the generator's.
  config.steps = 56_870
  # The authors'.
  config.batch_size = 32
  # Each on a batch of its own; the generator has a sixth.
  config.n_critic = 5
  # The authors' thirteen.
  config.data.attributes = ATTGAN_ATTRIBUTES
  # As large as the authors' cut of the aligned photos.
  config.data.crop = 170
  # The authors'.
  config.optimizer.learning_rate = 2e-4
  # Constant for the first half of the epochs, then linear to 0.
  config.optimizer.schedule = "linear"
  # There are no residual blocks: the decoder's layers.
  config.attention.hook = "decode"

  config.generator = ConfigDict()
  # Channels of the generator's first layer; they double, up to 1,024.
  config.generator.width = 64
  # Layers of the encoder, and of the decoder: each halves the picture.
  config.generator.layers = 5
  # How many layers of the decoder are given the encoding of their size.
  config.generator.shortcut = 1
  # How many layers of the decoder are given the label, besides the first.
  config.generator.inject = 1
  # Of the encoder's leaky ReLUs, below 0. The PyTorch port's is 0.01.
  config.generator.slope = 0.2
  # Beside the variance in a norm. The port's is 1e-5.
  config.generator.epsilon = 1e-3
  # How its decoder doubles pictures, as in configs/teacher.py.
  config.generator.upsample = "transposed"
  config.discriminator = ConfigDict()
  # Channels of the discriminator's first layer; they double, up to 1,024.
  config.discriminator.width = 64
  # Strided convolutions of the discriminator: each halves the picture.
  config.discriminator.layers = 5
  # Features of the dense layer before each of its two outputs.
  config.discriminator.hidden = 1_024
  # Of the leaky ReLUs of its convolutions. The port's is 0.01.
  config.discriminator.slope = 0.2
  # Of those of the dense layers. The port's is 0: a ReLU.
  config.discriminator.hidden_slope = 0.2
  # Beside the variance in a norm. The port's is 1e-5.
  config.discriminator.epsilon = 1e-6

  config.loss = ConfigDict()
  # Weight of the discriminator's class loss, a mean over attributes.
  config.loss.lambda_d_cls = 1.0
  # Weight of the generator's.
  config.loss.lambda_g_cls = 10.0
  # Weight of the gradient penalty.
  config.loss.lambda_gp = 10.0
  # Weight of the reconstruction, of the label that is there.
  config.loss.lambda_rec = 100.0
  return config
