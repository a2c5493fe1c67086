"""The embedded data set: drawn faces whose labels are exact by construction.

An avatar is a function of (data.seed, split, index). First its labels are drawn
(labels.py), then whatever the labels leave open, and then the picture
(drawing.py). The pictures of a split are drawn once. They are kept in
`data.path`, or in the user's cache, in a folder named by all they depend on.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.cache import cache_directory
from akd_jax.common.errors import UserError, suggest
from akd_jax.common.output import show_progress
from akd_jax.common.processes import start_workers
from akd_jax.data.attributes import (
  EXPRESSIONS,
  HAIR_COLORS,
  attribute_indices,
)
from akd_jax.data.avatars import cache, drawing
from akd_jax.data.avatars.drawing import PICKS, Person
from akd_jax.data.avatars.labels import (
  ALL_ATTRIBUTES,
  EXCLUSIVE,
  SHARES,
  find_excluded,
  switch_off,
  switch_on,
)
from akd_jax.data.avatars.parts import find_style_version
from akd_jax.data.avatars.sampler import LabelSampler
from akd_jax.data.dataset import SPLITS, Dataset

# Avatars that a process draws at a time: about a second's work.
_CHUNK = 250
# Probability of long hair, where the hair has a choice, without and with Male.
_LONG = (0.85, 0.15)


class AvatarSource:
  """The avatars of a split, as a `Source` (see `open_avatars`).

  Attributes:
    attributes: names of the labels' C columns.
    labels: uint8 [N, C].
    all_labels: uint8 [N, len(ALL_ATTRIBUTES)].
    exclusive: groups of ALL_ATTRIBUTES of which at most one is on.
    identities: [N]; each avatar is somebody else.
  """

  def __init__(
      self, *, attributes: tuple[str, ...], kept: np.ndarray,
      all_labels: np.ndarray, images: np.memmap, seed: tuple[int, int],
  ):  # fmt: skip
    self.attributes = attributes
    self.all_labels = np.asarray(all_labels)[kept]
    columns = attribute_indices(ALL_ATTRIBUTES, attributes, "avatars")
    self.labels = self.all_labels[:, columns]
    self.exclusive = EXCLUSIVE
    self.identities = kept
    self._seed = seed
    self._path = str(images.filename)
    self._images: np.ndarray = images

  def __len__(self) -> int:
    return len(self.identities)

  def __getitem__(self, index: int) -> dict[str, np.ndarray]:
    image = np.array(self._images[self.identities[index]])
    return {"image": image, "label": self.labels[index].copy()}

  def __getstate__(self) -> dict[str, Any]:
    # A memory map pickles as all its bytes; its file is enough.
    return {**self.__dict__, "_images": None}

  def __setstate__(self, state: dict[str, Any]) -> None:
    self.__dict__.update(state)
    self._images = np.load(self._path, mmap_mode="r", allow_pickle=False)

  def person(self, index: int) -> Person:
    """Returns the description that the picture `index` was drawn from."""
    numbers = _numbers(self._seed, int(self.identities[index]))
    return _person(self.all_labels[index], numbers)

  def counterfactual(
    self, index: int, attribute: str
  ) -> tuple[np.ndarray, np.ndarray]:
    """Draws the person `index` again, with `attribute` on.

    All else stays, but what the attribute excludes is off.

    Returns:
      The picture uint8 [S, S, 3], which is the person's own where the attribute
      is on already; and a mask bool [S, S] of the pixels that the attribute
      owns, which change when it is switched.

    Raises:
      UserError: avatars have no such attribute.
    """
    attribute_indices(ALL_ATTRIBUTES, (attribute,), "avatars")
    image, person = self[index]["image"], self.person(index)
    present = attribute in person.on
    switch = switch_off if present else switch_on
    other = drawing.render(
      Person(switch(person.on, attribute), person.long, person.picks),
      len(image),
    )
    return (image if present else other), np.any(image != other, axis=-1)


def open_avatars(data: ConfigDict, split: str) -> AvatarSource:
  """Opens a split; draws it first where no cache holds it.

  Args:
    data: config.data, of which attributes (() is all, and all expressions where
      they exclude each other), label_rule, image_size, path, seed, sizes
      (split -> number of avatars), distribution and conditional (see
      `LabelSampler`) are read.
    split: one of SPLITS.

  Raises:
    UserError: a field is wrong.
  """
  every = EXPRESSIONS if data.label_rule == "exclusive" else ALL_ATTRIBUTES
  attributes = tuple(data.attributes) or every
  attribute_indices(ALL_ATTRIBUTES, attributes, "avatars")
  count = _count(data, split)
  sampler = LabelSampler(
    _as_dict(data.distribution, "distribution"),
    {
      name: _as_dict(shares, f"conditional.{name}")
      for name, shares in _as_dict(data.conditional, "conditional").items()
    },
  )
  seed = (int(data.seed), SPLITS.index(split))
  description = {
    "seed": seed[0],
    "split": split,
    "count": count,
    "image_size": int(data.image_size),
    "attributes": ALL_ATTRIBUTES,
    "shares": sampler.describe(),
    "long": _LONG,
    "drawing": drawing.VERSION,
    "dicebear_styles": find_style_version(),
  }
  digest = hashlib.sha256(json.dumps(description).encode()).hexdigest()[:16]
  given = os.path.expanduser(data.path)
  root = Path(given).absolute() if data.path else None
  folder = (root or cache_directory()) / f"avatars-{digest}" / split
  labels, images = cache.open_or_draw(
    folder,
    description,
    lambda add: _draw_all(add, description, sampler, seed),
  )
  kept = _choose(labels, attributes, data.label_rule)
  return AvatarSource(
      attributes=attributes, kept=kept, all_labels=labels, images=images,
      seed=seed,
  )  # fmt: skip


AVATARS = Dataset(
  open_avatars,
  lambda data: ALL_ATTRIBUTES,
  AvatarSource.counterfactual,
  reads=(),
  drawn=True,
)


def _as_dict(value: Any, field: str) -> dict[str, Any]:
  """Returns a mapping or ConfigDict as a dict."""
  if not isinstance(value, Mapping | ConfigDict):
    raise UserError(
      f"config.data.{field} is {value!r}, not a mapping of attributes"
    )
  return dict(value.items())


def _count(data: ConfigDict, split: str) -> int:
  """Returns how many avatars the split has."""
  where = "config.data.sizes"
  for name in data.sizes:
    if name not in SPLITS:
      raise UserError(f"{where}: no split {name!r}{suggest(name, SPLITS)}")
  count = data.sizes.get(split, 0)
  if not isinstance(count, int) or count < 1:
    raise UserError(f"{where}: {split} = {count!r} is not a positive number")
  return count


def _choose(
  labels: np.ndarray, attributes: tuple[str, ...], label_rule: str
) -> np.ndarray:
  """Returns the indices of the avatars that the label rule leaves."""
  if label_rule == "multilabel":
    return np.arange(len(labels))
  for name in attributes:
    together = {*attributes} - {name} - find_excluded(name)
    if together:
      raise UserError(
        f"config.data.attributes: {name!r} and {min(together)!r} go together,"
        " and config.data.label_rule=exclusive takes only attributes that do"
        f" not, as expressions ({', '.join(EXPRESSIONS)}) or colours of hair"
        f" ({', '.join(HAIR_COLORS)})"
      )
  columns = attribute_indices(ALL_ATTRIBUTES, attributes, "avatars")
  return np.flatnonzero(labels[:, columns].any(axis=1))


def _numbers(seed: tuple[int, int], index: int) -> np.ndarray:
  """Returns the random numbers that make one avatar, whatever the others."""
  rng = np.random.default_rng((*seed, index))
  return rng.random(len(SHARES) + 1 + len(PICKS))


def _person(labels: np.ndarray, numbers: np.ndarray) -> Person:
  on = frozenset(
    name for name, label in zip(ALL_ATTRIBUTES, labels, strict=True) if label
  )
  number, *picks = numbers[len(SHARES) :].tolist()
  long = number < _LONG["Male" in on]
  return Person(on, long, dict(zip(PICKS, picks, strict=True)))


def _draw_all(
  add: cache.Add,
  description: Mapping[str, Any],
  sampler: LabelSampler,
  seed: tuple[int, int],
) -> np.ndarray:
  """Draws avatars on all cores and adds each; returns the labels."""
  count, size = description["count"], description["image_size"]
  numbers = np.stack([_numbers(seed, i) for i in range(count)])
  labels = sampler(numbers[:, : len(SHARES)])
  jobs = [
    (labels[i : i + _CHUNK], numbers[i : i + _CHUNK], size)
    for i in range(0, count, _CHUNK)
  ]
  processes = min(os.cpu_count() or 1, len(jobs))
  with contextlib.ExitStack() as stack:
    drawn: Iterator[np.ndarray] = map(_draw_some, jobs)
    if processes > 1:
      pool = stack.enter_context(start_workers(processes))
      drawn = pool.map(_draw_some, jobs)
    bar = stack.enter_context(show_progress("drawing avatars", count))
    try:
      for some in drawn:
        add(some)
        bar.update(len(some))
    except BrokenProcessPool:
      raise UserError(
        "the processes that draw avatars ended: a script that opens them must"
        ' be a file, and do so below `if __name__ == "__main__":`'
      ) from None
  return labels


def _draw_some(job: tuple[np.ndarray, np.ndarray, int]) -> np.ndarray:
  labels, numbers, size = job
  people = map(_person, labels, numbers)
  return np.stack([drawing.render(person, size) for person in people])
