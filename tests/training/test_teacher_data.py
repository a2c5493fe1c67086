"""A teacher that has learnt from a student's test photos is noted."""

import pytest

from akd_jax.training import checkpoint, run_dir, teacher_data
from akd_jax.training.same_run import WITHOUT_SIZES
from tests.small_runs import student_config

ORIGINS = {"data": "digest", WITHOUT_SIZES: "of a zip"}
LEARNT = "it may have learnt from photos that are for testing here"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
  """(the student's fields, the teacher's, its digests) -> what is printed."""

  def say(ours, theirs, known):
    teacher = tmp_path / "teacher"
    run_dir.write_config(config(teacher, **theirs), str(teacher))
    monkeypatch.setattr(checkpoint, "read_origins", lambda workdir: known)
    teacher_data.remark(config(teacher, **ours), ORIGINS)
    return capsys.readouterr().err

  return say


def config(teacher, **fields):
  fields = {"name": "table", "path": "photos", "attributes": ("Hat",)} | fields
  named = {f"data__{name}": value for name, value in fields.items()}
  return student_config(teacher, **named)


@pytest.mark.parametrize(
  ("ours", "theirs", "part"),
  [
    ({}, {"test_share": 0.2}, "data.test_share=0.2, not 0.1"),
    ({}, {"path": "pictures"}, "data.path='pictures', not 'photos'"),
    ({}, {"csv": "x.csv"}, "data.csv='x.csv', not ''"),
    ({}, {"name": "folder"}, "data.name='folder', not 'table'"),
    (
      {"name": "celeba"},
      {"name": "celeba", "split_rule": "stargan"},
      "data.split_rule='stargan', not 'official'",
    ),
    (
      {"name": "folder"},
      {"name": "folder", "split": "folders"},
      "data.split='folders', not 'share'",
    ),
  ],
)
@pytest.mark.parametrize("known", [{}, {"data": "another"}])
def test_a_teacher_of_another_split_is_noted(said, ours, theirs, part, known):
  line = said(ours, theirs, known)
  assert line.startswith("note: the teacher in ") and line.count("\n") == 1
  assert f"was trained with {part}" in line and LEARNT in line


def test_the_same_photos_elsewhere_are_the_same(said):
  for digest in ORIGINS.values():
    known = {"data": digest}
    assert not said({}, {"path": "pictures", "csv": "x.csv"}, known)
  assert not said({}, {}, {}) and not said({}, {"path": "./photos/"}, {})


def test_other_photos_in_the_same_place_are_noted(said):
  line = said({}, {}, {"data": "another"})
  assert "other photos or labels" in line and LEARNT in line
  # Of other attributes the labels are others, and the photos may be the same.
  assert not said({}, {"attributes": ("Beard",)}, {"data": "another"})


def test_another_part_of_the_photos_is_noted(said):
  line = said({"crop": 0}, {"crop": 178}, ORIGINS)
  assert "data.crop=178, not 0" in line and LEARNT not in line


def test_a_field_that_the_data_do_not_read_says_nothing(said):
  assert not said({"split_rule": "stargan"}, {}, {})
  assert not said({"name": "avatars"}, {"name": "avatars", "seed": 1}, {})


def test_a_teacher_in_a_file_is_left_alone(capsys):
  teacher_data.remark(config("pretrained:avatars"), ORIGINS)
  assert not capsys.readouterr().err
