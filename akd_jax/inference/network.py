"""A generator as it is used, what is asked of it, and what recognizes."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
  from akd_jax.training.run import Run


class Wanted(NamedTuple):
  """What is asked of N pictures.

  Attributes:
    targets: [N, C], what is wanted: 0 or 1, or fractions and values beyond.
    labels: 0/1 [N, C], what is there.
    edits: 0/1 [N, C], the attributes that were set; not those that change
      because of it, as the other colours of hair do.
  """

  targets: np.ndarray
  labels: np.ndarray
  edits: np.ndarray


def set_one(targets: np.ndarray, labels: np.ndarray, column: int) -> Wanted:
  """Returns what is asked of pictures on which one attribute is set.

  Args:
    targets: 0/1 [N, C], with all that changes because of it.
    labels: 0/1 [N, C].
    column: of the attribute.
  """
  edits = np.zeros_like(targets)
  edits[:, column] = 1
  return Wanted(targets, labels, edits)


class Network(Protocol):
  """A generator that has been loaded, from whatever it was kept in.

  Attributes:
    about: what `describe` returns.
    run: where it comes from; None where only the generator is known.
    explained: whose logits its attention explains, in words.
  """

  @property
  def about(self) -> Mapping[str, Any]: ...

  @property
  def run(self) -> "Run | None": ...

  @property
  def explained(self) -> str: ...

  def translate(self, images: np.ndarray, wanted: Wanted) -> np.ndarray:
    """Translates uint8 [N, S, S, 3]."""
    ...

  def check_attention(self, block: str | None) -> None:
    """Refuses what `attend` would; it needs no pictures."""
    ...

  def attend(
    self,
    images: np.ndarray,
    wanted: Wanted,
    columns: np.ndarray,
    block: str | None,
  ) -> np.ndarray:
    """Returns where it looks, [N, h, w], each for the logit of one column."""
    ...


class Recognizer(NamedTuple):
  """Says which attributes pictures have.

  Attributes:
    name: "attribute classifier" or "discriminator".
    predict: uint8 [N, S, S, 3] -> 0/1 [N, C].
    accuracy: share of pictures that it is right on, of those that it has not
      learnt from; None where nobody has measured it.
  """

  name: str
  predict: Callable[[np.ndarray], np.ndarray]
  accuracy: float | None
