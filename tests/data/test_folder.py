"""A folder of class folders, and RaFD."""

from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.data.attributes import EXPRESSIONS
from akd_jax.data.photos.folder import open_folder
from akd_jax.data.photos.images import load_image
from akd_jax.data.photos.source import assign_split
from tests import layouts
from tests.layouts import SPLITS, config, error


def folder_config(path: Path, **fields: object) -> ConfigDict:
  return config(path, label_rule="exclusive", test_share=0.25, **fields)


def test_folder_of_class_folders(tmp_path):
  layouts.write_folder(tmp_path, {"cat": 20, "dog": 20, "owl": 20})
  (tmp_path / "notes").mkdir()
  (tmp_path / "cat" / "readme.txt").write_text("")
  (tmp_path / "cat" / "._000.jpg").write_bytes(b"")
  data = folder_config(tmp_path)
  by_split = layouts.names_by_split(open_folder, data)
  assert sum(map(len, by_split.values())) == 60
  for split in SPLITS:
    source = open_folder(data, split)
    assert source.attributes == ("cat", "dog", "owl")
    assert source.exclusive == (source.attributes,)
    for index, name in enumerate(source.names):
      record = source[index]
      assert source.attributes[record["label"].argmax()] == name.split("/")[0]
      assert record["label"].sum() == 1
      expected = load_image(tmp_path / name, 178, 32)
      np.testing.assert_array_equal(record["image"], expected)
  some = open_folder(
    folder_config(tmp_path, attributes=("owl", "cat")), "train"
  )
  assert some.attributes == ("owl", "cat")
  assert set(some.names) == {
    name for name in by_split["train"] if not name.startswith("dog")
  }


def test_adding_a_photo_never_moves_another(tmp_path):
  layouts.write_folder(tmp_path, {"cat": 30, "dog": 30})
  before = layouts.names_by_split(open_folder, folder_config(tmp_path))
  assert all(before.values())
  for name in ("cat/0.jpg", "dog/zzz.PNG", "ape/1.jpeg"):
    layouts.write_photo(tmp_path / name, 0)
  after = layouts.names_by_split(open_folder, folder_config(tmp_path))
  assert sum(map(len, after.values())) == 63
  for split in SPLITS:
    assert before[split] <= after[split]


@pytest.mark.parametrize("subfolders", [False, True])
def test_rafd_is_split_by_person(tmp_path, subfolders):
  people = layouts.people_of_splits(0.1)
  layouts.write_rafd(tmp_path, people, subfolders=subfolders)
  data = config(tmp_path, label_rule="exclusive", crop=0)
  for split, person in zip(SPLITS, people, strict=True):
    source = open_folder(data, split)
    assert source.attributes == EXPRESSIONS
    assert len(source) == 8
    assert len(set(source.identities.tolist())) == 1
    for name, label in zip(source.names, source.labels, strict=True):
      assert f"_{person:02d}_Caucasian_" in name
      assert f"_{EXPRESSIONS[label.argmax()]}_" in name
    assert source[0]["image"].shape == (32, 32, 3)


def test_people_are_known_by_rafds_names_alone(tmp_path):
  layouts.write_rafd(tmp_path, range(1, 7), ("happy", "sad"), subfolders=True)
  source = open_folder(folder_config(tmp_path), "train")
  for name, person in zip(source.names, source.identities, strict=True):
    assert f"_{person}_Caucasian_" in name
  assert 1 < len(set(source.identities.tolist())) == len(source) / 2
  layouts.write_photo(tmp_path / "sad" / "somebody.jpg", 0)
  assert open_folder(folder_config(tmp_path), "train").identities is None


def test_a_tenth_of_rafds_people_is_for_test():
  people = [assign_split(f"rafd {person:02d}", 0.1) for person in range(1, 74)]
  assert 6 <= people.count("test") <= 8
  assert 1 <= people.count("validation") <= 4


def test_folder_mistakes_are_named(tmp_path):
  good = layouts.write_folder(tmp_path / "a" / "b", {"cat": 2, "dog": 2})
  one = layouts.write_folder(tmp_path / "one", {"cat": 9})
  flat = layouts.write_folder(tmp_path / "flat", {".": 2})
  (tmp_path / "empty").mkdir()
  for path, fields, expected in (
    (good.parent, {}, f"config.data.path={good}"),
    (one, {}, "(cat)"),
    (flat, {}, "000.jpg"),
    (tmp_path / "empty", {}, str(tmp_path / "empty")),
    ("", {}, "config.data.path"),
    (good, {"attributes": ("cat", "dgo")}, "'dog'"),
    (good, {"attributes": ("cat",)}, "(cat)"),
    (good, {"test_share": 0.6}, "config.data.test_share=0.6"),
    (good, {"test_share": 1e-9}, f"test split of {good}"),
  ):
    data = config(path, label_rule="exclusive", **fields)
    assert expected in error(open_folder, data, "test")
  message = error(open_folder, config(good), "test")
  assert "config.data.label_rule='multilabel'" in message
