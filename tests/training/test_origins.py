"""A run goes on with what it has begun with, wherever that lies now."""

import json
import os
import pathlib
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from akd_jax.data import pipeline
from akd_jax.evaluation import evaluator
from akd_jax.experiments import plan
from akd_jax.inference.translator import load_translators
from akd_jax.training import (
  checkpoint,
  origins,
  preparation,
  run_file,
  same_run,
)
from akd_jax.training import run_dir as directories
from tests import layouts, small_runs
from tests.layouts import error
from tests.small_runs import (
  student_config,
  teacher_config,
  train_with_teacher,
)


@pytest.fixture
def copies(runs, tmp_path):
  """The student of `runs` with its teacher, which a test may change."""
  return runs._replace(
    student=shutil.copytree(runs.student, tmp_path / "student"),
    teacher=shutil.copytree(runs.teacher, tmp_path / "teacher"),
  )


def other_teacher(folder):
  """Saves the teacher in a folder again with one weight changed in one bit."""
  run = directories.load_run(str(folder))
  kernel = run.model.generator["output"]["kernel"]
  kernel.view(np.uint32)[0, 0, 0, 0] ^= 1
  path = folder.with_name("other.npz")
  run_file.save_run(run, str(path))
  return path


def test_a_student_keeps_its_teachers_digest(runs):
  kept = checkpoint.read_origins(str(runs.student))
  run = directories.load_run(str(runs.teacher))
  assert kept["teacher"] == directories.digest_model(run.model)
  assert checkpoint.read_origins(str(runs.teacher)).keys() == {
    "data",
    "drawing",
  }


def test_avatars_that_are_drawn_otherwise_are_not_gone_on_with(copies):
  config = small_runs.resolved(teacher_config())
  source = pipeline.open_source(config.data, "train")
  now = origins.digest_data(source, 1) | origins.digest_drawing(source)
  known = checkpoint.read_origins(str(copies.teacher))
  same_run.check_same_run(config, str(copies.teacher), now)
  # A grey level of one pixel.
  pixels = np.array(source._images)
  pixels[source.identities[-1], 0, 0, 0] ^= 1
  source._images = pixels
  drawn = origins.digest_drawing(source)
  assert drawn.keys() == {"drawing"} and drawn["drawing"] != known["drawing"]
  message = error(
    same_run.check_same_run, config, str(copies.teacher), now | drawn
  )
  assert "drawn otherwise" in message and "versions.json" in message
  # An earlier version has not kept how they were drawn.
  before = {"data": known["data"]}
  same_run.check_origins(before, now | drawn, config, str(copies.teacher))


def test_a_moved_teacher_is_the_same(copies, capsys):
  train_with_teacher(student_config(copies.teacher), str(copies.student))
  assert "is finished (10 steps)" in capsys.readouterr().out


def test_a_student_does_not_go_on_without_its_teacher(copies):
  config = preparation.resolve(student_config(""), directories_source(copies))
  data = checkpoint.read_origins(str(copies.student))["data"]
  message = error(
    same_run.check_same_run, config, str(copies.student), {"data": data}
  )
  assert "teacher=" in message and "not ''" in message


def test_another_teacher_at_the_same_path_is_refused(copies):
  # As if it had been trained for half as long.
  last, before = small_runs.TEACHER_STEPS, small_runs.TEACHER_STEPS // 2
  shutil.rmtree(copies.teacher / "checkpoints" / str(last))
  changed = directories.read_config(str(copies.teacher))
  changed.steps = before
  directories.write_config(changed, str(copies.teacher))
  assert directories.is_finished(str(copies.teacher))
  config = student_config(copies.teacher)
  message = error(train_with_teacher, config, str(copies.student))
  assert "another teacher" in message and str(copies.teacher) in message


def test_a_teacher_that_is_gone_is_not_trained_again(copies):
  config = student_config(copies.teacher)
  shutil.rmtree(copies.teacher)
  message = error(train_with_teacher, config, str(copies.student))
  assert "holds no finished one" in message
  assert str(copies.student) in message and str(copies.teacher) in message
  assert not copies.teacher.exists()


def test_a_teacher_with_a_damaged_end_is_not_finished(copies):
  assert directories.is_finished(str(copies.teacher))
  end = copies.teacher / "checkpoints" / str(small_runs.TEACHER_STEPS)
  shutil.rmtree(end / "state")
  end.touch()
  os.utime(end, ns=(1, 1))
  assert not directories.is_finished(str(copies.teacher))


def test_pictures_are_not_drawn_beside_another_teacher(copies):
  run = directories.load_run(str(copies.student))
  run.config.teacher = str(copies.teacher)
  assert [x.name for x in load_translators(run)] == ["teacher", "student"]
  run.config.teacher = str(other_teacher(copies.teacher))
  assert "another teacher" in error(load_translators, run)


