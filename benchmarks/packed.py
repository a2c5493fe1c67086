"""Labelled pictures in one file that travels; pack.py writes it.

Pictures stand below each other in JPEGs of a few hundred: one by one, headers
would be a third of the file. Colours have full resolution, so that no block of
8 x 8 pixels sees another: a picture is the same wherever it stands.
"""

import io
import json
import zipfile
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.common.files import write_whole


class Packed(NamedTuple):
  """What a file holds.

  Attributes:
    images: uint8 [N, S, S, 3].
    labels: uint8 [N, C], 0 or 1.
    data: config.data that they were opened by, with the names of the
      attributes and the groups of exclusive ones.
    split: of the data set.
  """

  images: np.ndarray
  labels: np.ndarray
  data: ConfigDict
  split: str


def encode(images: np.ndarray, quality: int) -> bytes:
  """One JPEG of images [N, S, S, 3], S a multiple of 8."""
  file = io.BytesIO()
  Image.fromarray(images.reshape(-1, *images.shape[2:])).save(
    file,
    "JPEG",
    quality=quality,
    subsampling=0,
    optimize=True,
    progressive=True,
  )
  return file.getvalue()


def decode(jpeg: bytes) -> np.ndarray:
  """The images of `encode`, as far as JPEG keeps them."""
  with Image.open(io.BytesIO(jpeg)) as strip:
    side = strip.width
    return np.asarray(strip).reshape(-1, side, side, 3)


def save(
  path: str, jpegs: list[bytes], labels: np.ndarray, **about: Any
) -> None:
  """Writes what `encode` made, its labels [N, C], `data` and `split`."""
  with write_whole(path) as temporary, temporary.open("wb") as file:
    np.savez_compressed(
      file,
      jpeg=np.frombuffer(b"".join(jpegs), np.uint8),
      ends=np.cumsum([len(jpeg) for jpeg in jpegs]),
      labels=labels,
      about=np.array(json.dumps(about)),
    )


def load(path: str) -> Packed:
  """Reads a file and decodes its pictures.

  Raises:
    UserError: there is no such file, or it is not one of `save`.
  """
  try:
    with np.load(path, allow_pickle=False) as file:
      about = json.loads(file["about"].item())
      strips = np.split(file["jpeg"], file["ends"][:-1])
      labels = file["labels"]
  except FileNotFoundError:
    raise UserError(
      f"--data={path}: there is no such file; benchmarks/pack.py writes one"
    ) from None
  except (ValueError, KeyError, zipfile.BadZipFile) as error:
    raise UserError(
      f"--data={path} is not a file of benchmarks/pack.py: {error}"
    ) from None
  images = np.concatenate([decode(strip.tobytes()) for strip in strips])
  return Packed(images, labels, ConfigDict(about["data"]), about["split"])
