"""Labelled photos as a source: what celeba, folder and table share."""

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import HAIR_COLORS, check_names
from akd_jax.data.photos.images import load_image
from akd_jax.data.photos.listing import normalize, say_some

# Whoever is bald has no hair colour. CelebA's annotators switched on two of
# these for a few people; its vast majority has at most one. The others are what
# AttGAN switches off at test (LynnHo/AttGAN-Tensorflow, data.py:78-104).
EXCLUSIVE = (
  (*HAIR_COLORS, "Bald"),
  ("Straight_Hair", "Wavy_Hair"),
  ("Bald", "Bangs"),
  ("Receding_Hairline", "Bangs"),
)


@dataclasses.dataclass(frozen=True)
class Photos:
  """All photos of a data set, with what is known of each.

  Attributes:
    where: the folder, zip or data set that holds the photos, for errors.
    names: [N], what `read` and errors call the photos.
    splits: [N], the split of each.
    labels: uint8 [N, C], 0 or 1.
    attributes: names of the labels' C columns.
    exclusive: groups of attributes of which at most one is on.
    read: name -> the photo's path, or the content of its file.
    split_by: what to do where a split is empty, for errors.
    identities: [N], equal where the person is the same; None if unknown.
    remarks: a line each of what is left out.
  """

  where: str
  names: Sequence[str]
  splits: Sequence[str]
  labels: np.ndarray
  attributes: tuple[str, ...]
  exclusive: tuple[tuple[str, ...], ...]
  read: Callable[[str], bytes | Path]
  split_by: str
  identities: np.ndarray | None = None
  remarks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoSource:
  """The photos of a split; each is decoded when it is asked for.

  Holds no open file, so that it can be pickled and read by many threads.

  Attributes:
    where, attributes, exclusive, read: as in `Photos`.
    names, labels, identities: as in `Photos`, of this split.
    crop, size: as in `load_image`.
    skip_unreadable: whether an unreadable photo is replaced, label included, by
      the next readable one instead of being an error.
    remarks: a line each of what is left out, and what this split lacks.
    skipped: names of the unreadable photos met so far, in this process.
  """

  where: str
  names: tuple[str, ...] = dataclasses.field(repr=False)
  labels: np.ndarray = dataclasses.field(repr=False)
  attributes: tuple[str, ...]
  exclusive: tuple[tuple[str, ...], ...]
  identities: np.ndarray | None = dataclasses.field(repr=False)
  read: Callable[[str], bytes | Path] = dataclasses.field(repr=False)
  crop: int
  size: int
  skip_unreadable: bool
  remarks: tuple[str, ...] = ()
  skipped: set[str] = dataclasses.field(default_factory=set)

  def __len__(self) -> int:
    return len(self.names)

  def __getitem__(self, index: int) -> dict[str, np.ndarray]:
    first = range(len(self))[index]
    following = itertools.chain(range(first, len(self)), range(first))
    for position in following:
      name = self.names[position]
      if name in self.skipped:
        continue
      try:
        image = load_image(
          self.read(name), self.crop, self.size, f"{self.where}/{name}"
        )
      except UserError:
        if not self.skip_unreadable:
          raise
        self.skipped.add(name)
        continue
      return {"image": image, "label": self.labels[position].copy()}
    raise UserError(
      f"none of the {len(self)} images of this split in {self.where} can be"
      " read"
    )


def open_photos(data: ConfigDict, split: str, photos: Photos) -> PhotoSource:
  """Makes the source of a split, after the last checks.

  Raises:
    UserError: a size makes no sense, the labels break the label rule, or the
      split has no photo.
  """
  if data.image_size < 1:
    raise UserError(
      f"config.data.image_size={data.image_size} must be 1 or more"
    )
  if data.crop < 0:
    raise UserError(
      f"config.data.crop={data.crop} must be a side in pixels, or 0 for the"
      " largest centred square"
    )
  if not photos.attributes:
    raise UserError(f"{photos.where} has no attributes")
  check_names(photos.attributes, photos.where)
  exclusive = photos.exclusive
  if data.label_rule == "exclusive":
    _check_exclusive(photos)
    exclusive = (photos.attributes,)
  chosen = [i for i, x in enumerate(photos.splits) if x == split]
  if not chosen:
    raise UserError(
      f"the {split} split of {photos.where} is empty: none of its"
      f" {len(photos.names)} images falls in it; {photos.split_by}"
    )
  people = photos.identities
  return PhotoSource(
    where=photos.where,
    names=tuple(photos.names[i] for i in chosen),
    labels=photos.labels[chosen],
    attributes=photos.attributes,
    exclusive=exclusive,
    identities=None if people is None else people[chosen],
    read=photos.read,
    crop=data.crop,
    size=data.image_size,
    skip_unreadable=data.skip_unreadable,
    remarks=(*photos.remarks, *_lacking(photos, split, chosen)),
  )


def _lacking(photos: Photos, split: str, chosen: list[int]) -> list[str]:
  """Returns a line of the attributes that no photo of a split has."""
  bare = np.flatnonzero(photos.labels[chosen].sum(axis=0) == 0)
  names = [photos.attributes[column] for column in bare]
  if not names:
    return []
  return [
    f"no image of the {split} split of {photos.where} has {say_some(names)}"
  ]


def _check_exclusive(photos: Photos) -> None:
  where, attributes = photos.where, photos.attributes
  if len(attributes) < 2:
    raise UserError(
      f"{where} gives one class only ({attributes[0]});"
      " config.data.label_rule=exclusive needs two or more"
    )
  count = photos.labels.sum(axis=1)
  wrong = np.flatnonzero(count != 1)
  if wrong.size:
    first = wrong[0]
    raise UserError(
      f"config.data.label_rule=exclusive, but {wrong.size} images in {where}"
      f" have not exactly one of {', '.join(attributes)}"
      f" ({photos.names[first]} has {count[first]}); set multilabel"
    )


def find_exclusive(
  known: Iterable[str], groups: Iterable[Sequence[str]] = EXCLUSIVE
) -> tuple[tuple[str, ...], ...]:
  """Returns the groups, as far as their names are `known`."""
  names = set(known)
  found = (tuple(x for x in group if x in names) for group in groups)
  return tuple(group for group in found if len(group) > 1)


def split_by_share(data: ConfigDict) -> str:
  """Returns what to do where `assign_split` leaves a split empty."""
  return (
    f"config.data.test_share={data.test_share:g} of all are for test, and half"
    " as many for validation: raise it, or add images"
  )


def assign_split(key: str, test_share: float) -> str:
  """Returns the split of a key by its hash, whatever other keys there are.

  However its umlauts are spelt, a key has one split. A share `test_share` of
  all keys is for test, half of that for validation, the rest for training.

  Raises:
    UserError: there is no such share.
  """
  if not 0 < test_share <= 0.5:
    raise UserError(
      f"config.data.test_share={test_share} must be above 0 and at most 0.5"
    )
  # A name may have bytes that are no UTF-8.
  content = normalize(key).encode(errors="surrogateescape")
  hashed = hashlib.sha256(content).digest()
  position = int.from_bytes(hashed[:8], "big") / 2**64
  if position < test_share:
    return "test"
  return "validation" if position < 1.5 * test_share else "train"
