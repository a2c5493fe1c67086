r"""Packs one split of a data set into one file, for machines without it.

  python benchmarks/pack.py --config=configs/teacher.py:celeba --split=train \
      --config.data.path=DIR --config.data.image_size=64 --out=FILE.npz

The pictures are as networks see them, cropped and resized, then JPEG; see
packed.py. Prints what that costs. Labels are those of config.data.attributes.
The file holds the photos: where these may not be passed on, nor may it.
"""

import json
import os

import numpy as np
import packed
from absl import flags
from ml_collections import ConfigDict, config_flags

from akd_jax.common import cli
from akd_jax.common.errors import UserError
from akd_jax.data import pipeline

# Most that makes a JPEG of the pictures that are read at once: it has at most
# 65,500 rows.
_LARGEST = 248


def pack(
  config: ConfigDict, split: str, quality: int, path: str
) -> tuple[int, float]:
  """Writes a split of `config.data`.

  Returns:
    How many pictures, and how far they are off, on average of all pixels and
    channels, in grey levels.

  Raises:
    UserError: the data is wrong, or has pictures of a size that can not be
      packed.
  """
  from akd_jax.training.preparation import resolve

  size = config.data.image_size
  if size % 8 or size > _LARGEST:
    raise UserError(
      f"config.data.image_size={size} must be a multiple of 8, JPEG's blocks,"
      f" and at most {_LARGEST}"
    )
  source = pipeline.open_source(config.data, split)
  data = json.loads(resolve(config, source).data.to_json_best_effort())
  jpegs, labels, error = [], [], 0.0
  everything = range(len(source))
  for images, some in pipeline.read_in_batches(
    source, everything, config.data.threads
  ):
    jpegs.append(packed.encode(images, quality))
    labels.append(some)
    difference = packed.decode(jpegs[-1]).astype(int) - images
    error += np.abs(difference).mean() * len(images)
  packed.save(path, jpegs, np.concatenate(labels), data=data, split=split)
  return len(source), error / len(source)


def define_flags() -> None:
  """Defines the flags."""
  config_flags.DEFINE_config_file(
    "config", None, "The recipe, as FILE[:ARG].", lock_config=True
  )
  flags.mark_flag_as_required("config")
  flags.DEFINE_enum("split", "train", pipeline.SPLITS, "Which part.")
  flags.DEFINE_integer("quality", 85, "JPEG's.", 1, 95)
  flags.DEFINE_string("out", None, "The file to write.", required=True)


def main(argv: list[str]) -> None:
  """Packs what the flags say, and prints what came of it."""
  cli.refuse_arguments(argv)
  args = flags.FLAGS
  count, error = pack(args.config, args.split, args.quality, args.out)
  print(
    f"{args.out}: {count:,} pictures in {os.path.getsize(args.out) / 2**20:.1f}"
    f" MiB, on average off by {error:.2f} of 255 grey levels"
  )


if __name__ == "__main__":
  define_flags()
  cli.run(main)
