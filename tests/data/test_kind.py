"""Photos of which only their place is known."""

import pathlib
import re

import pytest

from akd_jax.configs import both, student, teacher
from akd_jax.configs.data import PHOTO_ATTRIBUTES
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.data import pipeline
from akd_jax.data.photos import kind
from akd_jax.data.photos.kind import find_kind, settle
from akd_jax.data.pipeline import list_attributes, open_source
from akd_jax.experiments.plan import (
  check,
  plan_replicate,
  plan_replicates,
)
from tests.layouts import config, error

FOLDER = {"name": "folder", "label_rule": "exclusive"}


def touch(root, *names):
  for name in names:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).touch()
  return root


@pytest.mark.parametrize(
  ("names", "fields", "expected"),
  [
    (
      ["Anno/list_attr_celeba.txt"],
      {},
      {"name": "celeba", "attributes": PHOTO_ATTRIBUTES},
    ),
    (
      ["list_attr_celeba.csv", "list_eval_partition.csv", "img/a/1.jpg"],
      {"attributes": ("Male",)},
      {"name": "celeba", "attributes": ("Male",)},
    ),
    (["1.jpg", "labels.csv"], {}, {"name": "table"}),
    (["a/1.jpg", "x.csv", "y.csv"], {"csv": "y.csv"}, {"name": "table"}),
    (["cat/1.jpg", "dog/1.jpg"], {}, FOLDER),
    # RAF-DB, as Kaggle has it.
    (
      ["train/1/1.jpg", "test/1/1.jpg", "train_labels.csv"],
      {},
      {**FOLDER, "split": "folders"},
    ),
    (["Rafd090_01_Caucasian_female_angry_frontal.jpg"], {}, FOLDER),
  ],
)
def test_what_lies_there_decides(tmp_path, names, fields, expected):
  touch(tmp_path, *names)
  assert find_kind(config(tmp_path, **fields)) == expected


def test_who_opens_them_unsettled_is_told_how():
  data = student.get_config("photos").data
  expected = "^config.data.name='photos' may be .*kind.settle"
  assert re.search(expected, error(open_source, data, "test"))
  assert re.search(expected, error(list_attributes, data))


def test_several_tables_and_no_classes_may_be_anything(tmp_path):
  data = config(touch(tmp_path, "images/1.jpg", "a.csv", "b.csv"))
  assert "a.csv, b.csv" in error(find_kind, data)
  for path in ("", tmp_path / "nowhere"):
    assert "the folder of your photos" in error(find_kind, config(path))


@pytest.mark.parametrize("tables", [["x.csv", "y.csv"], ["x.csv"]])
def test_tables_beside_folders_of_photos_may_be_either(tmp_path, tables):
  root = touch(tmp_path, "cat/1.jpg", "dog/1.jpg")
  for name in tables:
    (root / name).write_text("file,Happy\nelsewhere.jpg,1\n")
  message = error(find_kind, config(root))
  for part in (*tables, "cat, dog", "config.data.csv", "config.data.name=fold"):
    assert part in message
  assert find_kind(config(root, csv="x.csv")) == {"name": "table"}


# Of the last, the table's own error says where they are.
@pytest.mark.parametrize("name", ["dog/1.jpg", "./dog/1.jpg", "1.jpg"])
def test_a_table_that_names_photos_in_folders_is_one(tmp_path, name):
  root = touch(tmp_path, "cat/1.jpg", "dog/1.jpg", "lost+found/1.txt")
  (root / "x.csv").write_text(f"file,Happy\nabsent.jpg,0\n{name},1\n")
  assert find_kind(config(root)) == {"name": "table"}


# As Kaggle has competitions.
@pytest.mark.parametrize("table", ["train.csv", "train/labels.csv"])
def test_split_photos_without_classes_ask_for_the_table(tmp_path, table):
  root = touch(tmp_path, "train/1.jpg", "test/2.jpg", "test.csv", table)
  message = error(find_kind, config(root))
  assert f"{root}/train" in message
  assert message.endswith(f"config.data.csv; there is {table}")


def test_split_photos_with_rafds_names_need_no_table(tmp_path):
  name = "Rafd090_01_Caucasian_female_angry_frontal.jpg"
  root = touch(tmp_path, f"train/{name}", f"test/{name}", "train.csv")
  assert find_kind(config(root)) == {**FOLDER, "split": "folders"}


