r"""Makes a teacher of the weights of a released StarGAN, AttGAN or RelGAN.

  python -m akd_jax.convert --from=200000-G.ckpt \
      --discriminator=200000-D.ckpt \
      --attributes=Black_Hair,Blond_Hair,Brown_Hair,Male,Young --out=teacher.npz

Reads PyTorch's files, those of version 1.6 and later and those from before, and
.safetensors and .npz; nothing that is in them is executed. Which system it is
and its networks' sizes are read from the arrays: yunjey/stargan,
elvisyjlin/AttGAN-PyTorch or elvisyjlin/RelGAN-PyTorch. What these two have
otherwise than our own networks goes along: slopes, epsilons, the label's
strength, the vector's sign.
The file that is written is a teacher for config.teacher, and for evaluate,
translate and export.

--discriminator is not needed where --from holds both networks, as G and D.
Where there is no discriminator, as AttGAN's port saves none by default, the
generator alone is written, as --format=numpy of export does: translate reads
it.

--attributes are the classes, in the order of the label that the networks were
trained with. --image_size is the side of the pictures, where the discriminator
does not say it: RelGAN's never does. --data names the data set whose recipe the
file carries: celeba, or rafd, where a photo has exactly one of the classes.
Whoever evaluates it says by --config.data.path where the photos are.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from akd_jax.common import cli, paths
from akd_jax.common.errors import UserError

if TYPE_CHECKING:
  from ml_collections import ConfigDict

  from akd_jax.interop.torch_weights import Released
  from akd_jax.training.run_dir import Run

# {system: an array that the generator of its release has, and no other's}.
_FIRST = {
  "stargan": "main.0.weight",
  "attgan": "enc_layers.0.layers.0.weight",
  "relgan": "conv_in.0.weight",
}
_TITLES = {"stargan": "StarGAN", "attgan": "AttGAN", "relgan": "RelGAN"}


def convert(
  generator: Mapping[str, Any],
  discriminator: Mapping[str, Any] | None,
  attributes: Sequence[str],
  data: str = "celeba",
  step: int = 0,
  image_size: int | None = None,
) -> "Run":
  """Returns a run of the state dicts of a released system.

  Args:
    generator, discriminator: names to arrays, as PyTorch has them. Without a
      discriminator, the run's model has none.
    attributes: names of the classes, in the order of the label.
    data: whose recipe the run has, "celeba" or "rafd".
    step: steps that made them.
    image_size: side of the pictures; None is what the discriminator says, or
      the recipe.

  Raises:
    UserError: one is no such network, or they have other classes, or see
      pictures of another size.
  """
  from akd_jax.common.config import RECIPES
  from akd_jax.configs.scales import changed
  from akd_jax.data.attributes import check_names
  from akd_jax.data.photos.source import EXCLUSIVE, find_exclusive
  from akd_jax.systems import system_of
  from akd_jax.systems.model import Model
  from akd_jax.training.run_dir import Run

  check_names(attributes, "--attributes")
  system, released = _read(generator, discriminator)
  _check_classes(released, attributes)
  config = RECIPES[system].get_config(data)
  fields = {"data.image_size": image_size or config.data.image_size}
  config = changed(config, fields | released.fields)
  _check_size(config, image_size)
  config.data.attributes = tuple(attributes)
  config.steps = max(step, 1)
  exclusive = (
    (tuple(attributes),)
    if config.data.label_rule == "exclusive"
    else find_exclusive(attributes, released.exclusive or EXCLUSIVE)
  )
  config.data.exclusive = exclusive
  model = Model(
    released.generator,
    released.discriminator,
    system_of(config).create_networks(config),
    released.statistics,
  )
  return Run(config, tuple(attributes), exclusive, model, step)


def _read(
  generator: Mapping[str, Any], discriminator: Mapping[str, Any] | None
) -> tuple[str, "Released"]:
  """Recognizes a generator's system, and reads both networks."""
  from akd_jax.interop import torch_attgan, torch_relgan, torch_stargan
  from akd_jax.interop.torch_weights import unwrap

  readers = {
    "stargan": torch_stargan.read,
    "attgan": torch_attgan.read,
    "relgan": torch_relgan.read,
  }
  generator = unwrap(generator)
  found = [system for system, name in _FIRST.items() if name in generator]
  if not found:
    raise UserError(
      f"--from is no generator of {', '.join(_TITLES.values())}: it has none of"
      f" the arrays {', '.join(_FIRST.values())}"
    )
  other = None if discriminator is None else unwrap(discriminator)
  return found[0], readers[found[0]](generator, other)


