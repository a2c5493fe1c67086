"""What networks side by side are worth, by the figures of their seeds."""

from types import SimpleNamespace

import pytest

from akd_jax.evaluation.metrics import METRICS
from akd_jax.experiments.columns import Column, columns_of, say_verdict
from akd_jax.experiments.compared import Variant

pytestmark = pytest.mark.quick


def network(accuracy, flips=0.5):
  row = {"accuracy": accuracy, "mean_flips": flips}
  return {"mean": accuracy, "attributes": {"Bald": row}}


def column(name, *rows):
  """A network with an accuracy and a share of flips of each seed."""
  results = [{"networks": {"generator": network(*row)}} for row in rows]
  return Column(name, results, list(range(len(rows))))


def test_less_is_better_of_what_should_not_change():
  ours = column("ours", (0.8, 0.1), (0.7, 0.2), (0.9, 0.15))
  theirs = column("theirs", (0.5, 0.3), (0.41, 0.41), (0.6, 0.35))
  assert say_verdict([ours, theirs]) == (
    "Beside theirs, ours is better in accuracy (+29.7), other attributes that"
    " flip (-20.3)."
  )
  careful = column("careful", (0.2, 0.01), (0.1, 0.1), (0.3, 0.06))
  assert say_verdict([careful, theirs]) == (
    "Beside theirs, careful is better in other attributes that flip (-29.7),"
    " and worse in accuracy (-30.3)."
  )


def test_what_seeds_do_not_agree_on_is_no_difference():
  first, second = (
    column(name, *((x,) for x in accuracies))
    for name, accuracies in (("a", (0.5, 0.6, 0.7)), ("b", (0.4, 0.7, 0.6)))
  )
  assert (
    say_verdict([first, second])
    == "a and b do not differ by more than seeds do."
  )


def test_a_figure_that_a_seed_lacks_is_none_of_the_network():
  whole = column("whole", (0.5,), (0.6,))
  part = column("part", (0.5,), (None,))
  accuracy = METRICS["accuracy"]
  assert whole.values(accuracy) == [50, 60]
  assert part.values(accuracy) == []
  assert whole.paired(accuracy, part) == ([], [])


@pytest.mark.parametrize(
  ("teachers", "accuracies", "count"),
  [
    (("one", "one", "one"), (0.9, 0.9, 0.9), 1),
    (("a", "b", "c"), (0.9, 0.8, 0.7), 3),
    (("a", "b", "c"), (0.9, 0.9, 0.9), 3),
    # Earlier versions have not noted which.
    ((None,) * 3, (0.9, 0.9, 0.9), 1),
    ((None,) * 3, (0.9, 0.8, 0.7), 3),
  ],
)
def test_a_teacher_of_all_seeds_is_one_network(teachers, accuracies, count):
  seeds = [
    SimpleNamespace(
      config=SimpleNamespace(seed=seed),
      result={
        "teacher": teacher,
        "networks": {"teacher": network(accuracy), "student": network(0.5)},
      },
    )
    for seed, (teacher, accuracy) in enumerate(
      zip(teachers, accuracies, strict=True), 5
    )
  ]
  above, student = columns_of([Variant("student", seeds)])
  assert above.teaches and not student.teaches
  assert above.seeds == [5, 6, 7][:count]
  expected = [100 * x for x in accuracies[:count]]
  assert above.values(METRICS["accuracy"]) == pytest.approx(expected)
  assert student.seeds == [5, 6, 7]
