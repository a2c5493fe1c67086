"""Paths that no system call takes are refused in a line, not in a traceback."""

import errno
import os

import pytest

from akd_jax import api, main
from akd_jax.common import flag_errors, paths
from akd_jax.common.errors import UserError, WriteError
from akd_jax.experiments import definitions

LONG = "a" * 300
# As Python reads the name of a file that is no UTF-8.
NO_TEXT = os.fsdecode(b"r\xff")


@pytest.fixture(name="closed")
def fixture_closed(tmp_path, monkeypatch):
  """A folder that nobody may search: root may, so it is made up."""
  folder, stat = tmp_path / "closed", os.stat
  folder.mkdir()

  def refuse(path, *args, **options):
    if str(path).startswith(f"{folder}/"):
      raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return stat(path, *args, **options)

  monkeypatch.setattr(os, "stat", refuse)
  return folder


@pytest.mark.parametrize("folder", ["closed", LONG, f"configs/{LONG}"])
def test_a_recipe_where_nobody_can_look_is_not_there(closed, folder):
  path = f"{closed if folder == 'closed' else folder}/student.py"
  assert main._find_recipe(f"--config={path}") == f"--config={path}"
  with pytest.raises(UserError, match=f"there is no file '{path}'"):
    flag_errors.check_recipe([f"--config={path}"])
  with pytest.raises(UserError, match="there is no such file"):
    definitions.load(path)


def test_a_run_lies_where_checkpoints_can(tmp_path, monkeypatch):
  for path in (NO_TEXT, f"{tmp_path}/{NO_TEXT}/run"):
    with pytest.raises(UserError, match="^x: .* no UTF-8: name another"):
      paths.check_run(path, "x")
  paths.check_run(str(tmp_path / "ü"))
  # A file of weights is read all the same.
  file = tmp_path / f"{NO_TEXT}.npz"
  file.write_text("")
  paths.check_run(str(file))
  file.parent.joinpath(NO_TEXT).mkdir()
  monkeypatch.chdir(file.parent / NO_TEXT)
  with pytest.raises(UserError, match="no UTF-8"):
    paths.check_run("runs/student")


@pytest.mark.parametrize("name", ["workdir", "compare"])
def test_a_flag_that_names_a_run_is_checked_as_one(name):
  with pytest.raises(UserError, match="no UTF-8"):
    paths._Path(name).parse(NO_TEXT)
  assert paths._Path("out").parse(NO_TEXT) == NO_TEXT


def test_a_bucket_is_no_run_in_python():
  with pytest.raises(UserError, match="^path=gs://b/run: akd_jax reads and"):
    api.load("gs://b/run")
  with pytest.raises(UserError, match="^workdir=gs://b/run: akd_jax reads and"):
    api.train(None, "gs://b/run")


@pytest.mark.parametrize("kind", [UserError, WriteError])
def test_what_is_told_is_one_line(kind):
  assert str(kind("a.png/x\ny")) == "a.png/x y"
