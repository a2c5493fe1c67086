r"""Cuts faces out of photos, so that all lie alike: a folder to train on.

  python -m akd_jax.align --out=DIR [--size=256] FOLDER

Finds the largest face of each photo in FOLDER and all folders in it, turns it
level, and writes the square around it to DIR, under the same name (a GIF or
AVIF as NAME.png): the eyes are where CelebA's photos, the papers', have them.
Lists (.csv, .txt) are copied.

A photo without a face, or one that cannot be read, is named and left out; the
exit status is 2 then. Stop it whenever you like: the same command goes on. Give
each FOLDER a DIR of its own.

Needs `launch/setup.sh faces`, whose landmarks are for research only.
"""

import sys
from pathlib import Path

from absl import flags

from akd_jax.common import cli, output, paths
from akd_jax.common.errors import UserError
from akd_jax.common.files import lies_in

# The largest side that the networks of configs/ draw.
_SIZE = 256


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  paths.define("out", None, "Folder of the squares.", required=True)
  flags.DEFINE_integer(
    "size", _SIZE, "Side of the squares, in pixels.", lower_bound=1
  )


def main(arguments: list[str]) -> None:
  """Aligns a folder, and prints how many photos of it have a face.

  Raises:
    UserError: there is no folder, or some photos have no face.
  """
  if len(arguments) != 1 or not arguments[0]:
    raise UserError("name one folder of photos")
  paths.check_folder(flags.FLAGS.out)
  folder, out = Path(arguments[0]), Path(flags.FLAGS.out)
  if not folder.is_dir():
    raise UserError(f"there is no folder {folder}")
  if lies_in(out, folder) or lies_in(folder, out):
    raise UserError(
      f"one of {folder} and --out={out} lies in the other: name a folder"
      " elsewhere"
    )
  from akd_jax.data.photos import alignment

  photos, lists = alignment.find_files(folder, out)
  alignment.copy_lists(folder, out, lists)
  results = alignment.align(folder, out, photos, flags.FLAGS.size)
  without = 0
  with output.show_progress("aligning photos", len(photos)) as bar:
    for _, why in results:
      without += bool(why)
      if why:
        bar.write(f"left out: {why}", sys.stderr)
      bar.update()
  found = len(photos) - without
  print(
    f"{out}: {found:,} of {len(photos):,} photos; lists copied: {len(lists)}"
  )
  if without:
    raise UserError(
      f"{without:,} of {len(photos):,} photos were left out; each is named"
      " above. Training passes over those that a list names with"
      " --config.data.skip_unreadable=True"
    )


if __name__ == "__main__":
  define_flags()
  cli.run(main)
