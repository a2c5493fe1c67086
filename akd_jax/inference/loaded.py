"""A trained network as Python code uses it: pictures in, pictures out.

None of this needs JAX, nor does one of the networks.
"""

import dataclasses
import numbers
from collections.abc import Callable, Mapping
from reprlib import repr as shorten
from typing import Any

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.data.photos.frames import CELEBA, Framing
from akd_jax.inference.network import Network, Recognizer, Wanted
from akd_jax.inference.pictures import Pictures, read_pictures
from akd_jax.inference.view import (
  FACE,
  FACES,
  View,
  join_squares,
  split_by_photo,
)
from akd_jax.interop import numpy_generator
from akd_jax.interop.numpy_program import takes_own

# Attributes of pictures: 0 or 1 by name, the same for all, or labels [N, C].
Own = Mapping[str, int] | np.ndarray

# Between a picture's own label (0) and the target (1), or beyond.
STRONGEST = 1.5


@dataclasses.dataclass(frozen=True, repr=False)
class LoadedModel:
  """A trained network: what `akd_jax.load` returns.

  Pictures are paths, the bytes of files, Pillow images or arrays uint8
  [H, W, 3], of any size, one or several of them; also an array [N, H, W, 3].
  A square, their centre unless `crop` says otherwise, is resized to the side S
  that the network sees. What comes back of several has an axis N.

  Attributes:
    network: the generator.
    recognizer: of own attributes; None where the file has nothing that can.
    find_framing: says how its pictures frame faces; see `View`.
  """

  network: Network
  recognizer: Recognizer | None = None
  find_framing: Callable[[], Framing] = lambda: CELEBA

  def __repr__(self) -> str:
    size, names = self.image_size, ", ".join(self.attributes)
    return f"<LoadedModel: {size} pixels, attributes {names}>"

  @property
  def attributes(self) -> tuple[str, ...]:
    """Names of the C attributes that it can set."""
    return tuple(self.network.about["attributes"])

  @property
  def image_size(self) -> int:
    """Side S of the pictures that it sees and draws."""
    return self.network.about["image_size"]

  @property
  def crop(self) -> int:
    """Side of the centre that it was trained on; 0 is the largest."""
    return self.network.about["crop"]

  @property
  def exclusive(self) -> bool:
    """Whether a picture has exactly one of the attributes."""
    return self.network.about["label_rule"] == "exclusive"

  @property
  def _needs_own(self) -> bool:
    """Whether a translation depends on the picture's own attributes.

    Where one of them excludes all others the target says everything, unless the
    generator is told what is to change.
    """
    return not self.exclusive or takes_own(self.network.about)

  def translate(
    self,
    images: Pictures,
    set: Mapping[str, int],
    *,
    own: Own | None = None,
    strength: float = 1.0,
    crop: int | str | None = None,
  ) -> np.ndarray | list[np.ndarray]:
    """Translates pictures; all attributes that are not `set` stay as they are.

    Args:
      images: see the class.
      set: attributes, 0 or 1 by name. One that is set clears those that exclude
        it.
      own: what is known of the pictures' own attributes: by name, for all of
        them, or labels [N, C]. What is not named is recognized, and 0 where
        there is no `recognizer`.
      strength: 0 asks for the picture's own attributes, 1 for those that are
        set, 0.5 for the label halfway, 1.5 for one as far beyond.
      crop: side of the centre that is cut out, 0 for the largest; None is the
        run's, or the largest where that is less than half of the picture.
        "none" pastes the largest back into the whole picture, "face" the square
        around its largest face, "faces" those around all of them.

    Returns:
      uint8 [S, S, 3] or [N, S, S, 3]; pasted, [H, W, 3] or a list of them.

    Raises:
      UserError: a picture cannot be read, or no face be found; there is no
        such attribute, or two exclude each other; the strength is not in
        [0, 1.5]; or the own attributes are needed and not known.
    """
    view = View(crop, self.crop, self.find_framing)
    given, one = read_pictures(images, view, self.image_size)
    sights = [x.sight for x in given]
    squares = join_squares(sights)
    labels = self.labels_of(squares, own, needed=strength != 1)
    wanted = self.wanted_of(labels, set, strength)
    drawn: Any = self.network.translate(squares, wanted)
    if view.pastes:
      parts = split_by_photo(sights, drawn)
      drawn = [x.paste(y) for x, y in zip(given, parts, strict=True)]
    return drawn[0] if one else drawn

  def attention(
    self,
    images: Pictures,
    attribute: str,
    *,
    set: Mapping[str, int] | None = None,
    own: Own | None = None,
    block: str | int | None = None,
    crop: int | str | None = None,
  ) -> np.ndarray:
    """Returns where in the square the network looks to set an attribute.

    Args:
      images, own, crop: as for `translate`.
      attribute: whose logit is explained.
      set: what the pictures are translated to; the attribute alone by default.
      block: index of a residual block, "last" or "second_last"; that of
        config.attention by default.

    Returns:
      Non-negative float32 [h, w], or [N, h, w]: the map of config.attention's
      method, not scaled. `akd_jax.plotting.sample_grid.overlay` draws it.

    Raises:
      UserError: as `translate`; there is no such block; or the network comes
        without the discriminator that it takes.
    """
    if attribute not in self.attributes:
      self.label({str(attribute): 1}, None)
    squares, one = self._read(images, crop)
    labels = self.labels_of(squares, own)
    wanted = self.wanted_of(labels, set or {attribute: 1}, 1.0)
    columns = np.full(len(squares), self.attributes.index(attribute))
    where = None if block is None else str(block)
    maps = self.network.attend(squares, wanted, columns, where)
    return maps[0] if one else maps

  def recognize(
    self, images: Pictures, *, crop: int | str | None = None
  ) -> dict[str, int] | list[dict[str, int]]:
    """Returns the attributes of a picture, 0 or 1 by name; a list of several.

    Raises:
      UserError: there is nothing that recognizes them.
    """
    squares, one = self._read(images, crop)
    labels = self.labels_of(squares, None, needed=True).astype(int).tolist()
    named = [dict(zip(self.attributes, x, strict=True)) for x in labels]
    return named[0] if one else named

  def labels_of(
    self, squares: np.ndarray, own: Own | None, needed: bool = False
  ) -> np.ndarray:
    """Returns the own labels of pictures, float32 [N, C].

    Args:
      squares: uint8 [N, S, S, 3].
      own: as for `translate`.
      needed: whether they matter where a target has exactly one attribute.
    """
    shape = len(squares), len(self.attributes)
    if own is not None and not isinstance(own, Mapping):
      return _labels(own, shape)
    if self.recognizer is not None:
      labels = self.recognizer.predict(squares).astype(np.float32)
    elif own or not (needed or self._needs_own):
      labels = np.zeros(shape, np.float32)
    else:
      raise UserError(
        "the file has nothing that recognizes a photo's own attributes, which"
        " are to stay: name them, as --from NAME=1 or own={NAME: 1}"
      )
    if not own:
      return labels
    return np.stack([self.own_label(own, label) for label in labels])

  def wanted_of(
    self, labels: np.ndarray, set: Mapping[str, int], strength: float
  ) -> Wanted:
    """Returns what asks for attributes, float32.

    Args:
      labels: [N, C], the pictures' own.
      set, strength: as for `translate`.
    """
    if not isinstance(strength, numbers.Real) or not 0 <= strength <= STRONGEST:
      raise UserError(f"strength={strength!r} is not in 0..{STRONGEST}")
    targets = np.stack([self.label(set, label) for label in labels])
    edits = np.array([name in set for name in self.attributes], np.float32)
    return Wanted(
      labels + np.float32(strength) * (targets - labels),
      labels,
      np.repeat(edits[None], len(labels), axis=0),
    )

  def label(
    self, wanted: Mapping[str, int], label: np.ndarray | None
  ) -> np.ndarray:
    """Returns the label [C] of a picture once attributes are set.

    Args:
      wanted: 0 or 1 by name; what excludes them is cleared.
      label: [C], its own; None has none of them.

    Raises:
      UserError: there is no such attribute, or two exclude each other.
    """
    return _label(self.network.about, wanted, label)

  def own_label(
    self, own: Mapping[str, int], label: np.ndarray | None
  ) -> np.ndarray:
    """Returns the label [C] of a picture that something is known of.

    Unlike a target it may have none of the classes of which a picture has one.

    Args:
      own: 0 or 1 by name; what excludes them is cleared.
      label: [C], what is recognized; None is nothing.

    Raises:
      UserError: there is no such attribute, or two exclude each other.
    """
    about = self.network.about
    if self.exclusive:
      groups = [list(self.attributes)]
      about = {**about, "label_rule": "multilabel", "exclusive": groups}
    return _label(about, own, label)

  def _read(
    self, images: Pictures, crop: int | str | None
  ) -> tuple[np.ndarray, bool]:
    """Returns uint8 [N, S, S, 3], and whether there was one, not a list."""
    if crop == FACES:
      raise UserError(f"crop={FACES!r} is for translate; {FACE!r} sees one")
    view = View(crop, self.crop, self.find_framing)
    given, one = read_pictures(images, view, self.image_size)
    return join_squares([x.sight for x in given]), one


def _label(
  about: Mapping[str, Any], wanted: Any, label: np.ndarray | None
) -> np.ndarray:
  if not isinstance(wanted, Mapping):
    raise UserError(f"attributes are {shorten(wanted)}, not {{NAME: 0 or 1}}")
  for name, value in wanted.items():
    if getattr(value, "ndim", 0):
      raise UserError(
        f"{name} in {shorten(wanted)} is not one 0 or 1 for all pictures"
      )
  try:
    return numpy_generator.make_label(about, wanted, label)
  except ValueError as error:
    raise UserError(str(error)) from None


def _labels(own: Any, shape: tuple[int, int]) -> np.ndarray:
  """Returns labels of pictures that are known, float32 [N, C]."""
  try:
    labels = np.asarray(own, np.float32)
  except (TypeError, ValueError):
    raise UserError(
      f"own is {own!r}, neither {{NAME: 0 or 1}} nor labels {shape}"
    ) from None
  if labels.shape != shape:
    raise UserError(f"own is {labels.shape}, not {shape}: a label a picture")
  if not np.isin(labels, (0, 1)).all():
    raise UserError("own has labels that are neither 0 nor 1")
  return labels
