"""What a run learns from, as digests, by which it is known again."""

from collections.abc import Mapping

from akd_jax.data import pipeline
from akd_jax.data.dataset import Source
from akd_jax.training.same_run import WITHOUT_SIZES


def of_data(source: Source, threads: int) -> dict[str, str]:
  """Returns digests of the data, by name, to be compared with a run's.

  Args:
    source: the run's training split.
    threads: that look at files.

  Raises:
    UserError: a photo cannot be read.
  """
  return {
    "data": pipeline.digest_content(source, threads),
    WITHOUT_SIZES: pipeline.digest_content(source, threads, sizes=False),
  }


def kept(found: Mapping[str, str]) -> dict[str, str]:
  """Returns those digests that are kept with a run's checkpoints."""
  return {name: x for name, x in found.items() if name != WITHOUT_SIZES}
