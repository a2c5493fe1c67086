"""Pictures that stand in for others, which cannot be read: tests do without."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from akd_jax.common.output import note
from akd_jax.data.dataset import Source
from akd_jax.data.joined import JoinedSource
from akd_jax.data.photos.source import PhotoSource
from akd_jax.data.pipeline import read


class Pictures(NamedTuple):
  """Some pictures of a source.

  Attributes:
    images: uint8 [N, S, S, 3].
    labels: uint8 [N, C].
    positions: [N], their indices in the source.
  """

  images: np.ndarray
  labels: np.ndarray
  positions: np.ndarray


def read_own(
  source: Source, indices: Sequence[int], threads: int, split: str
) -> Pictures:
  """Reads pictures, without those that config.data.skip_unreadable replaces.

  They would be there twice, and once as another person's. Says how many are
  left out, on standard error.

  Args:
    source: the pictures.
    indices: of those to read.
    threads: that read.
    split: which it is, for the message.

  Raises:
    UserError: a picture cannot be read, and may not be replaced.
  """
  images, labels = read(source, indices, threads)
  positions = np.asarray(indices, int)
  # Only now is it known which can be read.
  own = np.array([not _is_replaced(source, x) for x in indices], bool)
  if own.all():
    return Pictures(images, labels, positions)
  lost = np.count_nonzero(~own)
  note(
    f"note: {lost} of {len(own)} pictures of the {split} split cannot be read"
    " and are left out"
  )
  return Pictures(images[own], labels[own], positions[own])


def _is_replaced(source: Source, index: int) -> bool:
  if isinstance(source, JoinedSource):
    place, index = source.locate(index)
    source = source.parts[place]
  # Not all sources are of photos.
  return (
    isinstance(source, PhotoSource) and source.names[index] in source.skipped
  )
