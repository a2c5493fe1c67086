"""Labelled photos as a source: what celeba, folder and table share."""

import dataclasses
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import HAIR_COLORS
from akd_jax.data.photos.images import SUFFIXES, load_image

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
    identities: [N], equal where the person is the same; None if unknown.
  """

  where: str
  names: Sequence[str]
  splits: Sequence[str]
  labels: np.ndarray
  attributes: tuple[str, ...]
  exclusive: tuple[tuple[str, ...], ...]
  read: Callable[[str], bytes | Path]
  identities: np.ndarray | None = None


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


def photo_source(data: ConfigDict, split: str, photos: Photos) -> PhotoSource:
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
  exclusive = photos.exclusive
  if data.label_rule == "exclusive":
    _check_exclusive(photos)
    exclusive = (photos.attributes,)
  chosen = [i for i, x in enumerate(photos.splits) if x == split]
  if not chosen:
    raise UserError(
      f"the {split} split of {photos.where} is empty: none of its"
      f" {len(photos.names)} images falls in it"
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
  )


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


def find_exclusive(known: Iterable[str]) -> tuple[tuple[str, ...], ...]:
  """Returns the groups of EXCLUSIVE, as far as their names are `known`."""
  names = set(known)
  groups = (tuple(x for x in group if x in names) for group in EXCLUSIVE)
  return tuple(group for group in groups if len(group) > 1)


def assign_split(key: str, test_share: float) -> str:
  """Returns the split of a key by its hash, whatever other keys there are.

  A share `test_share` of all keys is for test, half of that for validation,
  the rest for training.

  Raises:
    UserError: there is no such share.
  """
  if not 0 < test_share <= 0.5:
    raise UserError(
      f"config.data.test_share={test_share} must be above 0 and at most 0.5"
    )
  hashed = hashlib.sha256(key.encode()).digest()
  position = int.from_bytes(hashed[:8], "big") / 2**64
  if position < test_share:
    return "test"
  return "validation" if position < 1.5 * test_share else "train"


def find_folder(data: ConfigDict, expected: str) -> Path:
  """Returns the folder that config.data.path names.

  Raises:
    UserError: there is none; the message ends with what is `expected`.
  """
  if not data.path:
    raise UserError(f"config.data.path is empty; it must be {expected}")
  root = Path(data.path).expanduser()
  if not root.is_dir():
    problem = "is a file" if root.exists() else "does not exist"
    raise UserError(f"config.data.path={root} {problem}; it must be {expected}")
  return root


def list_images(folder: Path) -> list[str]:
  """Returns the sorted names of the photos directly inside a folder."""
  return sorted(
    name
    for name in os.listdir(folder)
    if name.lower().endswith(SUFFIXES) and not name.startswith(".")
  )


def list_folders(folder: Path) -> list[Path]:
  """Returns the sorted folders directly inside a folder."""
  with os.scandir(folder) as entries:
    return sorted(
      Path(entry)
      for entry in entries
      if entry.is_dir() and not entry.name.startswith(".")
    )


def find_present(root: Path, names: Iterable[str]) -> set[str]:
  """Returns those of the `names` (relative to root) that are there.

  Lists each folder once: 200,000 questions to the file system take minutes
  on a network drive.
  """
  names = list(names)
  present: set[str] = set()
  for parent in {str(PurePosixPath(name).parent) for name in names}:
    if (root / parent).is_dir():
      prefix = "" if parent == "." else f"{parent}/"
      present.update(prefix + name for name in os.listdir(root / parent))
  return present.intersection(names)


def check_present(
  names: Sequence[str], present: set[str], where: Path, listed_in: Path
) -> None:
  """Refuses a list of photos that are not all `present`.

  Raises:
    UserError: one is not; the message has the first.
  """
  absent = [name for name in names if name not in present]
  if absent:
    raise UserError(
      f"{where} lacks {len(absent)} of the {len(names)} images that"
      f" {listed_in} lists, first {absent[0]}"
    )
