r"""Makes a teacher of the weights of the released StarGAN.

  python -m akd_jax.convert --from=200000-G.ckpt \
      --discriminator=200000-D.ckpt \
      --attributes=Black_Hair,Blond_Hair,Brown_Hair,Male,Young --out=teacher.npz

Reads PyTorch's files, those of version 1.6 and later and those from before, and
.safetensors and .npz; nothing that is in them is executed. The networks' sizes
are read from the arrays. The file that is written is a teacher for
config.teacher, and for evaluate, translate and export.

--attributes are the classes, in the order of the label that the networks were
trained with. --data names the data set whose recipe the file carries: celeba,
or rafd, where a photo has exactly one of the classes. Whoever evaluates it says
by --config.data.path where the photos are.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from akd_jax.common import cli
from akd_jax.common.errors import UserError

if TYPE_CHECKING:
  from akd_jax.training.run_dir import Run


def convert(
  generator: Mapping[str, Any],
  discriminator: Mapping[str, Any],
  attributes: Sequence[str],
  data: str = "celeba",
  step: int = 0,
) -> "Run":
  """Returns a run of two state dicts of the released StarGAN.

  Args:
    generator, discriminator: names to arrays, as PyTorch has them.
    attributes: names of the classes, in the order of the label.
    data: whose recipe the run has, "celeba" or "rafd".
    step: updates of the generator that made them.

  Raises:
    UserError: one is no such network, or they have other classes.
  """
  from akd_jax.configs import teacher
  from akd_jax.data.photos.source import find_exclusive
  from akd_jax.interop import torch_stargan
  from akd_jax.systems import system_of
  from akd_jax.systems.model import Model
  from akd_jax.training.run_dir import Run

  _check_names(attributes)
  drawing = torch_stargan.generator_from_torch(generator)
  scoring = torch_stargan.discriminator_from_torch(discriminator)
  classifier = scoring["classifier"]["kernel"]
  first = drawing["encoder_0"]["conv"]["kernel"]
  classes = {
    # The label stands behind the picture's three colours.
    "the generator's label": first.shape[2] - 3,
    "the discriminator": classifier.shape[-1],
  }
  for which, count in classes.items():
    if count != len(attributes):
      raise UserError(
        f"--attributes names {len(attributes)}, but {which} has {count} classes"
      )
  config = teacher.get_config(data)
  config.generator.width = first.shape[-1]
  config.generator.blocks = sum(x.startswith("residual_") for x in drawing)
  config.discriminator.width = scoring["layer_0"]["kernel"].shape[-1]
  layers = sum(x.startswith("layer_") for x in scoring)
  config.discriminator.layers = layers
  config.data.image_size = classifier.shape[0] * 2**layers
  config.data.attributes = tuple(attributes)
  config.steps = max(step, 1)
  exclusive = (
    (tuple(attributes),)
    if config.data.label_rule == "exclusive"
    else find_exclusive(attributes)
  )
  config.data.exclusive = exclusive
  return Run(
    config,
    tuple(attributes),
    exclusive,
    Model(drawing, scoring, system_of(config).create_networks(config)),
    step,
  )


def _check_names(attributes: Sequence[str]) -> None:
  for name in attributes:
    if not name or attributes.count(name) > 1:
      raise UserError(f"--attributes names {name!r} twice, or nothing")


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  flags.DEFINE_string(
    "from", None, "The generator's state dict.", required=True
  )
  flags.DEFINE_string(
    "discriminator", None, "The discriminator's state dict.", required=True
  )
  flags.DEFINE_list(
    "attributes", None, "The classes, in the order of the label.", required=True
  )
  flags.DEFINE_string("out", None, "The file to write, *.npz.", required=True)
  flags.DEFINE_enum(
    "data", "celeba", ["celeba", "rafd"], "Whose recipe the file carries."
  )
  flags.DEFINE_integer(
    "step", 0, "Updates of the generator that made them.", lower_bound=0
  )


def main(argv: list[str]) -> None:
  """Reads both networks, and writes the file."""
  cli.refuse_arguments(argv)
  given = flags.FLAGS
  path: str = given.out
  if not path.endswith(".npz"):
    raise UserError(f"--out={path} should end in .npz")
  from akd_jax.interop.torch_file import read_state_dict
  from akd_jax.training import run_dir

  run = convert(
    read_state_dict(str(given["from"].value)),
    read_state_dict(given.discriminator),
    given.attributes,
    given.data,
    given.step,
  )
  run_dir.save_run(run, path, half=False)
  generator = run.config.generator
  print(
    f"{path}: {os.path.getsize(path) / 1e6:.1f} MB; StarGAN, width"
    f" {generator.width}, {generator.blocks} blocks,"
    f" {run.config.data.image_size} pixels, {', '.join(run.attributes)}"
  )


if __name__ == "__main__":
  define_flags()
  cli.run(main)
