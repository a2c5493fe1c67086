"""evaluation.json of earlier versions is read under its new names."""

import copy
import json

import pytest

from akd_jax.common.errors import UserError
from akd_jax.configs import teacher
from akd_jax.evaluation import record, table
from akd_jax.evaluation.metrics import METRICS

# As version 0.1.0 wrote it, but for what no table shows.
OLD = {
  "step": 10,
  "settings": {
    "evaluation": {"looked_at": 128, "images": 6},
    "classifier": {"name": "resnet18"},
  },
  "protocol": "lacking",
  "attention": {"method": "grad_cam"},
  "real_accuracy": {"mean": 0.99, "attributes": {"Bald": 0.99}},
  "networks": {
    name: {
      "mean": 0.75,
      "attributes": {
        "Bald": {
          "accuracy": 0.75,
          "images": 4,
          "mean_flips": 0.125,
          "identity": {"value": 0.75, "chance": 0.25, "images": 4},
          "attention": {
            "block_2": {"iou": {"value": 0.2, "chance": 0.1, "best": 0.5}}
          },
        }
      },
      "left_alone": {"Bald": {"flips": 0.5}},
      "block": "block_2",
      "fd_classifier": 12.0,
      "cost": {
        "parameters": 12, "macs": 5e6, "latency": {"1": {"median": 0.01}},
      },
    }
    for name in ("teacher", "student")
  },
  "attention_agreement": {"Bald": {"pearson": 0.5, "chance": 0.25}},
}  # fmt: skip


@pytest.fixture
def result(tmp_path):
  path = tmp_path / "evaluation.json"
  path.write_text(json.dumps(OLD))
  return record.read(path)


def test_old_names_are_read_as_the_new_ones(result):
  student = record.trained_network(result)
  assert student["self_translation"] == {"Bald": {"flips": 0.5}}
  assert student["attributes"]["Bald"]["agreement"]["pearson"] == 0.5
  assert "agreement" not in result["networks"]["teacher"]["attributes"]["Bald"]
  assert result["settings"]["evaluation"]["probe_images"] == 128
  text = json.dumps(result)
  for name in ("left_alone", "attention_agreement", "looked_at"):
    assert name not in text


def test_settings_that_a_result_lacks_are_what_they_have_always_been(tmp_path):
  """Else a new field would have every run of an experiment evaluated anew."""
  now = record.list_settings(teacher.get_config("debug"))
  before = copy.deepcopy(now)
  for field in ("data", "prior", "unbiased"):
    del before["classifier"][field]
  path = tmp_path / "evaluation.json"
  path.write_text(json.dumps(OLD | {"settings": before}))
  assert record.read(path)["settings"] == now


def test_what_is_read_is_read_again_unchanged(result, tmp_path):
  path = tmp_path / "evaluation.json"
  record.write(result, path)
  assert record.read(path) == result
  assert record.renew(copy.deepcopy(result)) == result


def test_every_figure_of_an_old_file_is_shown(result):
  student = record.trained_network(result)
  expected = {
    "accuracy": 0.75, "leakage": 0.125, "self_translation": 0.5,
    "identity": 0.75, "attention_iou": 0.2, "agreement": 0.5,
    "fd_classifier": 12, "parameters": 12, "multiply_accumulates": 5e6,
    "latency": 0.01,
  }  # fmt: skip
  values = {name: x.read(student, None).value for name, x in METRICS.items()}
  assert {k: x for k, x in values.items() if x is not None} == expected
  text = table.render(result)
  for name in expected:
    assert METRICS[name].title in text


def test_a_run_without_a_teacher_is_its_generator():
  assert record.trained_network({"networks": {"generator": 1}}) == 1


@pytest.mark.parametrize(
  "text",
  [
    "",
    "{",
    "[]",
    "3",
    "{}",
    json.dumps({**OLD, "networks": []}),
    json.dumps({**OLD, "networks": {"student": {}}}),
    json.dumps({**OLD, "networks": {"student": {"attributes": [1]}}}),
    json.dumps({**OLD, "step": "ten"}),
    json.dumps(OLD)[:-9],
    "\x00" * 20,
  ],
)
def test_what_is_no_result_is_refused_by_its_name(tmp_path, text):
  path = tmp_path / "evaluation.json"
  path.write_text(text)
  with pytest.raises(UserError, match=f"^{path} is no result") as error:
    record.read(path)
  assert "\n" not in str(error.value)


def test_a_teacher_is_not_measured_again_where_all_is_alike():
  def measured(*attributes, **fields):
    teacher = {"attributes": {name: {"accuracy": 0.5} for name in attributes}}
    alike = {"teacher": "digest", "faces": True, "step": 7} | fields
    return alike | {"networks": {"teacher": teacher}}

  def found(*others):
    result = measured(step=9) | {"networks": {}}
    return record.find_teacher(result, ("Bald", "Male"), others)

  same = measured("Bald", "Male")
  assert found(measured("Bald"), same) == same["networks"]
  for other in (
    measured("Bald"),
    measured("Bald", "Male", "Young"),
    measured("Bald", "Male", teacher="another"),
    measured("Bald", "Male", faces=False),
    same | {"networks": {}},
  ):
    assert found(other) == {}