def _check_classes(released: "Released", attributes: Sequence[str]) -> None:
  for which, count in released.classes.items():
    if count != len(attributes):
      raise UserError(
        f"--attributes names {len(attributes)}, but {which} has {count} classes"
      )


def _check_size(config: "ConfigDict", image_size: int | None) -> None:
  found = config.data.image_size
  if image_size and found != image_size:
    raise UserError(
      f"--image_size={image_size}, but the discriminator sees pictures of"
      f" {found} pixels: leave it out"
    )


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  paths.define(
    "from", None, "The generator's state dict, or both as G and D.",
    required=True,
  )  # fmt: skip
  paths.define(
    "discriminator",
    None,
    "The discriminator's state dict, where --from does not hold it.",
  )
  flags.DEFINE_list(
    "attributes", None, "The classes, in the order of the label.", required=True
  )
  paths.define("out", None, "The file to write, *.npz.", required=True)
  flags.DEFINE_enum(
    "data", "celeba", ["celeba", "rafd"], "Whose recipe the file carries."
  )
  flags.DEFINE_integer(
    "step", 0, "How many updates the generator has had.", lower_bound=0
  )
  flags.DEFINE_integer(
    "image_size", None, "Side of the pictures; that of the recipe if not set.",
    lower_bound=1,
  )  # fmt: skip


def read_networks(
  path: str, discriminator: str | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
  """Reads the generator and the discriminator, None where there is none.

  Args:
    path: a state dict, or a file of state dicts G and D.
    discriminator: the same for the discriminator; None is D of `path`.

  Raises:
    UserError: a file cannot be read, or has no such state dict.
  """
  from akd_jax.interop.torch_file import read_checkpoint

  parts = read_checkpoint(path)
  generator = _part(parts, "G", path)
  if discriminator is None:
    return generator, parts.get("D")
  return generator, _part(read_checkpoint(discriminator), "D", discriminator)


def _part(
  parts: Mapping[str, dict[str, Any]], name: str, path: str
) -> dict[str, Any]:
  found = parts.get(name, parts.get(""))
  if found is None:
    raise UserError(
      f"{path} holds the state dicts {', '.join(parts)}, but no {name}"
    )
  return found


def write(run: "Run", path: str) -> None:
  """Writes a run, or its generator alone where it has no discriminator."""
  from akd_jax.inference.exports import export_numpy, write_files
  from akd_jax.training import run_dir

  if run.model.discriminator is None:
    export_numpy(run, path)
  else:
    write_files({path: functools.partial(run_dir.write_run, run, half=False)})


def main(argv: list[str]) -> None:
  """Reads both networks, and writes the file."""
  cli.refuse_arguments(argv)
  given = flags.FLAGS
  path: str = given.out
  if not path.endswith(".npz"):
    raise UserError(f"--out={path} should end in .npz")
  released = {"from": given["from"].value, "discriminator": given.discriminator}
  paths.check_kept(path, **released)
  networks = read_networks(*released.values())
  run = convert(
    *networks, given.attributes, given.data, given.step, given.image_size
  )
  write(run, path)
  sizes = run.config.generator.to_dict()
  depth = "blocks" if "blocks" in sizes else "layers"
  print(
    f"{path}: {os.path.getsize(path) / 1e6:.1f} MB;"
    f" {_TITLES[run.config.system]}, width {sizes['width']}, {sizes[depth]}"
    f" {depth}, {run.config.data.image_size} pixels,"
    f" {', '.join(run.attributes)}"
  )
  if run.model.discriminator is None:
    print(
      "without a discriminator, it is a generator for translate alone, and no"
      " teacher; it asks for a photo's own attributes (--from)"
    )


if __name__ == "__main__":
  define_flags()
  cli.run(main)
