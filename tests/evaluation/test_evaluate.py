"""The evaluation of a run: a table, a file, and refusals."""

import copy
import functools
import json

import pytest
from PIL import Image

from akd_jax.configs.data import AVATAR_ATTRIBUTES
from akd_jax.data import pipeline
from akd_jax.evaluation import evaluator as evaluation
from akd_jax.evaluation import table as summary
from akd_jax.training import run_dir as directories
from tests import training
from tests.layouts import error
from tests.training import shared_runs  # noqa: F401


def network(mean, bald, male, flips):
  cost = {"parameters": 1234, "macs": 5.6e6, "latency": {"1": {"median": 0.01}}}
  rows = {
    "Bald": {
      "accuracy": bald,
      "images": 4,
      "true_accuracy": 0.5,
      "identity": {"value": 0.75, "chance": 0.25},
      "gender": {"female": {"misjudged": 0.5}, "male": {"misjudged": None}},
      "true_gender": {"female": {"misjudged": 0.0}, "male": {"misjudged": 1.0}},
      "fid": 7.5,
    },
    "Male": {"accuracy": male, "images": 4, "mean_flips": flips},
  }
  return {
    "mean": mean,
    "attributes": rows,
    "left_alone": {"Bald": {"flips": 0.0}, "Male": {"flips": 0.125}},
    "block": "block_0",
    "fid": 12.25,
    "kid": {"mean": 0.0125, "deviation": 0.002},
    "cost": cost,
  }


RESULT = {
  "real_accuracy": {"mean": 0.995, "attributes": {"Bald": 1.0, "Male": 0.99}},
  "networks": {
    "teacher": network(0.5, 0.75, 0.25, 0.125),
    "student": network(0.25, None, 0.25, None),
  },
  "training_labels": {
    "male": 0.5,
    "attributes": {"Bald": {"share": 0.25, "male": 1.0}},
  },
  "attention_agreement": {"Bald": {"pearson": 0.5, "chance": 0.125}},
}
TABLE = """\
accuracy of  teacher  student  true translations  real test split
-----------------------------------------------------------------
Bald          75.0 %        -             50.0 %          100.0 %
Male          25.0 %   25.0 %                  -           99.0 %
-----------------------------------------------------------------
mean          50.0 %   25.0 %             50.0 %           99.5 %

                                                 teacher        student
-----------------------------------------------------------------------
other attributes that flip                        12.5 %              -
  where nothing is set                             6.2 %          6.2 %
identity kept (chance)                     75.0 (25.0) %  75.0 (25.0) %
agreement with the teacher's map (chance)              -    0.50 (0.12)
FID                                                12.25          12.25
KID x 1,000                                 12.50 ± 2.00   12.50 ± 2.00
parameters                                         1,234          1,234
multiply-accumulates                               5.6 M          5.6 M
latency, 1 picture                               10.0 ms        10.0 ms

FID of  teacher  student
------------------------
Bald       7.50     7.50
Male          -        -

gender misjudged, women / men     teacher     student  true translations
------------------------------------------------------------------------
Bald                           50.0 % / -  50.0 % / -    0.0 % / 100.0 %

training split  have it  men among them
---------------------------------------
Bald             25.0 %         100.0 %
all                              50.0 %"""


def _labels(runs, attribute):
  """Who of the training split has it."""
  data = directories.read_config(str(runs.student)).data
  data.attributes = (attribute,)
  return pipeline.open_source(data, "train").labels[:, 0].astype(bool)


def test_a_run_is_evaluated_beside_its_teacher(runs, tmp_path):
  done = training.run(
    [
      f"--workdir={runs.student}", f"--save_images={tmp_path}",
      "--config.evaluation.images=6", "--config.evaluation.protocol=all",
    ],
    ("akd_jax.evaluate",),
    interpreter=("-X", "importtime"),
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  path = runs.student / "evaluation.json"
  result = json.loads(path.read_text())
  assert result["protocol"] == "all"
  assert list(result["networks"]) == ["teacher", "student"]
  for name, network in result["networks"].items():
    assert tuple(network["attributes"]) == AVATAR_ATTRIBUTES
    assert 0 <= network["mean"] <= 1
    assert set(network["left_alone"]) >= set(AVATAR_ATTRIBUTES)
    for attribute, row in network["attributes"].items():
      assert row["images"] == 6
      # Each one by one.
      written = sorted((tmp_path / name / attribute).iterdir())
      assert len(written) == 6
      with Image.open(written[0]) as image:
        assert image.size == (16, 16)
  goatee, male = _labels(runs, "Goatee"), _labels(runs, "Male")
  shown = result["training_labels"]["attributes"]["Goatee"]["male"]
  assert shown == pytest.approx(male[goatee].mean()) and 0 < shown < 1
  assert result["step"] == training.STEPS
  for name in ("leakage", "attention"):
    assert (runs.student / "evaluation" / f"{name}_student.png").exists()
  assert summary.table(result) in done.stdout
  assert done.stdout.endswith(f"written to {path}\n")
  # What does not train starts fast.
  assert "| tensorflow\n" not in done.stderr


def test_the_table_has_a_line_an_attribute_and_a_column_a_network():
  assert summary.table(RESULT) == TABLE


def test_no_table_is_shown_of_what_is_not_known():
  photos = copy.deepcopy(RESULT)
  for network in photos["networks"].values():
    for name in ("fid", "kid"):
      del network[name]
    for name in ("identity", "gender", "true_gender", "fid"):
      network["attributes"]["Bald"].pop(name)
  del photos["training_labels"], photos["attention_agreement"]
  text = summary.table(photos)
  assert text.count("\n\n") == 1
  assert "identity" not in text and "agreement" not in text


def test_a_run_is_evaluated_as_it_was_trained(runs):
  run = directories.load_run(str(runs.student))
  for fields, complaint in (
    (
      {"data.image_size": 8},
      "--config.data.image_size: it is the run's; here, evaluation and"
      " classifier can be others",
    ),
    (
      {"evaluation.inception": "nowhere"},
      "config.evaluation.inception=nowhere is no file",
    ),
  ):
    evaluate = functools.partial(evaluation.evaluate, run, fields=fields)
    assert error(evaluate) == complaint


def test_a_mistyped_field_is_told_the_nearest():
  done = training.run(
    ["--workdir=run", "--config.evaluation.inceptio=file"],
    ("akd_jax.evaluate",),
  )
  assert done.returncode == 2
  assert done.stderr == (
    "error: the config has no field 'inceptio'; did you mean 'inception'?\n"
  )


def test_what_is_not_there_is_named(runs, tmp_path):
  assert error(directories.load_run, str(tmp_path)) == (
    f"{tmp_path} is not the directory of a run: it has no config.json"
  )
  assert error(directories.load_run, str(runs.student), 3) == (
    f"{runs.student} has no checkpoint of step 3, only of 2, 4, 6, 8, 10"
  )
  run = directories.load_run(str(runs.student))
  complaint = error(evaluation.evaluate, run, ("Smilin",))
  assert complaint.endswith("; did you mean 'Smiling'?")
