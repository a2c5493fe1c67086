"""Source -> grain -> host batches. Nothing else here imports grain."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grain
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, nearest
from akd_jax.data.avatars.source import ALL_ATTRIBUTES, open_avatars
from akd_jax.data.photos import source as photos
from akd_jax.data.photos.celeba import open_celeba
from akd_jax.data.photos.folder import open_folder
from akd_jax.data.photos.table import open_table

_READ_AT_ONCE = 256
SPLITS = ("train", "validation", "test")

SOURCES: dict[str, Callable[[ConfigDict, str], Any]] = {
  "avatars": open_avatars,
  "celeba": open_celeba,
  "folder": open_folder,
  "table": open_table,
}


def open_source(data: ConfigDict, split: str) -> Any:
  """Opens the data set that `config.data` names.

  Returns:
    A random-access source of {image: uint8 [S, S, 3], label: uint8 [C]} with
    its `attributes`, all its `labels`, and the groups of `exclusive` ones.

  Raises:
    UserError: there is no such data set, or something is wrong with it.
  """
  if data.name not in SOURCES:
    raise UserError(
      f"config.data.name={data.name!r} is none of {', '.join(SOURCES)}"
      + nearest(data.name, SOURCES)
    )
  if data.label_rule not in ("multilabel", "exclusive"):
    raise UserError(
      f"config.data.label_rule={data.label_rule!r} is neither 'multilabel'"
      " nor 'exclusive'"
    )
  source = SOURCES[data.name](data, split)
  if not len(source):
    raise UserError(f"the {split} split of {data.name} has no images")
  return source


def known_attributes(data: ConfigDict) -> tuple[str, ...]:
  """All that a data set has labels of, whether `data.attributes` or not."""
  if data.name == "avatars":
    return ALL_ATTRIBUTES
  every = ConfigDict(data.to_dict() | {"attributes": ()})
  return tuple(open_source(every, "train").attributes)


def check_readable(source: Any, threads: int) -> None:
  """Reads every photo of a source once; drawn avatars are good by making.

  Raises:
    UserError: one can not be read; the message names it.
  """
  if isinstance(source, photos.PhotoSource):
    photos.check_readable(source, threads)


def read(
  source: Any, indices: Sequence[int], threads: int
) -> tuple[np.ndarray, np.ndarray]:
  """Images uint8 [N, S, S, 3] and labels uint8 [N, C] at some indices."""
  with ThreadPoolExecutor(max(threads, 1)) as pool:
    records = list(pool.map(source.__getitem__, indices))
  images = np.stack([record["image"] for record in records])
  # From the records: a source may replace what it cannot read.
  return images, np.stack([record["label"] for record in records])


def read_in_batches(
  source: Any, indices: Sequence[int], threads: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """`read`, some hundred at a time: a large split does not fit in memory."""
  for start in range(0, len(indices), _READ_AT_ONCE):
    yield read(source, indices[start : start + _READ_AT_ONCE], threads)


def _flip(
  record: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
  if rng.random() < 0.5:
    return record | {"image": record["image"][:, ::-1]}
  return record


def training_batches(
  source: Any,
  *,
  batch_size: int,
  n_critic: int,
  seed: int,
  threads: int,
  process_index: int = 0,
  process_count: int = 1,
) -> grain.DatasetIterator:
  """Endless batches {image: uint8 [n, B, S, S, 3], label: uint8 [n, B, C]}.

  Shuffled anew each epoch and flipped left to right at random, both by the
  seed. The batches of all processes, side by side, are those of one process.

  Args:
    source: as `open_source` returns it.
    batch_size: B, of this process.
    n_critic: n, micro-batches in a step.
    seed: of order and flips.
    threads: that read ahead.
    process_index: which share of each global batch this is.
    process_count: how many shares there are.

  Returns:
    An iterator with `get_state` and `set_state`, resumable anywhere.

  Raises:
    UserError: the source has fewer images than a global batch.
  """
  if len(source) < batch_size * process_count:
    raise UserError(
      f"config.batch_size={batch_size * process_count} is more than the"
      f" {len(source)} training images"
    )
  dataset = (
    grain.MapDataset.source(source)
    .seed(seed)
    .shuffle()
    .repeat()
    .random_map(_flip)
    .batch(batch_size)
  )
  dataset = dataset[process_index::process_count].batch(n_critic)
  return iter(
    dataset.to_iter_dataset(
      grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads)
    )
  )
