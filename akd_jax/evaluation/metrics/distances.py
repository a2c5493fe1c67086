"""How far translations are from real pictures: FID, KID, and stand-ins.

With the weights of FID's InceptionV3 the distances of features are FID and KID;
without, the features are the attribute classifier's and the distances are
called `fd_classifier` and `kd_classifier`: no other number may be called FID.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from akd_jax.common.output import note
from akd_jax.evaluation.metrics import frechet
from akd_jax.evaluation.metrics.metric import (
  NO_CHANCE,
  NUMBER,
  THOUSANDTHS,
  Metric,
  Paths,
  Reader,
  Unit,
  Value,
  read_network,
  rows_of,
)
from akd_jax.evaluation.metrics.outcome import Measured, Outcome, Reference

# The number and size of the kernel distance's subsets are torch-fidelity's.
_SUBSETS, _SUBSET_SIZE, _SEED = 100, 1_000, 2020
# Below, a covariance of 2,048 features is not of full rank: FID is too high.
_ENOUGH = 2_048


def attribute_distance(outcome: Outcome) -> dict[str, Any]:
  """Measures the Frechet distance to real pictures that have the attribute.

  Of translations by which it was set: by the protocol "flip" it is taken away
  from others. Nothing is said of fewer than two pictures on either side.
  """
  name = outcome.attribute
  having = outcome.targets[:, outcome.names.column(name)] > 0
  return _frechet(outcome.reference, name, [outcome.features[having]])


def overall_distances(measured: Measured) -> dict[str, Any]:
  """Measures both distances of all translations to all real pictures.

  Returns:
    {name: distance, name: {"mean", "deviation", "subset_size"}}, by the names
    of the reference; the deviation is that over subsets of the same pictures,
    not an error. Nothing of fewer than two pictures.
  """
  if not measured.features:
    return {}
  features, reference = np.concatenate(measured.features), measured.reference
  size = min(_SUBSET_SIZE, len(features), len(reference.sample))
  if size < 2:
    return {}
  mean, deviation = frechet.kernel_distance(
    features,
    reference.sample,
    subsets=_SUBSETS,
    subset_size=size,
    seed=_SEED,
  )
  kernel = {"mean": mean, "deviation": deviation, "subset_size": size}
  whole = _frechet(reference, "", measured.features)
  return whole | {reference.names[1]: kernel}


def _frechet(
  reference: Reference, attribute: str, features: Sequence[np.ndarray]
) -> dict[str, Any]:
  real = reference.statistics.get(attribute)
  images = sum(map(len, features))
  if real is None or images < 2:
    return {}
  name, _ = reference.names
  if name == "fid" and min(images, real.images) < _ENOUGH:
    note(
      f"FID of {attribute or 'all attributes'} is of {images:,}"
      f" translations and {real.images:,} real pictures: below {_ENOUGH:,} it"
      " comes out too high"
    )
  fake = frechet.statistics(features)
  return {name: frechet.frechet_distance(fake, real)}


def _read(name: str) -> Reader:
  """Returns a reader; of all attributes together it is no mean of theirs."""

  def read(network: Mapping[str, Any], attribute: str | None) -> Value:
    entries = rows_of(network, attribute)[attribute] if attribute else network
    return Value((entries or {}).get(name))

  return read


def _frechet_metric(
  title: str, name: str, features: str, same: Paths = ()
) -> Metric:
  return Metric(
    title=title,
    explanation=(
      f"Frechet distance of {features} features, of translations and of real"
      " pictures that have the attribute."
    ),
    unit=NUMBER,
    better="lower",
    chance=NO_CHANCE,
    needs=(),
    read=_read(name),
    measure=attribute_distance,
    summarize=overall_distances,
    by_attribute=True,
    same=same,
  )


def _kernel_metric(
  title: str, name: str, features: str, unit: Unit, same: Paths = ()
) -> Metric:
  return Metric(
    title=title,
    explanation=(
      f"Kernel distance of {features} features, of translations and of real"
      " pictures."
    ),
    unit=unit,
    better="lower",
    chance=NO_CHANCE,
    needs=(),
    read=read_network(name, "mean"),
    summarize=overall_distances,
    same=same,
  )


_INCEPTION, _CLASSIFIER = "InceptionV3's", "the attribute classifier's"
FID = _frechet_metric("FID", "fid", _INCEPTION)
KID = _kernel_metric("KID x 1,000", "kid", _INCEPTION, THOUSANDTHS)
_SAME_CLASSIFIER = (("classifier",),)
FD_CLASSIFIER = _frechet_metric(
  "fd_classifier", "fd_classifier", _CLASSIFIER, _SAME_CLASSIFIER
)
KD_CLASSIFIER = _kernel_metric(
  "kd_classifier", "kd_classifier", _CLASSIFIER, NUMBER, _SAME_CLASSIFIER
)
