"""The released systems: how their files are known, read and written.

A system's entry is all that is known of its PyTorch code.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from akd_jax.interop import torch_attgan, torch_relgan, torch_stargan
from akd_jax.interop.torch_weights import Released

State = dict[str, np.ndarray]


class Release(NamedTuple):
  """A system, and the PyTorch code that it was released as.

  Attributes:
    title: as its authors write it.
    code: where it is.
    first_array: the name of one that its generator has, and no other's.
    read: (state dict of the generator, of the discriminator or None) -> both
      as ours. Raises UserError where one is no network of this system.
    generator: (our arrays by path, config, classes) -> its state dict.
    discriminator: the same.
    constants: {field of the config: the only value that the code has}.
    options: (config, classes, updates of the generator) -> what the code is to
      be told of a run.
    one_file: whether it keeps both networks in one file, as G and D.
    note: what else people have to know.
  """

  title: str
  code: str
  first_array: str
  read: Callable[[Mapping[str, Any], Mapping[str, Any] | None], Released]
  generator: Callable[[State, Any, int], State]
  discriminator: Callable[[State, Any, int], State]
  constants: Mapping[str, Any]
  options: Callable[[Any, int, int], dict[str, Any]]
  one_file: bool
  note: str


def _stargan_options(config: Any, classes: int, step: int) -> dict[str, Any]:
  generator, discriminator = config.generator, config.discriminator
  return {
    "image_size": config.data.image_size,
    "c_dim": classes,
    "g_conv_dim": generator.width,
    "g_repeat_num": generator.blocks,
    "d_conv_dim": discriminator.width,
    "d_repeat_num": discriminator.layers,
    "test_iters": step,
  }


def _attgan_options(config: Any, classes: int, step: int) -> dict[str, Any]:
  generator, discriminator = config.generator, config.discriminator
  return {
    "img_size": config.data.image_size,
    "shortcut_layers": generator.shortcut,
    "inject_layers": generator.inject,
    "enc_dim": generator.width,
    "dec_dim": generator.width,
    "enc_layers": generator.layers,
    "dec_layers": generator.layers,
    "dis_dim": discriminator.width,
    "dis_layers": discriminator.layers,
    "dis_fc_dim": discriminator.hidden,
  }


def _relgan_options(config: Any, classes: int, step: int) -> dict[str, Any]:
  return {"image_size": config.data.image_size}


RELEASES = {
  "stargan": Release(
    "StarGAN",
    "yunjey/stargan",
    "main.0.weight",
    torch_stargan.read,
    # The arrays say all of it.
    lambda flat, config, classes: torch_stargan.generator_to_torch(flat),
    lambda flat, config, classes: torch_stargan.discriminator_to_torch(flat),
    {"generator.output": "image", "generator.label_sets": 1},
    _stargan_options,
    one_file=False,
    note=torch_stargan.EVAL_NOTE,
  ),
  "attgan": Release(
    "AttGAN",
    "elvisyjlin/AttGAN-PyTorch",
    "enc_layers.0.layers.0.weight",
    torch_attgan.read,
    torch_attgan.generator_to_torch,
    torch_attgan.discriminator_to_torch,
    torch_attgan.CONSTANTS,
    _attgan_options,
    one_file=True,
    note="The code's label is 0.5 and -0.5, and its discriminator has 13\n"
    "attributes and 1,024 channels in its last map, whatever it is told.",
  ),
  "relgan": Release(
    "RelGAN",
    "elvisyjlin/RelGAN-PyTorch",
    "conv_in.0.weight",
    torch_relgan.read,
    torch_relgan.generator_to_torch,
    torch_relgan.discriminator_to_torch,
    {},
    _relgan_options,
    one_file=True,
    note="The code's vector is what is there less what is wanted; its nn.py\n"
    "says how wide its layers are.",
  ),
}
