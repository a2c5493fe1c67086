"""From a data set to batches of pictures. Only this file imports grain."""

import functools
import hashlib
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import grain
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, nearest
from akd_jax.data import dataset_of
from akd_jax.data.dataset import LABEL_RULES, SPLITS, Source
from akd_jax.data.photos import content, readable, remarks
from akd_jax.data.photos.source import PhotoSource

_READ_AT_ONCE = 256


def open_source(data: ConfigDict, split: str) -> Source:
  """Opens a split of the data set that `config.data` names, as a `Source`.

  Raises:
    UserError: there is no such data set, or something is wrong with it.
  """
  if data.label_rule not in LABEL_RULES:
    raise UserError(
      f"config.data.label_rule={data.label_rule!r} is none of"
      f" {', '.join(LABEL_RULES)}{nearest(data.label_rule, LABEL_RULES)}"
    )
  if split not in SPLITS:
    raise UserError(f"the split {split!r} is none of {', '.join(SPLITS)}")
  source = dataset_of(data).open(data, split)
  if not len(source):
    raise UserError(f"the {split} split of {data.name} has no images")
  return source


def known_attributes(data: ConfigDict) -> tuple[str, ...]:
  """Returns all that a data set has labels of, asked for or not.

  Raises:
    UserError: there is no such data set, or something is wrong with it.
  """
  return dataset_of(data).attributes(data)


def check_readable(source: Source, threads: int) -> None:
  """Reads every photo of a source once. Drawn avatars need no check.

  Raises:
    UserError: a photo cannot be read; the message names it.
  """
  if isinstance(source, PhotoSource):
    readable.check_readable(source, threads)


def remark(source: Source) -> None:
  """Says what is left out of a source, and other things that look wrong.

  A line each on standard error, and each once in a process.
  """
  if isinstance(source, PhotoSource):
    for line in (*source.remarks, *remarks.on_crop(source)):
      _say_once(line)


@functools.cache
def _say_once(line: str) -> None:
  print(f"note: {line}", file=sys.stderr, flush=True)


def digest_content(source: Source, threads: int) -> str:
  """Returns what a source is known again by, wherever its files lie.

  Drawn avatars are known by their labels: the config says all the rest.
  """
  if isinstance(source, PhotoSource):
    return content.digest_photos(source, threads)
  return digest_labels(source)


def digest_labels(source: Source) -> str:
  """Returns a digest of all labels of a source."""
  labels = np.ascontiguousarray(source.labels, np.uint8)
  shape = repr(labels.shape).encode()
  return hashlib.sha256(shape + labels.tobytes()).hexdigest()


def read(
  source: Source, indices: Sequence[int], threads: int
) -> tuple[np.ndarray, np.ndarray]:
  """Reads images uint8 [N, S, S, 3] and labels uint8 [N, C] at some indices."""
  with ThreadPoolExecutor(max(threads, 1)) as pool:
    records = list(pool.map(source.__getitem__, indices))
  images = np.stack([record["image"] for record in records])
  # From the records: a source may replace what it cannot read.
  return images, np.stack([record["label"] for record in records])


def read_in_batches(
  source: Source, indices: Sequence[int], threads: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """Yields what `read` returns, for some hundred indices at a time.

  A large split does not fit in memory.
  """
  for start in range(0, len(indices), _READ_AT_ONCE):
    yield read(source, indices[start : start + _READ_AT_ONCE], threads)


def _flip(
  record: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
  if rng.random() < 0.5:
    return record | {"image": record["image"][:, ::-1]}
  return record


def training_batches(
  source: Source,
  *,
  batch_size: int,
  micro_batches: int,
  seed: int,
  threads: int,
  process_index: int = 0,
  process_count: int = 1,
) -> grain.DatasetIterator:
  """Returns endless batches of a source, shuffled and flipped at random.

  The order changes with each epoch. It and the flips, left to right, depend on
  the seed alone. The batches of all processes, side by side, are the batches of
  a single process.

  Args:
    source: the pictures.
    batch_size: B, the pictures of this process in a micro-batch.
    micro_batches: m, how many there are in a step.
    seed: decides the order and the flips.
    threads: how many read ahead.
    process_index: which share of each global batch this process gets.
    process_count: how many shares there are.

  Returns:
    An iterator over {"image": uint8 [m, B, S, S, 3], "label": uint8 [m, B, C]}.
    Its `get_state` and `set_state` resume it anywhere.

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
    # There is no remainder, but what there is is counted: rounded up, as many
    # batches of one as there are numbers are one too many for grain.
    .batch(batch_size, drop_remainder=True)
  )
  dataset = dataset[process_index::process_count]
  dataset = dataset.batch(micro_batches, drop_remainder=True)
  return iter(
    dataset.to_iter_dataset(
      grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads)
    )
  )
