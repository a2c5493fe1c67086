"""From a data set to batches of pictures. Only this file imports grain."""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import grain
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, naming_data, suggest
from akd_jax.common.output import note
from akd_jax.common.ranges import check_choice
from akd_jax.common.two_sets import first_of, second_of
from akd_jax.data import dataset_of
from akd_jax.data.curriculum import Curriculum, accept_unbiased
from akd_jax.data.dataset import (
  LABEL_RULES,
  SPLITS,
  Source,
  Truth,
  check_source,
)
from akd_jax.data.joined import JoinedSource, parts_of
from akd_jax.data.photos import photo_digest, readable, remarks
from akd_jax.data.photos.source import PhotoSource

_READ_AT_ONCE = 256


def open_source(data: ConfigDict, split: str) -> Source:
  """Opens a split of the data set that `config.data` names, as a `Source`.

  With data.second it is a `JoinedSource`.

  Raises:
    UserError: there is no such data set, or something is wrong with it.
  """
  if data.get("second"):
    first = open_source(first_of(data), split)
    with naming_data("config.data.second"):
      return JoinedSource(first, open_source(second_of(data), split))
  check_choice("data.label_rule", data.label_rule, LABEL_RULES)
  if split not in SPLITS:
    raise UserError(f"the split {split!r} is none of {', '.join(SPLITS)}")
  source = dataset_of(data).open(data, split)
  if not len(source):
    raise UserError(f"the {split} split of {data.name} has no images")
  # Photos are read one by one: see `check_readable`.
  if not isinstance(source, PhotoSource):
    check_source(source, data)
  return source


def truth_of(data: ConfigDict, source: Source) -> Truth | None:
  """Returns what gives the true translations of a source; None of photos.

  Args:
    data: config.data, that the source was opened by.
    source: the pictures.
  """
  if data.get("second"):
    return None
  known = dataset_of(data).counterfactual
  return known and functools.partial(known, source)


def list_attributes(data: ConfigDict) -> tuple[str, ...]:
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
  for part in parts_of(source):
    if isinstance(part, PhotoSource):
      readable.check_readable(part, threads)


def remark(source: Source) -> None:
  """Says what is left out of a source, and other things that look wrong.

  A line each on standard error, and each once in a process.
  """
  for part in parts_of(source):
    if isinstance(part, PhotoSource):
      for line in (*part.remarks, *remarks.say_crop(part)):
        _say_once(line)


@functools.cache
def _say_once(line: str) -> None:
  note(f"note: {line}")


def digests_of_content(source: Source, threads: int) -> list[str]:
  """Returns `digest_content`; of a zip also what earlier versions have kept.

  Args:
    source: the pictures.
    threads: that look at files.
  """
  zipped = any(map(photo_digest.is_zipped, parts_of(source)))
  kinds = (True, False) if zipped else (True,)
  return [digest_content(source, threads, zip_sizes) for zip_sizes in kinds]


def digest_content(source: Source, threads: int, zip_sizes: bool = True) -> str:
  """Returns what a source is known again by, wherever its files lie.

  Drawn avatars are known by their labels: the config says all the rest.

  Args:
    source: the pictures.
    threads: that look at files.
    zip_sizes: see `photo_digest.digest_photos`.
  """
  if isinstance(source, JoinedSource):
    both = [digest_content(part, threads, zip_sizes) for part in source.parts]
    return hashlib.sha256("".join(both).encode()).hexdigest()
  if isinstance(source, PhotoSource):
    return photo_digest.digest_photos(source, threads, zip_sizes)
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


def open_curriculum(config: ConfigDict, source: Source) -> Curriculum | None:
  """Returns what `config.data.curriculum` holds back; None where it is 0.

  Args:
    config: of a run.
    source: its training split.

  Raises:
    UserError: the data set has no labels of the bias attribute, or no bias can
      be told by them.
  """
  data, name = config.data, config.data.bias_attribute
  if not data.curriculum:
    return None
  field = f"config.data.curriculum={data.curriculum:g}"
  known = list_attributes(data)
  if name not in known:
    raise UserError(
      f"{field} needs labels of config.data.bias_attribute={name!r}, and"
      f" {data.name} has none{suggest(name, known)}: name an attribute that it"
      " has, or set 0"
    )
  others = [x for x in source.attributes if x != name]
  both = ConfigDict(data.to_dict() | {"attributes": (*others, name)})
  labels = open_source(both, "train").labels
  labels, biased = labels[:, :-1], labels[:, -1]
  if not others or np.ptp(biased) == 0:
    raise UserError(
      f"{field} needs an attribute beside {name}, and training pictures with"
      f" and without {name}: set 0"
    )
  accepted = accept_unbiased(labels, biased)
  if accepted.sum() < 1:
    raise UserError(
      f"{field} holds back every training picture: config.data.attributes tell"
      f" who has {name}; leave some out, or set 0"
    )
  cumulative = np.cumsum(accepted)
  steps = data.curriculum * config.steps
  return Curriculum(cumulative / cumulative[-1], steps, config.seed)


def make_batches(
  source: Source,
  *,
  batch_size: int,
  micro_batches: int,
  seed: int,
  threads: int,
  share: tuple[int, int] = (0, 1),
  curriculum: Curriculum | None = None,
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
    share: which share of each global batch this process gets, and how many
      shares there are.
    curriculum: what is held back at first; None shows each picture once in an
      epoch.

  Returns:
    An iterator over {"image": uint8 [m, B, S, S, 3], "label": uint8 [m, B, C]}.
    Its `get_state` and `set_state` resume it anywhere. Two label sets take
    turns: each micro-batch is of one of them.

  Raises:
    UserError: the source has fewer images than a global batch.
  """
  index, count = share
  for part in parts_of(source):
    if len(part) < batch_size * count:
      raise UserError(
        f"config.batch_size={batch_size * count} is more than the"
        f" {len(part)} training images"
      )
  if curriculum is not None:
    a_step = batch_size * count * micro_batches
    sets = [_held_back(source, seed, curriculum, a_step)]
  else:
    sets = [part.seed(seed).shuffle().repeat() for part in _label_sets(source)]
  # There is no remainder, but what there is is counted: rounded up, as many
  # batches of one as there are numbers are one too many for grain.
  shares = [
    pictures.random_map(_flip).batch(batch_size, drop_remainder=True)[
      index::count
    ]
    for pictures in sets
  ]
  dataset = shares[0] if len(shares) == 1 else grain.MapDataset.mix(shares)
  dataset = dataset.batch(micro_batches, drop_remainder=True)
  return iter(
    dataset.to_iter_dataset(
      grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads)
    )
  )


def _label_sets(source: Source) -> list[grain.MapDataset]:
  """Returns the pictures of each label set, with the labels of all sets."""
  if not isinstance(source, JoinedSource):
    return [grain.MapDataset.source(source)]
  return [
    grain.MapDataset.range(len(part)).map(functools.partial(source.read, place))
    for place, part in enumerate(source.parts)
  ]


def _held_back(
  source: Source, seed: int, curriculum: Curriculum, a_step: int
) -> grain.MapDataset:
  """Endless pictures of a source, `a_step` of them for each step."""

  def see(position: int, index: int) -> dict[str, np.ndarray]:
    return source[curriculum.choose(position // a_step, position, index)]

  turns = grain.MapDataset.range(len(source)).seed(seed).shuffle().repeat()
  return turns.map_with_index(see)
