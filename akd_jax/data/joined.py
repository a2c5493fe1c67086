"""Two label sets at once: pictures of one know nothing of the other's classes.

StarGAN's training on CelebA and RaFD together (Choi et al., 2018, section 3.3).
"""

from typing import Any

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.data.dataset import Source


class JoinedSource:
  """The pictures of two label sets, as a `Source`.

  Those of the second come after those of the first, as its classes do: whatever
  is of the other set is 0.

  Attributes:
    parts: the two sources.
    attributes, labels, exclusive: as in `Source`.
    identities: None: nobody knows who is in both.
  """

  def __init__(self, first: Source, second: Source):
    both = [name for name in first.attributes if name in second.attributes]
    if both:
      raise UserError(
        f"config.data.attributes: {both[0]!r} is an attribute of the other"
        " label set, too; leave it out of either"
      )
    self.parts = first, second
    self.attributes = (*first.attributes, *second.attributes)
    self.labels = np.concatenate(
      [self._widen(part.labels, i) for i, part in enumerate(self.parts)]
    )
    groups = (*first.exclusive, *second.exclusive, tuple(second.attributes))
    self.exclusive = tuple(dict.fromkeys(map(tuple, groups)))
    self.identities = None

  def __len__(self) -> int:
    return len(self.labels)

  def __getitem__(self, index: int) -> dict[str, np.ndarray]:
    return self.read(*self.locate(index))

  def locate(self, index: int) -> tuple[int, int]:
    """Returns which of the parts has a picture, and its index there."""
    first = len(self.parts[0])
    place = int(index >= first)
    return place, index - place * first

  def read(self, place: int, index: int) -> dict[str, np.ndarray]:
    """Returns a picture of one of the parts, with the labels of both."""
    record = self.parts[place][index]
    return record | {"label": self._widen(record["label"], place)}

  def _widen(self, label: np.ndarray, place: int) -> np.ndarray:
    """Returns labels [..., C] of both sets for those of one."""
    sizes = [len(part.attributes) for part in self.parts]
    none = [np.zeros((*label.shape[:-1], x), label.dtype) for x in sizes]
    none[place] = label
    return np.concatenate(none, axis=-1)


def parts_of(source: Any) -> tuple[Any, ...]:
  """Returns the sources of a joined one; of any other that itself."""
  return source.parts if isinstance(source, JoinedSource) else (source,)
