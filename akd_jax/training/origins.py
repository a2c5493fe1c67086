"""What a run learns from, as digests, by which it is known again."""

import hashlib
from collections.abc import Mapping

import numpy as np

from akd_jax.data import pipeline
from akd_jax.data.avatars.source import AvatarSource
from akd_jax.data.dataset import Source
from akd_jax.data.joined import parts_of
from akd_jax.training.same_run import WITHOUT_SIZES

# Avatars of which every pixel is compared.
_LOOKED_AT = 32


def digest_data(source: Source, threads: int) -> dict[str, str]:
  """Returns digests of the data, by name, to be compared with a run's.

  Args:
    source: the run's training split.
    threads: that look at files.

  Raises:
    UserError: a photo cannot be read.
  """
  digests = pipeline.digests_of_content(source, threads)
  return dict(zip(("data", WITHOUT_SIZES), digests, strict=False))


def digest_drawing(source: Source) -> dict[str, str]:
  """Returns a digest of how avatars are drawn, by name; none of photos.

  Other versions of the packages that draw may draw them otherwise, and need
  not: some pictures are compared.

  Args:
    source: the run's training split.
  """
  digest, drawn = hashlib.sha256(), False
  for part in parts_of(source):
    if isinstance(part, AvatarSource):
      drawn = True
      for index in np.linspace(0, len(part) - 1, _LOOKED_AT).astype(int):
        digest.update(part[int(index)]["image"].tobytes())
  return {"drawing": digest.hexdigest()} if drawn else {}


def select_kept(found: Mapping[str, str]) -> dict[str, str]:
  """Returns those digests that are kept with a run's checkpoints."""
  return {name: x for name, x in found.items() if name != WITHOUT_SIZES}
