"""What looks wrong with photos that can all be read."""

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.data.photos.images import cuts_off_most, read_size
from akd_jax.data.photos.source import PhotoSource

# Photos whose size is looked at.
_LOOKED_AT = 9


def say_crop(source: PhotoSource) -> list[str]:
  """Returns a line where most of most photos is cut off, by a look at a few."""
  places = np.linspace(0, len(source) - 1, _LOOKED_AT).astype(int)
  sizes = [_size(source, source.names[i]) for i in np.unique(places)]
  known = [size for size in sizes if size]
  small = [size for size in known if cuts_off_most(source.crop, size)]
  if 2 * len(small) <= len(known):
    return []
  width, height = sorted(small)[len(small) // 2]
  return [
    f"config.data.crop={source.crop} takes only the centre of the photos in"
    f" {source.where}, which have about {width} x {height} pixels;"
    " config.data.crop=0 takes the largest square"
  ]


def _size(source: PhotoSource, name: str) -> tuple[int, int] | None:
  try:
    return read_size(source.read(name))
  except UserError:
    return None
