"""What a set of photos holds: every photo is read once."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.common.output import show_progress
from akd_jax.data.photos.images import center_box, open_image, read_bytes
from akd_jax.data.photos.source import PhotoSource

# Of the training photos: an attribute that fewer have, or lack, is hard to
# learn.
RARE = 0.05
# How many times as large as the smallest class the largest may be.
UNEVEN = 10


class Inspected(NamedTuple):
  """What was found of one photo.

  Attributes:
    split: its split.
    name: as the source has it.
    label: of its attributes, in their order.
    size: width and height in pixels, upright; None of an unreadable one.
    digest: of its content; empty of one that cannot even be opened.
  """

  split: str
  name: str
  label: tuple[int, ...]
  size: tuple[int, int] | None
  digest: bytes


class Duplicates(NamedTuple):
  """Photos whose files are the same.

  Attributes:
    groups: the names of each photo that is there more than once.
    across: how many of these are in several splits.
    contradicting: how many of these have several labels.
  """

  groups: list[list[str]]
  across: int
  contradicting: int


def survey(sources: Mapping[str, PhotoSource], threads: int) -> list[Inspected]:
  """Reads every photo of some splits, whether or not it can be read.

  Shows how far it is where standard error is a terminal.

  Args:
    sources: of each split.
    threads: how many read at a time.
  """
  asked = [(x, i) for x, source in sources.items() for i in range(len(source))]
  with ThreadPoolExecutor(max(threads, 1)) as pool:
    inspected = pool.map(lambda x: _inspect(x[0], sources[x[0]], x[1]), asked)
    return list(_shown(inspected, len(asked)))


def _shown(inspected: Iterator[Inspected], count: int) -> Iterator[Inspected]:
  with show_progress("reading photos", count) as bar:
    for photo in inspected:
      yield photo
      bar.update()


def _inspect(split: str, source: PhotoSource, index: int) -> Inspected:
  name = source.names[index]
  label = tuple(source.labels[index].tolist())
  try:
    content = read_bytes(source.read(name))
  except (OSError, ValueError, UserError):
    return Inspected(split, name, label, None, b"")
  digest = hashlib.sha256(content).digest()
  try:
    size = open_image(content).size
  except UserError:
    size = None
  return Inspected(split, name, label, size, digest)


def find_duplicates(inspected: Sequence[Inspected]) -> Duplicates:
  """Finds photos that can be read and whose files are the same."""
  same: dict[bytes, list[Inspected]] = {}
  for photo in inspected:
    if photo.size:
      same.setdefault(photo.digest, []).append(photo)
  groups = [group for group in same.values() if len(group) > 1]
  return Duplicates(
    [[photo.name for photo in group] for group in groups],
    sum(len({photo.split for photo in group}) > 1 for group in groups),
    sum(len({photo.label for photo in group}) > 1 for group in groups),
  )


def measure_cut_off(inspected: Sequence[Inspected], crop: int) -> float:
  """Returns the share of a photo's pixels that a crop leaves out; the median.

  Args:
    inspected: photos, of which one can be read.
    crop: see `to_square`.
  """
  sides = [(size, center_box(size, crop)) for size in sizes_of(inspected)]
  left_out = [
    1 - (box[2] - box[0]) ** 2 / (size[0] * size[1]) for size, box in sides
  ]
  return float(np.median(left_out))


def sizes_of(inspected: Sequence[Inspected]) -> list[tuple[int, int]]:
  """Returns the sizes of the photos that can be read, from small to large."""
  sizes = [photo.size for photo in inspected if photo.size]
  return sorted(sizes, key=lambda size: (size[0] * size[1], size))


def say_imbalance(train: PhotoSource, label_rule: str) -> list[str]:
  """Returns a line each of what is too rare, or too frequent, to learn well."""
  counts = train.labels.sum(axis=0, dtype=int).tolist()
  named = list(zip(counts, train.attributes, strict=True))
  if label_rule == "exclusive":
    (few, smallest), (many, largest) = min(named), max(named)
    if many <= UNEVEN * few:
      return []
    return [
      f"{largest} ({many:,}) has more than {UNEVEN} times the training photos"
      f" of {smallest} ({few:,})"
    ]
  lines = []
  least = RARE * len(train)
  found = {
    "have": [(x, name) for x, name in named if x < least],
    "lack": [
      (len(train) - x, name) for x, name in named if len(train) - x < least
    ],
  }
  for what, rare in found.items():
    if rare:
      listed = ", ".join(f"{name} ({count:,})" for count, name in sorted(rare))
      lines.append(f"less than 5 % of the training photos {what} {listed}")
  return lines
