"""Whether a face network takes a translated photo for the same person's."""

from typing import Any

import numpy as np

from akd_jax.evaluation.metrics.metric import (
  NUMBER,
  PERCENT,
  Metric,
  mean_if_any,
  read_rows,
)
from akd_jax.evaluation.metrics.outcome import Outcome
from akd_jax.interop.dlib_faces import SAME


def faces_kept(distances: np.ndarray, people: np.ndarray) -> dict[str, Any]:
  """Measures how near translations are to their own sources, and to others'.

  Args:
    distances: [N, N] of each translation (a line) to each source; nan where a
      source has no face.
    people: [N], who is on each picture: equal numbers are one person.

  Returns:
    {"distance", "kept", "images", "left_out"}. The first two are {"value",
    "chance"}, means over images: the distance to the own source, and the share
    that is less than SAME; and the same of the sources of all other people.
    Images without a face are left out; without any other both are None, and
    among pictures of a single person there is no chance level.
  """
  if distances.shape != (len(people), len(people)):
    raise ValueError(
      f"distances {distances.shape} are not between {len(people)} pictures"
    )
  kept = ~np.isnan(np.diagonal(distances))
  distances, people = distances[np.ix_(kept, kept)], people[kept]
  own, others = np.diagonal(distances), people[:, None] != people
  return {
    "distance": {
      "value": mean_if_any(own),
      "chance": mean_if_any(distances[others]),
    },
    "kept": {
      "value": mean_if_any(own < SAME),
      "chance": mean_if_any(distances[others] < SAME),
    },
    "images": int(kept.sum()),
    "left_out": int((~kept).sum()),
  }


def _measure(outcome: Outcome) -> dict[str, Any]:
  probes = outcome.probes
  assert probes.distances is not None
  return {"face": faces_kept(probes.distances, probes.people)}


FACE_DISTANCE = Metric(
  title="face distance",
  explanation=(
    "Distance of dlib's face descriptors of source and translation: two photos"
    " of one person are less than 0.6 apart. The mean leaves Male out."
  ),
  unit=NUMBER,
  better="lower",
  chance="other people",
  needs=("a face network",),
  read=read_rows(
    "face", "distance", "value", chance=("face", "distance", "chance")
  ),
  measure=_measure,
)
FACE_KEPT = Metric(
  title="same face",
  explanation=(
    "Share of translations less than 0.6 from their source by dlib's face"
    " descriptor, hence taken for the same person. The mean leaves Male out."
  ),
  unit=PERCENT,
  better="higher",
  chance="other people",
  needs=("a face network",),
  read=read_rows("face", "kept", "value", chance=("face", "kept", "chance")),
  measure=_measure,
)
