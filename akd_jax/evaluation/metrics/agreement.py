"""Whether two networks look at the same places of the same pictures."""

from typing import Any

import numpy as np

from akd_jax.evaluation.metrics.localization import check_maps
from akd_jax.evaluation.metrics.metric import (
  NUMBER,
  Metric,
  mean_if_any,
  read_rows,
)
from akd_jax.evaluation.metrics.outcome import Outcome


def agreement(
  teacher_maps: np.ndarray, student_maps: np.ndarray, people: np.ndarray
) -> dict[str, Any]:
  """Measures how alike two networks' maps of the same translations are.

  Args:
    teacher_maps: [N, h, w], not negative.
    student_maps: [N, h, w], not negative.
    people: [N], who is on each picture: equal numbers are one person.

  Returns:
    {"pearson", "chance", "l1", "images", "left_out"}, means over images: the
    correlation of the two maps in [-1, 1]; that of the teacher's map with the
    student's maps of all pictures of other people, which maps have in common
    whatever they look at; and the l1 distance of the maps each divided by its
    sum, in [0, 2]; half of it is their total variation. Images where a map is
    constant have no correlation and are left out; without any other, all three
    are None, and among pictures of a single person there is no chance level.
  """
  if teacher_maps.shape != student_maps.shape or teacher_maps.ndim != 3:
    raise ValueError(
      f"maps {teacher_maps.shape} and {student_maps.shape} are not both"
      " [N, h, w]"
    )
  check_maps(teacher_maps)
  check_maps(student_maps)
  pair = np.stack([teacher_maps, student_maps]).astype(np.float64)
  pair = pair.reshape(2, len(teacher_maps), -1)
  kept = np.all(np.ptp(pair, axis=2) > 0, axis=0)
  pair, people = pair[:, kept], np.asarray(people)[kept]
  shares = pair / pair.sum(2, keepdims=True)
  centred = pair - pair.mean(2, keepdims=True)
  standard = centred / centred.std(2, keepdims=True)
  # [N, N], of each map of the teacher with each of the student.
  correlations = standard[0] @ standard[1].T / pair.shape[2]
  return {
    "pearson": mean_if_any(np.diagonal(correlations)),
    "chance": mean_if_any(_with_others(correlations, people)),
    "l1": mean_if_any(np.abs(shares[0] - shares[1]).sum(1)),
    "images": int(kept.sum()),
    "left_out": int((~kept).sum()),
  }


def _with_others(correlations: np.ndarray, people: np.ndarray) -> np.ndarray:
  """Returns each row's mean over other people, of rows that have any."""
  others = people[:, np.newaxis] != people
  counts = others.sum(1)
  totals = (correlations * others).sum(1)
  return totals[counts > 0] / counts[counts > 0]


def _measure(outcome: Outcome) -> dict[str, Any]:
  probes = outcome.probes
  assert probes.teacher_maps is not None
  own = probes.maps[probes.block]
  return {"agreement": agreement(probes.teacher_maps, own, probes.people)}


AGREEMENT = Metric(
  title="agreement with the teacher's map",
  explanation=(
    "Correlation of the teacher's and the student's map of the same picture."
  ),
  unit=NUMBER,
  better="higher",
  chance="other people",
  needs=("attention", "a teacher's attention"),
  read=read_rows("agreement", "pearson", chance=("agreement", "chance")),
  measure=_measure,
)