def test_a_run_of_an_earlier_version_keeps_its_teachers_place(runs, tmp_path):
  workdir = tmp_path / "student"
  workdir.mkdir()
  shutil.copy(runs.student / "config.json", workdir)
  config = preparation.resolve(
    student_config(runs.teacher), directories_source(runs)
  )
  respelt = runs.teacher.parent / "." / "x" / ".." / runs.teacher.name
  config.teacher = str(respelt)
  same_run.check_same_run(config, str(workdir))
  config.teacher = str(tmp_path / "another")
  message = error(same_run.check_same_run, config, str(workdir))
  assert "teacher=" in message


def directories_source(runs):
  """What a source says of itself that a config takes over."""
  fields = json.loads((runs.student / "config.json").read_text())["data"]

  class Source:
    attributes = tuple(fields["attributes"])
    exclusive = tuple(map(tuple, fields["exclusive"]))

  return Source()


def photos(root):
  layouts.format_table(root, {"Hat": [i % 2 for i in range(40)]})
  return root


def trained_on(root, workdir):
  config = config_of(root)
  train_with_teacher(config, str(workdir))
  return workdir


def config_of(root):
  fields = {"name": "table", "path": str(root), "test_share": 0.3}
  named = {f"data__{name}": value for name, value in fields.items()}
  return teacher_config(
    steps=2, data__attributes=("Hat",), held_out__images=0, **named
  )


@pytest.fixture(scope="module")
def on_photos(caches, tmp_path_factory):
  """A run on photos: the photos' folder and the run's."""
  folder = tmp_path_factory.mktemp("on_photos")
  root = photos(folder / "photos")
  return root, trained_on(root, folder / "run")


@pytest.fixture
def moved(on_photos, tmp_path):
  """Both, moved; the photos have another time."""
  photographs, run = on_photos
  root = tmp_path / unicodedata.normalize("NFD", "übung")
  shutil.copytree(photographs, root, copy_function=shutil.copyfile)
  return root, shutil.copytree(run, tmp_path / "run")


def check(root, workdir):
  return preparation.check(config_of(root), str(workdir))


def test_moved_photos_are_the_same(moved):
  root, run = moved
  check(root, run)
  check(f"{root.parent}/./{root.name}/", run)


def change_labels(root):
  (table,) = root.glob("*.csv")
  header, *rows = table.read_text().splitlines()
  names = [row.rpartition(",")[0] for row in rows]
  rows = [f"{name},{i % 3 == 0:d}" for i, name in enumerate(names)]
  table.write_text("\n".join([header, *rows]) + "\n")


def cut_photos(root):
  for photo in sorted(root.rglob("*.png")) + sorted(root.rglob("*.jpg")):
    with Image.open(photo) as image:
      smaller = image.convert("RGB").resize((19, 23))
    smaller.save(photo)


def add_photos(root):
  (table,) = root.glob("*.csv")
  first = table.read_text().splitlines()[1].split(",")[0]
  for number in range(20):
    name = f"new_{number}{pathlib.Path(first).suffix}"
    shutil.copy(root / first, root / name)
    with table.open("a") as file:
      file.write(f"{name},1\n")


@pytest.mark.parametrize("change", [change_labels, cut_photos, add_photos])
def test_other_photos_are_refused(moved, change):
  root, run = moved
  change(root)
  message = error(check, root, run)
  assert "other photos or labels" in message
  assert f"config.data.path={root}" in message


def test_a_zip_that_an_earlier_version_has_learnt_from_is_the_same():
  config = config_of("photos")
  found = {"data": "with sizes", same_run.WITHOUT_SIZES: "without"}
  for known in ("with sizes", "without"):
    same_run.check_origins({"data": known}, found, config, "run")
  message = error(
    same_run.check_origins, {"data": "other"}, found, config, "run"
  )
  assert "other photos or labels" in message
  assert origins.select_kept(found) == {"data": "with sizes"}


def test_an_evaluation_looks_where_the_photos_are_now(moved, monkeypatch):
  root, workdir = moved
  run = directories.load_run(str(workdir))
  run = evaluator.with_fields(run, {"data.path": str(root)})
  seen = []
  monkeypatch.setattr(
    evaluator, "with_known_attributes", lambda config: seen.append(config)
  )
  monkeypatch.setattr(evaluator, "open_splits", lambda data: 1 / 0)
  with pytest.raises(AttributeError):
    evaluator.evaluate(run)
  assert seen[0].data.path == str(root)
  cut_photos(root)
  message = error(evaluator.evaluate, run)
  assert "other photos or labels" in message


def test_an_experiment_knows_its_runs_however_a_path_is_spelt(tmp_path):
  def folder(path):
    recipe = student_config("", data__name="table", data__path=path)
    replicate = plan.plan_replicate({"a": recipe}, 0, tmp_path)
    return {run.workdir for run in replicate.runs.values()}

  assert folder("photos") == folder("./photos/") == folder("x/../photos")
  assert folder("photos") != folder("pictures")
  accents = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
  assert folder(accents[0]) == folder(accents[1])
