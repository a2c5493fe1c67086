"""A run's directory goes on only with its own config."""

import shutil

import pytest
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from akd_jax.configs import pseudo, student, teacher
from akd_jax.training import run_dir as runs
from akd_jax.training import same_run
from tests.layouts import error
from tests.small_runs import ROOT

SCALES = ("avatars", "celeba", "rafd", "debug")


@pytest.mark.parametrize("recipe", [teacher, student, pseudo])
@pytest.mark.parametrize("scale", SCALES)
def test_a_config_equals_itself_on_disk(tmp_path, recipe, scale):
  config = recipe.get_config(scale)
  config.data.exclusive = (("Black_Hair", "Bald"), ())
  config.data.distribution = ConfigDict({"Eyeglasses": 0.3})
  config.data.conditional = ConfigDict({"Bald": {"Male": 0.996}})
  runs.write_config(config, str(tmp_path))
  same_run.check_same_run(config, str(tmp_path))


@pytest.mark.parametrize(
  ("field", "value", "shown"),
  [
    ("data.distribution", {}, "distribution.Bald=0.5, not None"),
    ("data.distribution", {"Bald": 0.5, "Male": 1.0}, "Male=None, not 1.0"),
    ("data.attributes", ("Bald",), "=['Bald', 'Male'], not ['Bald']"),
    ("data.exclusive", (), "=[['Bald']], not []"),
    ("steps", 3, " steps=4, not 3"),
    ("n_critic", 3, " n_critic=2, not 3"),
    ("batch_size", 1, " batch_size=4, not 1"),
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
  message = error(same_run.check_same_run, config, str(tmp_path))
  assert shown in message


def test_a_data_set_may_say_more_of_what_excludes_what(tmp_path):
  config = teacher.get_config("debug")
  config.data.exclusive = (("Black_Hair", "Bald"),)
  runs.write_config(config, str(tmp_path))
  config.data.exclusive = (("Black_Hair", "Bald"), ("Bald", "Bangs"))
  same_run.check_same_run(config, str(tmp_path))


def test_what_changes_no_weight_may_change(tmp_path):
  config = teacher.get_config("debug")
  runs.write_config(config, str(tmp_path))
  config.log_every, config.keep, config.data.threads = 7, 5, 1
  same_run.check_same_run(config, str(tmp_path))


def test_a_run_may_be_given_more_steps(tmp_path):
  config = teacher.get_config("debug")
  runs.write_config(config, str(tmp_path))
  config.steps = 9
  same_run.check_same_run(config, str(tmp_path))


def test_a_run_of_an_earlier_version_goes_on(tmp_path):
  earlier = ROOT / "tests" / "golden" / "config_0_1_0_student.json"
  shutil.copy(earlier, tmp_path / "config.json")
  config = student.get_config("debug")
  config.data.exclusive = (("Black_Hair", "Blond_Hair", "Gray_Hair"),)
  config.teacher = "runs/teacher"
  same_run.check_same_run(config, str(tmp_path))
  config.distill.akd.weight = 7.0
  message = error(same_run.check_same_run, config, str(tmp_path))
  assert "distill.akd.weight=3.0, not 7.0" in message


def test_the_shipped_teacher_has_the_fields_of_now():
  shipped, now = (
    set(flatten_dict(config.to_dict(), sep="."))
    for config in (
      runs.load_run("pretrained:avatars").config,
      teacher.get_config("avatars"),
    )
  )
  assert shipped == now | {"data.exclusive"}


def test_why_a_run_cannot_be_read_is_said_once(tmp_path):
  (tmp_path / "config.json").mkdir()
  path = tmp_path / "config.json"
  assert error(runs.read_config, str(tmp_path)) == (
    f"cannot read {path}: Is a directory"
  )


def test_a_folder_called_as_a_run_s_file_is_said_to_be_one(tmp_path):
  path = tmp_path / "x.npz"
  path.mkdir()
  message = error(runs.load_run, str(path))
  assert "it is a folder" in message and "Errno" not in message


def test_a_directory_may_be_a_path(tmp_path):
  message = f"there is no run in {tmp_path}: it has no config.json"
  assert error(runs.load_run, tmp_path) == message


def test_a_step_may_be_given_as_text(tmp_path, monkeypatch):
  class Loaded(Exception):
    pass

  def load(workdir, step):
    raise Loaded(step)

  runs.write_config(teacher.get_config("debug"), str(tmp_path))
  monkeypatch.setattr(runs.checkpoint, "list_steps", lambda _: [5])
  monkeypatch.setattr(runs.checkpoint, "load", load)
  with pytest.raises(Loaded) as loaded:
    runs.load_run(str(tmp_path), "5")
  assert loaded.value.args == (5,)
  assert "no checkpoint of step 6, only of 5" in error(
    runs.load_run, str(tmp_path), "6"
  )
