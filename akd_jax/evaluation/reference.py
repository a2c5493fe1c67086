"""The real pictures that translations are to look like: statistics, kept.

Frechet and kernel distances compare features of translations with features of
the training split, of which no test picture is part. With the weights of FID's
InceptionV3 they are FID and KID; without, the features are the attribute
classifier's and the distances are called `fd_classifier` and `kd_classifier`:
no other number may be called FID.
"""

import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.cache import cache_directory
from akd_jax.common.files import digest
from akd_jax.data import pipeline
from akd_jax.evaluation.attribute_classifier import data_digest
from akd_jax.evaluation.classifier_training import Classifier, say
from akd_jax.evaluation.metrics import frechet
from akd_jax.evaluation.metrics.accuracy import spread
from akd_jax.interop import torch_inception
from akd_jax.models import inception

# Real pictures whose features are kept for the kernel distance; the size and
# number of its subsets are torch-fidelity's.
_SAMPLE = 5_000
_SUBSETS, _SUBSET_SIZE, _SEED = 100, 1_000, 2020
# Below, a covariance of 2,048 features is not of full rank: FID is too high.
_ENOUGH = 2_048


class Reference(NamedTuple):
  """Features of real pictures.

  Attributes:
    names: of the Frechet and of the kernel distance.
    embed: uint8 [N, S, S, 3] -> features [N, F]; None where the judge's are
      meant, which are at hand.
    statistics: those of the pictures that have an attribute, by its name; ""
      is all pictures.
    sample: [n, F], features of some, evenly spread.
  """

  names: tuple[str, str]
  embed: Callable[[np.ndarray], np.ndarray] | None
  statistics: dict[str, frechet.Statistics]
  sample: np.ndarray


class Distances:
  """Distances of one network's translations to a reference."""

  def __init__(self, reference: Reference):
    self._reference = reference
    self._features: list[np.ndarray] = []

  def add(
    self,
    attribute: str,
    images: np.ndarray,
    judged: np.ndarray,
    having: np.ndarray,
  ) -> dict[str, Any]:
    """The Frechet distance of translations to real pictures of an attribute.

    Nothing is said of fewer than two pictures on either side.

    Args:
      attribute: what was set or, by the protocol "flip", taken away.
      images: uint8 [N, S, S, 3], all of which count `overall`.
      judged: [N, F], the judge's features of them.
      having: bool [N], on which it was set: these are compared.
    """
    embed = self._reference.embed
    features = judged if embed is None else embed(images)
    self._features.append(features)
    return self._frechet(attribute, features[having])

  def overall(self) -> dict[str, Any]:
    """Both distances of all translations to all real pictures."""
    if not self._features:
      return {}
    features = np.concatenate(self._features)
    sample, (_, kernel) = self._reference.sample, self._reference.names
    size = min(_SUBSET_SIZE, len(features), len(sample))
    if size < 2:
      return {}
    mean, deviation = frechet.kernel_distance(
      features, sample, subsets=_SUBSETS, subset_size=size, seed=_SEED
    )
    distance = {"mean": mean, "deviation": deviation, "subset_size": size}
    return self._frechet("", features) | {kernel: distance}

  def _frechet(self, attribute: str, features: np.ndarray) -> dict[str, Any]:
    real = self._reference.statistics.get(attribute)
    if real is None or len(features) < 2:
      return {}
    name, _ = self._reference.names
    if name == "fid" and min(len(features), real.images) < _ENOUGH:
      say(
        f"FID of {attribute or 'all attributes'} is of {len(features):,}"
        f" translations and {real.images:,} real pictures: below {_ENOUGH:,} it"
        " comes out too high"
      )
    fake = frechet.statistics([features])
    return {name: frechet.frechet_distance(fake, real)}


def load_or_compute(
  config: ConfigDict, judge: Classifier, train: Any
) -> Reference:
  """The reference of a run, computed once and kept in the user's cache.

  Args:
    config: of the run; `evaluation.inception` names the weights of FID.
    judge: its features serve without them.
    train: the source of real pictures.

  Raises:
    UserError: the weights can not be read, or are other weights.
  """
  weights = config.evaluation.inception
  if weights:
    names = ("fid", "kid")
    variables = torch_inception.read(weights, inception.shapes())
    embed = functools.partial(inception.features, variables)
    kind: Any = "inception"
  else:
    names, embed = ("fd_classifier", "kd_classifier"), None
    kind = {
      k: v for k, v in judge.metadata.items() if not k.startswith("test_")
    }
  # Of the pictures, which need not be those that the judge has learnt from.
  name = digest(kind, data_digest(config, train))
  folder = cache_directory() / "references" / name
  if not folder.is_dir():
    _compute(config, train, embed or (lambda x: judge.predict(x)[1]), folder)
  kept = {
    path.stem.removeprefix("of_"): frechet.load_statistics(path)
    for path in folder.glob("of_*.npz")
  }
  sample = np.load(folder / "sample.npy", allow_pickle=False)
  return Reference(names, embed, kept, sample)


def _compute(
  config: ConfigDict,
  train: Any,
  embed: Callable[[np.ndarray], np.ndarray],
  folder: Path,
) -> None:
  """Writes the folder whole or not at all."""
  say(f"looking at {len(train):,} real pictures")
  batches = pipeline.read_in_batches(
    train, range(len(train)), config.data.threads
  )
  found = np.concatenate([embed(images) for images, _ in batches])
  folder.parent.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
    half = Path(scratch, "half")
    half.mkdir()
    columns = zip(train.attributes, np.asarray(train.labels).T, strict=True)
    groups = {"": np.ones(len(train), bool)}
    groups |= {name: labels > 0 for name, labels in columns}
    for name, chosen in groups.items():
      if chosen.sum() > 1:
        frechet.save_statistics(
          half / f"of_{name}.npz", frechet.statistics([found[chosen]])
        )
    np.save(half / "sample.npy", found[spread(len(found), _SAMPLE)])
    if not folder.is_dir():
      shutil.move(half, folder)
