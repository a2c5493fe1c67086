"""The evaluation of a run: a table, a file, and refusals."""

import json

import pytest

from akd_jax import evaluate, evaluation
from akd_jax import runs as directories
from akd_jax.configs.teacher import AVATAR_ATTRIBUTES
from akd_jax.data import pipeline
from tests import training
from tests.layouts import error
from tests.training import shared_runs  # noqa: F401


def network(mean, bald, male, flips):
  cost = {"parameters": 1234, "macs": 5.6e6, "latency": {"1": {"median": 0.01}}}
  rows = {
    "Bald": {"accuracy": bald, "images": 4, "true_accuracy": 0.5},
    "Male": {"accuracy": male, "images": 4, "mean_flips": flips},
  }
  return {
    "mean": mean,
    "attributes": rows,
    "left_alone": {"Bald": {"flips": 0.0}, "Male": {"flips": 0.125}},
    "block": "block_0",
    "cost": cost,
  }


RESULT = {
  "classifier": {
    "test_accuracy": {"mean": 0.995, "attributes": {"Bald": 1.0, "Male": 0.99}}
  },
  "networks": {
    "teacher": network(0.5, 0.75, 0.25, 0.125),
    "student": network(0.25, None, 0.25, None),
  },
  "training_labels": {
    "male": 0.5,
    "attributes": {"Bald": {"share": 0.25, "male": 1.0}},
  },
}
TABLE = """\
accuracy of  teacher  student  true translations  real test split
-----------------------------------------------------------------
Bald          75.0 %        -             50.0 %          100.0 %
Male          25.0 %   25.0 %                  -           99.0 %
-----------------------------------------------------------------
mean          50.0 %   25.0 %             50.0 %           99.5 %

                            teacher  student
--------------------------------------------
other attributes that flip   12.5 %        -
  where nothing is set        6.2 %    6.2 %
parameters                    1,234    1,234
multiply-accumulates          5.6 M    5.6 M
latency, 1 picture          10.0 ms  10.0 ms

training split  have it  men among them
---------------------------------------
Bald             25.0 %         100.0 %
all                              50.0 %"""


def _labels(runs, attribute):
  """Who of the training split has it."""
  data = directories.read_config(str(runs.student)).data
  data.attributes = (attribute,)
  return pipeline.open_source(data, "train").labels[:, 0].astype(bool)


def test_a_run_is_evaluated_beside_its_teacher(runs):
  done = training.run(
    [f"--workdir={runs.student}"],
    ("akd_jax.evaluate",),
    interpreter=("-X", "importtime"),
  )
  assert done.returncode == 0, done.stderr
  path = runs.student / "evaluation.json"
  result = json.loads(path.read_text())
  assert list(result["networks"]) == ["teacher", "student"]
  for network in result["networks"].values():
    assert tuple(network["attributes"]) == AVATAR_ATTRIBUTES
    assert 0 <= network["mean"] <= 1
    assert set(network["left_alone"]) >= set(AVATAR_ATTRIBUTES)
  goatee, male = _labels(runs, "Goatee"), _labels(runs, "Male")
  shown = result["training_labels"]["attributes"]["Goatee"]["male"]
  assert shown == pytest.approx(male[goatee].mean()) and 0 < shown < 1
  assert result["step"] == training.STEPS
  for name in ("leakage", "attention"):
    assert (runs.student / "evaluation" / f"{name}_student.png").exists()
  assert evaluate.table(result) in done.stdout
  assert done.stdout.endswith(f"written to {path}\n")
  # What does not train starts fast.
  assert "| tensorflow\n" not in done.stderr


def test_the_table_has_a_line_an_attribute_and_a_column_a_network():
  assert evaluate.table(RESULT) == TABLE


def test_what_is_not_there_is_named(runs, tmp_path):
  assert error(evaluation.evaluate, str(tmp_path)) == (
    f"{tmp_path} is not the directory of a run: it has no config.json"
  )
  assert error(evaluation.evaluate, str(runs.student), 3) == (
    f"{runs.student} has no checkpoint of step 3, only of 2, 4, 6, 8, 10"
  )
  complaint = error(evaluation.evaluate, str(runs.student), None, ("Smilin",))
  assert complaint.endswith("; did you mean 'Smiling'?")
