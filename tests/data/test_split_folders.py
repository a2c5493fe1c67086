"""A folder whose owner has split it: RAF-DB's and FER2013's layouts."""

import pytest

from akd_jax.common.errors import UserError
from akd_jax.configs import teacher
from akd_jax.configs.scales import changed
from akd_jax.data.photos.folder import FOLDER, open_folder
from akd_jax.training import validation
from tests import layouts
from tests.layouts import SPLITS, config, error

CLASSES = {"cat": 9, "dog": 9}


def folders_config(path, **fields):
  fields = {"split": "folders", "test_share": 0.4} | fields
  return config(path, label_rule="exclusive", **fields)


def write(root, **splits):
  for split, classes in splits.items():
    layouts.write_folder(root / split, classes)
  return root


def test_photos_are_tested_with_that_the_owner_has_set_aside(tmp_path):
  write(tmp_path, Training=CLASSES, test={"cat": 2, "dog": 1})
  by_split = layouts.names_by_split(open_folder, folders_config(tmp_path))
  assert by_split["test"] == {
    "test/cat/000.jpg", "test/cat/001.jpg", "test/dog/000.jpg",
  }  # fmt: skip
  assert len(by_split["train"]) + len(by_split["validation"]) == 18
  # What is held out of train is what would be held out of it alone.
  alone = layouts.names_by_split(
    open_folder, folders_config(tmp_path / "Training", split="share")
  )
  assert alone["validation"]
  assert by_split["validation"] == {
    f"Training/{name}" for name in alone["validation"]
  }
  source = open_folder(folders_config(tmp_path), "test")
  assert source.attributes == FOLDER.attributes(folders_config(tmp_path))
  assert source.attributes == ("cat", "dog")
  for name, label in zip(source.names, source.labels, strict=True):
    assert f"/{source.attributes[label.argmax()]}/" in name
  assert source[0]["image"].shape == (32, 32, 3)


def test_a_folder_for_validation_is_used_as_it_is(tmp_path):
  write(
    tmp_path, train=CLASSES, valid={"dog": 1}, eval={"cat": 1}, raw={".": 1}
  )
  layouts.write_folder(tmp_path, {".": 2})
  data = folders_config(tmp_path)
  by_split = layouts.names_by_split(open_folder, data)
  assert len(by_split["train"]) == 18
  assert by_split["validation"] == {"valid/dog/000.jpg"}
  assert by_split["test"] == {"eval/cat/000.jpg"}
  left = "\n".join(open_folder(data, "test").remarks)
  for expected in (
    "2 photos are in no split", "no split: raw",
    f"no image of the test split of {tmp_path} has dog",
  ):  # fmt: skip
    assert expected in left


def test_people_of_rafd_are_in_one_split_when_some_are_held_out(tmp_path):
  people = range(1, 9)
  layouts.write_rafd(tmp_path / "train", people, ("happy", "sad"))
  layouts.write_rafd(tmp_path / "test", [70], ("happy", "sad"))
  sources = [open_folder(folders_config(tmp_path), x) for x in SPLITS]
  train, held_out, test = (set(x.identities.tolist()) for x in sources)
  assert train and held_out and not train & held_out
  assert len(train) + len(held_out) == len(people)
  assert test == {"70"}


@pytest.mark.parametrize(
  ("splits", "fields", "expected"),
  [
    (("train", "valid"), {}, "has no folder test (train, valid)"),
    (("cat",), {}, "has no folder train and no folder test (cat)"),
    (("train", "test", "eval"), {}, "two folders for the test split, eval and"),
    (("train", "test"), {"attributes": ("cat", "dgo")}, "'dog'"),
    # Held out is a share, of which a few photos may have none.
    (("train", "test"), {"test_share": 1e-9}, "config.data.test_share=1e-09"),
  ],
)
def test_mistakes_are_named(tmp_path, splits, fields, expected):
  write(tmp_path, **dict.fromkeys(splits, {"cat": 2, "dog": 2}))
  message = error(open_folder, folders_config(tmp_path, **fields), "validation")
  assert expected in message and str(tmp_path) in message


def test_a_class_that_is_only_tested_is_named(tmp_path):
  write(tmp_path, train=CLASSES, test={"cat": 1, "owl": 1})
  message = error(open_folder, folders_config(tmp_path), "train")
  assert f"{tmp_path / 'test'} has the class owl" in message
  some = folders_config(tmp_path, attributes=("cat", "dog"))
  assert len(open_folder(some, "test")) == 1


def test_who_has_split_a_folder_is_told_of_the_field(tmp_path):
  write(tmp_path, train=CLASSES, test=CLASSES)
  data = folders_config(tmp_path, split="share")
  assert "config.data.split=folders" in error(open_folder, data, "train")


@pytest.mark.parametrize("name", ["celeba", "table", "avatars"])
def test_only_a_folder_has_folders_of_splits(name):
  fields = {"data.name": name, "data.split": "folders"}
  with pytest.raises(UserError, match="config.data.split='folders' needs"):
    validation.check(changed(teacher.get_config("debug"), fields))
