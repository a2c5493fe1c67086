"""What is measured on a run's validation split once, and kept."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.cache import cache_directory
from akd_jax.common.config import WHEN_SEEN
from akd_jax.common.errors import UserError, WriteError
from akd_jax.common.files import digest
from akd_jax.data import pipeline
from akd_jax.evaluation import kept_arrays


class PicturesMissing(UserError):
  """A run's pictures are not where they were, or would be downloaded."""


def load_or_measure(
  data: ConfigDict,
  name: str,
  depends: tuple[Any, ...],
  measure: Callable[[Any], Mapping[str, float]],
) -> Any:
  """Returns numbers by name; from the user's cache if they are there.

  Args:
    data: config.data of the run.
    name: what is measured: its folder in the cache.
    depends: what else the numbers depend on.
    measure: takes the source of the validation split.

  Raises:
    PicturesMissing: there is nothing to measure.
    UserError: what is kept is damaged; or as `measure`.
  """
  fields = data.to_dict()
  for field in ("threads", *WHEN_SEEN):
    fields.pop(field)
  path = cache_directory() / name / f"{digest(fields, *depends)}.npz"
  if path.exists():
    return kept_arrays.read(path)[1]
  if data.name == "celeba" and not data.path:
    raise PicturesMissing(
      "its validation photos come from TensorFlow Datasets, which are opened"
      " for training only"
    )
  try:
    source = pipeline.open_source(data, "validation")
  except UserError as error:
    raise PicturesMissing(str(error)) from error
  measured = dict(measure(source))
  # Where it cannot be kept it is measured for this once.
  with contextlib.suppress(WriteError):
    kept_arrays.write(path, {}, measured)
  return measured
