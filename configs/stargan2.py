"""StarGAN v2 (Choi et al., 2020): a translator that draws in another style.

python -m akd_jax.main --config=configs/stargan2.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  1 CPU core      37 min     three colours of hair: accuracy 100 %, other
                                    people (docs/findings/maps.md)
photos   not run here
celeba   not run here
rafd     not run here
debug    2 CPU cores     a minute   nothing: every part runs

It is here for its attention, the papers' contrast. It learns from no teacher,
and is exported as --format=run, safetensors and stablehlo alone. Domains
exclude each other. :avatars has three colours of hair; :photos needs a folder
of classes. :celeba has the published networks, weights, step sizes, batch and
length (clovaai/stargan-v2 @875b70a, 256 pixels, --w_hpf=0) for photos in the
folders female and male; config.data.path says where. configs/teacher.py
explains the fields that are not here.
"""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.configs.data import AVATAR_SHARES
from akd_jax.configs.scales import SCALES, Deltas, at_scale

_HAIR = ("Black_Hair", "Blond_Hair", "Gray_Hair")
# For 64 pixels: a bottleneck of 16 x 16 as at 256, an eighth of the channels.
_LAPTOP: dict[str, Any] = {
  "generator.width": 8,
  "generator.channels": 64,
  "generator.layers": 2,
  "generator.style": 16,
  "generator.hidden": 64,
  "discriminator.width": 8,
  "discriminator.channels": 64,
  # Four times the release's, for a twentieth of its steps.
  "optimizer.learning_rate": 4e-4,
  "steps": 5_000,
}
_OF_HAIR: dict[str, Any] = {
  "data.attributes": _HAIR,
  # Nobody has two: there is nothing else to change along.
  "classifier.also": (),
}
# Everybody has one of them.
_NO_OTHER_HAIR: dict[str, Any] = {
  "data.distribution": AVATAR_SHARES
  | dict.fromkeys(_HAIR, 1 / len(_HAIR))
  | {"Brown_Hair": 0.0}
}
_DEBUG: dict[str, Any] = {
  "generator.width": 4,
  "generator.channels": 8,
  "generator.layers": 1,
  "generator.latent": 4,
  "generator.style": 4,
  "generator.hidden": 8,
  "discriminator.width": 4,
  "discriminator.channels": 8,
}
_AT_SCALE: Deltas = {
  "avatars": _LAPTOP | _OF_HAIR | _NO_OTHER_HAIR,
  "photos": _LAPTOP | {"classifier.also": ()},
  "debug": _OF_HAIR | _DEBUG,
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of a StarGAN v2 at one of the scales."""
  return at_scale(at_scale(_celeba(), scale, SCALES), scale, _AT_SCALE)


def _celeba() -> ConfigDict:
  """Returns the recipe on CelebA's women and men, as published."""
  config = teacher.papers()
  # Styles of latents and of references, each half with its own update.
  config.system = "stargan2"
  # Iterations of the release, which has a second update of the generator.
  config.steps = 100_000
  # Of sources, and as many references.
  config.batch_size = 8
  # One of latents, and one of references.
  config.n_critic = 2
  # A subfolder for each domain.
  config.data.name = "folder"
  # Those of CelebA-HQ's two folders.
  config.data.attributes = ("female", "male")
  # Domains exclude each other.
  config.data.label_rule = "exclusive"
  # That of CelebA-HQ.
  config.data.image_size = 256
  # The largest square.
  config.data.crop = 0
  # Nobody is in two folders: there is nothing else to change along.
  config.classifier.also = ()
  # The release's.
  config.optimizer.beta1 = 0.0
  # The release's.
  config.optimizer.beta2 = 0.99
  # The release's, of all networks.
  config.optimizer.weight_decay = 1e-4
  # The release's.
  config.optimizer.schedule = "constant"
  # Of the generator, the mapping network and the style encoder.
  config.optimizer.ema = 0.999
  # Where the style is. At the papers' place Grad-CAM has no map.
  config.attention.hook = "norm"
  config.generator = _generator()
  config.discriminator = _discriminator()
  config.loss = _loss()
  return config


def _generator() -> ConfigDict:
  """Returns the sizes of the generator, and of what makes its styles."""
  generator = ConfigDict()
  # Channels of its first layer, and of the style encoder's.
  generator.width = 64
  # The most that a layer of either has.
  generator.channels = 512
  # How often the generator halves pictures: down to 16 x 16.
  generator.layers = 4
  # Random numbers that the mapping network makes a style of.
  generator.latent = 16
  # Numbers in a style.
  generator.style = 64
  # Channels of the mapping network.
  generator.hidden = 512
  # Step size of the mapping network, as a share of optimizer.learning_rate.
  generator.mapping_rate = 0.01
  return generator


def _discriminator() -> ConfigDict:
  """Returns the sizes of the discriminator."""
  discriminator = ConfigDict()
  # Channels of its first layer.
  discriminator.width = 64
  # The most that a layer has.
  discriminator.channels = 512
  return discriminator


def _loss() -> ConfigDict:
  """Returns the weights of the terms beside the adversarial one."""
  loss = ConfigDict()
  # Weight of the discriminator's gradient penalty, R1.
  loss.lambda_r1 = 1.0
  # Weight of the distance of the style that is seen to the one asked for.
  loss.lambda_style = 1.0
  # Weight of how far pictures in two styles are apart, at the start: it falls
  # linearly to 0 at the last step.
  loss.lambda_diversity = 1.0
  # Weight of the reconstruction: to another style, and back to its own.
  loss.lambda_rec = 1.0
  return loss
