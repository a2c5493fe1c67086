"""The real pictures that translations are to look like: statistics, kept.

Frechet and kernel distances compare features of translations with features of
the training split, of which no test picture is part. Features are InceptionV3's
where its weights are given, or the attribute classifier's: see
metrics/distances.py.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.array_digest import digest_arrays
from akd_jax.common.cache import cache_directory
from akd_jax.common.errors import WriteError
from akd_jax.common.files import digest
from akd_jax.common.output import note
from akd_jax.data import pipeline
from akd_jax.data.dataset import spread_evenly
from akd_jax.evaluation import kept_arrays
from akd_jax.evaluation.attribute_classifier import Classifier
from akd_jax.evaluation.data_digest import digests_of
from akd_jax.evaluation.metrics.frechet import Moments, Statistics
from akd_jax.evaluation.metrics.outcome import Reference
from akd_jax.inference.batches import apply_in_pieces
from akd_jax.interop import torch_inception
from akd_jax.models import inception

# Pictures through InceptionV3 at once: a CPU is fastest with 4 to 16.
_PIECE = 16
# Real pictures whose features are kept for the kernel distance.
_SAMPLE = 5_000


def load_or_compute(
  config: ConfigDict,
  classifier: Classifier,
  train: Any,
  attributes: Sequence[str],
) -> Reference:
  """Returns the reference of a run, computed once and kept in the user's cache.

  Args:
    config: of the run; `evaluation.inception` names the weights of FID.
    classifier: its features serve without them.
    train: the source of real pictures.
    attributes: those that are translated. Statistics are kept of the pictures
      that have them, and of no others that the source knows: with InceptionV3's
      2,048 features each takes 34 MB, of memory as well as in the file.

  Raises:
    UserError: the weights can not be read, or are other weights.
  """
  weights = config.evaluation.inception
  if weights:
    names = ("fid", "kid")
    variables = torch_inception.read(weights, inception.shapes())
    embed = functools.partial(
      apply_in_pieces, functools.partial(inception.embed, variables), _PIECE
    )
    kind: Any = "inception"
  else:
    names, embed = ("fd_classifier", "kd_classifier"), None
    # Another one, trained alike, has other features.
    kind = digest_arrays(classifier.variables)
  # Of the pictures, which need not be those that the classifier learnt from.
  names_of_it = [
    digest(kind, x, list(attributes)) for x in digests_of(config, train)
  ]
  paths = [cache_directory() / "references" / f"{x}.npz" for x in names_of_it]
  if kept := [path for path in paths if path.exists()]:
    arrays, groups = kept_arrays.read(kept[0])
  else:
    note(f"reference: looking at {len(train):,} real pictures")
    arrays, groups = _compute(
      train,
      attributes,
      embed or (lambda images: classifier.predict(images).features),
      config.data.threads,
    )
    try:
      kept_arrays.write(paths[0], arrays, groups)
    except WriteError as error:
      note(f"reference: {error}: these figures are not kept")
  statistics = {
    group: Statistics(mean, covariance, int(count))
    for group, mean, covariance, count in zip(
      groups, arrays["mean"], arrays["covariance"], arrays["count"], strict=True
    )
  }
  return Reference(names, embed, statistics, arrays["sample"])


def _compute(
  train: Any,
  attributes: Sequence[str],
  embed: Callable[[np.ndarray], np.ndarray],
  threads: int,
) -> tuple[dict[str, np.ndarray], list[str]]:
  """Returns the statistics of all pictures and of those with an attribute.

  Pictures pass by once, and only sums of their features are held. Groups are
  told apart by their number in the file, so that an attribute may have any
  name.
  """
  columns = [tuple(train.attributes).index(name) for name in attributes]
  groups = {name: Moments() for name in ("", *attributes)}
  wanted = np.zeros(len(train), bool)
  wanted[spread_evenly(len(train), _SAMPLE)] = True
  sample = []
  start = 0
  for images, labels in pipeline.read_in_batches(
    train, range(len(train)), threads
  ):
    features = embed(images)
    groups[""].add(features)
    for name, column in zip(attributes, columns, strict=True):
      groups[name].add(features[labels[:, column] > 0])
    sample.append(features[wanted[start : start + len(features)]])
    start += len(features)
  # A covariance takes two pictures.
  kept = {
    name: moments.statistics()
    for name, moments in groups.items()
    if moments.count > 1
  }
  every = kept.values()
  arrays = {
    "mean": np.stack([x.mean for x in every]),
    "covariance": np.stack([x.covariance for x in every]),
    "count": np.array([x.images for x in every]),
    "sample": np.concatenate(sample),
  }
  return arrays, list(kept)
