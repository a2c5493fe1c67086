"""Labelled photos as a random-access source: what celeba, folder and table
have in common once they know their files and labels."""

import dataclasses
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import HAIR_COLORS
from akd_jax.data.avatars import cache as avatar_cache
from akd_jax.data.photos.images import SUFFIXES, load_image

# Whoever is bald has no hair colour. CelebA's annotators switched on two of
# these for a few people; its vast majority has at most one.
HAIR = (*HAIR_COLORS, "Bald")


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoSource:
  """Photos and their 0/1 labels; a photo is decoded when it is asked for.

  Holds no open file, so that it may be pickled and read by many threads.

  Attributes:
    where: the folder, zip or data set that holds the photos, for errors.
    names: what `read` and errors call the photos.
    labels: uint8 [N, C], 0 or 1.
    attributes: names of the label's C columns.
    exclusive: groups of attributes of which at most one is on.
    read: name -> the photo's path, or the content of its file.
    crop, size: see `load_image`.
    skip_unreadable: an unreadable photo is replaced, label included, by the
      next readable one instead of being an error.
    skipped: names of the unreadable photos met so far, in this process.
  """

  where: str
  names: tuple[str, ...] = dataclasses.field(repr=False)
  labels: np.ndarray = dataclasses.field(repr=False)
  attributes: tuple[str, ...]
  exclusive: tuple[tuple[str, ...], ...]
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


def check_readable(source: PhotoSource, threads: int) -> None:
  """Decodes every photo once, before hours of training meet a broken one.

  A list of photos that was found good is remembered in the user's cache.

  Raises:
    UserError: a photo can not be read.
  """
  where = Path(source.where).absolute()
  # A folder's time changes with what is in it.
  changed = where.stat().st_mtime_ns if where.exists() else 0
  about = [str(where), str(changed), str(source.crop)]
  listed = "\n".join([*about, *source.names])
  digest = hashlib.sha256(listed.encode()).hexdigest()[:16]
  good = avatar_cache.root("") / "readable" / digest
  if source.skip_unreadable or good.exists():
    return
  with ThreadPoolExecutor(threads) as pool:
    photos = pool.map(source.__getitem__, range(len(source)))
    for _ in tqdm(
      photos, "checking photos", len(source), mininterval=1, leave=False
    ):
      pass
  good.parent.mkdir(parents=True, exist_ok=True)
  good.touch()


def photo_source(
  data: ConfigDict,
  split: str,
  *,
  where: str,
  names: Sequence[str],
  labels: np.ndarray,
  attributes: tuple[str, ...],
  exclusive: tuple[tuple[str, ...], ...],
  read: Callable[[str], bytes | Path],
  chosen: Sequence[bool],
) -> PhotoSource:
  """Builds the source of the `chosen` photos, after the last checks.

  Raises:
    UserError: a size makes no sense, the labels break the label rule, or no
      photo is chosen.
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
  if not attributes:
    raise UserError(f"{where} has no attributes")
  if data.label_rule == "exclusive":
    _check_exclusive(where, names, labels, attributes)
    exclusive = (attributes,)
  positions = np.flatnonzero(chosen).tolist()
  if not positions:
    raise UserError(
      f"the {split} split of {where} is empty: none of its {len(names)}"
      " images falls in it"
    )
  return PhotoSource(
    where=where,
    names=tuple(names[position] for position in positions),
    labels=labels[positions],
    attributes=attributes,
    exclusive=exclusive,
    read=read,
    crop=data.crop,
    size=data.image_size,
    skip_unreadable=data.skip_unreadable,
  )


def _check_exclusive(
  where: str,
  names: Sequence[str],
  labels: np.ndarray,
  attributes: Sequence[str],
) -> None:
  if len(attributes) < 2:
    raise UserError(
      f"{where} gives one class only ({attributes[0]});"
      " config.data.label_rule=exclusive needs two or more"
    )
  count = labels.sum(axis=1)
  wrong = np.flatnonzero(count != 1)
  if wrong.size:
    first = wrong[0]
    raise UserError(
      f"config.data.label_rule=exclusive, but {wrong.size} images in {where}"
      f" have not exactly one of {', '.join(attributes)} ({names[first]} has"
      f" {count[first]}); set multilabel"
    )


def hair_group(known: Iterable[str]) -> tuple[tuple[str, ...], ...]:
  """The hair colours among the `known` attributes, as an exclusive group."""
  group = tuple(name for name in HAIR if name in set(known))
  return (group,) if len(group) > 1 else ()


def split_of(key: str, test_share: float) -> str:
  """Assigns `key` to a split by its own hash, whatever else there is.

  A share `test_share` of all keys is for test, half of that for validation,
  the rest for training.
  """
  if not 0 < test_share <= 0.5:
    raise UserError(
      f"config.data.test_share={test_share} must be above 0 and at most 0.5"
    )
  digest = hashlib.sha256(key.encode()).digest()
  position = int.from_bytes(digest[:8], "big") / 2**64
  if position < test_share:
    return "test"
  return "validation" if position < 1.5 * test_share else "train"


def data_folder(data: ConfigDict, expected: str) -> Path:
  """The existing folder that data.path names; `expected` says what it holds."""
  if not data.path:
    raise UserError(f"config.data.path is empty; it must be {expected}")
  root = Path(data.path).expanduser()
  if not root.is_dir():
    problem = "is a file" if root.exists() else "does not exist"
    raise UserError(f"config.data.path={root} {problem}; it must be {expected}")
  return root


def list_images(folder: Path) -> list[str]:
  """Sorted names of the photos directly inside a folder."""
  return sorted(
    name
    for name in os.listdir(folder)
    if name.lower().endswith(SUFFIXES) and not name.startswith(".")
  )


def list_folders(folder: Path) -> list[Path]:
  """Sorted folders directly inside a folder."""
  with os.scandir(folder) as entries:
    return sorted(
      Path(entry)
      for entry in entries
      if entry.is_dir() and not entry.name.startswith(".")
    )


def files_among(root: Path, names: Iterable[str]) -> set[str]:
  """Which of the `names` (relative to root) are there.

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
  """Raises UserError if a listed photo is not among those `present`."""
  absent = [name for name in names if name not in present]
  if absent:
    raise UserError(
      f"{where} lacks {len(absent)} of the {len(names)} images that"
      f" {listed_in} lists, first {absent[0]}"
    )
