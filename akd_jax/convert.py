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

import os

from absl import flags

from akd_jax.common import cli, paths
from akd_jax.common.errors import UserError


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
    "step", 0, "How many updates the generator has had.",
    lower_bound=0, upper_bound=2**31 - 1,
  )  # fmt: skip
  flags.DEFINE_integer(
    "image_size", None, "Side of the pictures; that of the recipe if not set.",
    lower_bound=1, upper_bound=4096,
  )  # fmt: skip


def main(argv: list[str]) -> None:
  """Reads both networks, and writes the file."""
  cli.refuse_arguments(argv)
  given = flags.FLAGS
  path: str = given.out
  if not path.endswith(".npz"):
    raise UserError(f"--out={path} should end in .npz")
  released = {"from": given["from"].value, "discriminator": given.discriminator}
  paths.check_kept(path, **released)
  from akd_jax.inference.exports import export_whole
  from akd_jax.interop.releases import RELEASES
  from akd_jax.training.released import convert, read_networks

  networks = read_networks(*released.values())
  run = convert(
    *networks, given.attributes, given.data, given.step, given.image_size
  )
  export_whole(run, path)
  sizes = run.config.generator.to_dict()
  depth = "blocks" if "blocks" in sizes else "layers"
  print(
    f"{path}: {os.path.getsize(path) / 1e6:.1f} MB;"
    f" {RELEASES[run.config.system].title}, width {sizes['width']},"
    f" {sizes[depth]} {depth}, {run.config.data.image_size} pixels,"
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