def test_each_of_two_label_sets_is_what_lies_in_its_own_place(tmp_path):
  touch(tmp_path, "one/1.jpg", "one/labels.csv")
  touch(tmp_path, "two/train/cat/1.jpg", "two/test/dog/1.jpg")
  recipe = both.get_config("photos")
  recipe.data.path = str(tmp_path / "one")
  recipe.data.second.path = str(tmp_path / "two")
  data = settle(recipe).data
  assert (data.name, data.label_rule) == ("table", "multilabel")
  second = {**FOLDER, "split": "folders", "attributes": (), "csv": ""}
  assert data.second.to_dict() == {**second, "path": str(tmp_path / "two")}


def test_a_student_and_its_teacher_learn_from_what_is_found(tmp_path):
  touch(tmp_path, "cat/1.jpg", "dog/1.jpg")
  recipe = student.get_config("photos")
  recipe.data.path = str(tmp_path)
  settled = settle(recipe)
  assert (settled.data.name, settled.data.label_rule) == ("folder", "exclusive")
  assert recipe.data.name == "photos"
  # It is then a run of that data set, which nothing has to settle again.
  assert settle(settled) is settled
  named = student.get_config("photos")
  named.data.update({"path": str(tmp_path), **FOLDER})
  assert settled.to_dict() == named.to_dict()


def test_an_experiment_is_planned_on_what_is_found(tmp_path):
  touch(tmp_path, "list_attr_celeba.txt")
  fields = {"data.path": str(tmp_path)}
  table = EXPERIMENTS["paper1_table1"]("photos").changed(fields)
  runs = plan_replicate(table.variants, 0, pathlib.Path("root")).runs
  assert len(runs) == 3
  assert {run.config.data.name for run in runs.values()} == {"celeba"}


def test_an_experiment_on_all_that_there_is_can_be_checked(tmp_path):
  root = touch(tmp_path, "cat/1.jpg", "dog/1.jpg")
  fields = {"data.path": str(root)}
  table = EXPERIMENTS["paper1_table1"]("photos").changed(fields)
  replicate = plan_replicate(table.variants, 0, tmp_path / "runs")
  check(replicate)
  # Which classes they are, each run finds out for itself.
  assert {x.config.data.attributes for x in replicate.runs.values()} == {()}


def test_all_runs_of_an_experiment_look_at_its_photos_once(
  tmp_path, monkeypatch
):
  root = touch(tmp_path, "cat/1.jpg", "dog/1.jpg")
  looks = []

  def counted(function):
    def call(data):
      looks.append(function.__name__)
      return function(data)

    return call

  for module, name in ((kind, "find_kind"), (pipeline, "list_attributes")):
    monkeypatch.setattr(module, name, counted(getattr(module, name)))
  fields = {"data.path": str(root)}
  table = EXPERIMENTS["paper1_table1"]("photos").changed(fields)
  check(*plan_replicates(table.variants, range(3), tmp_path / "runs"))
  assert looks == ["find_kind", "list_attributes"]


def test_photos_are_trained_on_as_avatars_are_but_for_what_keeps_people():
  photos, avatars = (teacher.get_config(x) for x in ("photos", "avatars"))
  avatars.loss.update({"cls_radius": 2.0, "lambda_cls": 1.0, "lambda_rec": 1.0})
  avatars.generator.update({"output": "blend", "upsample": "resize"})
  for section in ("generator", "discriminator", "optimizer", "loss"):
    assert photos[section] == avatars[section]
  assert (photos.generator.width, photos.generator.blocks) == (16, 6)
  assert (photos.steps, photos.batch_size) == (8_000, 8)
  assert photos.data.image_size == 64
  pays, of_avatars = (student.get_config(x) for x in ("photos", "avatars"))
  assert pays.distill.output == of_avatars.distill.output
  assert (pays.adversary, of_avatars.adversary) == ("none", "teacher")
  assert pays.teacher_recipe.steps == photos.steps


def test_a_table_that_cannot_be_read_says_why(tmp_path):
  touch(tmp_path, "cat/1.jpg", "dog/2.jpg")
  (tmp_path / "labels.csv").write_text("cat/1.jpg,0\ndog/2.jpg,1\n")
  assert "has no header" in error(find_kind, config(tmp_path))
