"""A run's directory goes on only with its own config."""

import json

import pytest
from ml_collections import ConfigDict

from akd_jax.configs import pseudo, student, teacher
from akd_jax.training import run_dir as runs
from tests.layouts import error

SCALES = ("avatars", "celeba", "rafd", "debug")


@pytest.mark.parametrize("recipe", [teacher, student, pseudo])
@pytest.mark.parametrize("scale", SCALES)
def test_a_config_equals_itself_on_disk(tmp_path, recipe, scale):
  config = recipe.get_config(scale)
  config.data.exclusive = (("Black_Hair", "Bald"), ())
  config.data.distribution = ConfigDict({"Eyeglasses": 0.3})
  config.data.conditional = ConfigDict({"Bald": {"Male": 0.996}})
  runs.write_config(config, str(tmp_path))
  runs.check_same_run(config, str(tmp_path))


@pytest.mark.parametrize(
  ("field", "value", "shown"),
  [
    ("data.distribution", {}, "distribution.Bald=0.5, not None"),
    ("data.distribution", {"Bald": 0.5, "Male": 1.0}, "Male=None, not 1.0"),
    ("data.attributes", ("Bald",), "=['Bald', 'Male'], not ['Bald']"),
    ("data.exclusive", (), "=[['Bald']], not []"),
    ("steps", 5, " steps=4, not 5"),
  ],
)
def test_any_other_field_is_noticed(tmp_path, field, value, shown):
  config = teacher.get_config("debug")
  config.data.attributes = ("Bald", "Male")
  config.data.exclusive = (("Bald",),)
  config.data.distribution = ConfigDict({"Bald": 0.5})
  runs.write_config(config, str(tmp_path))
  section, _, name = field.rpartition(".")
  fields = config[section] if section else config
  fields[name] = ConfigDict(value) if isinstance(value, dict) else value
  message = error(runs.check_same_run, config, str(tmp_path))
  assert shown in message


def test_what_changes_no_weight_may_change(tmp_path):
  config = teacher.get_config("debug")
  runs.write_config(config, str(tmp_path))
  config.log_every, config.keep, config.data.threads = 7, 5, 1
  runs.check_same_run(config, str(tmp_path))


def test_a_run_of_an_earlier_version_is_one_of_now(tmp_path):
  config = student.get_config("debug")
  earlier = json.loads(config.to_json())
  for recipe in (earlier, earlier["teacher_recipe"]):
    del recipe["attention"]["method"]
    del recipe["loss"]["lambda_out"], recipe["loss"]["cls_radius"]
  del earlier["classifier"]["data"]
  (tmp_path / "config.json").write_text(json.dumps(earlier))
  read = runs.read_config(str(tmp_path))
  assert json.loads(read.to_json()) == json.loads(config.to_json())
  runs.check_same_run(config, str(tmp_path))
