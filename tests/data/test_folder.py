"""A folder of class folders, and RaFD."""

import errno
import os
import shutil
import unicodedata
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


def test_what_is_left_out_of_rafd_is_counted(tmp_path):
  layouts.write_rafd(tmp_path, layouts.people_of_splits(0.1))
  (tmp_path / "Rafd090_01_Caucasian_female_angry_frontal.heic").write_text("")
  data = config(tmp_path, label_rule="exclusive", crop=0)
  (line,) = open_folder(data, "train").remarks
  assert "left out, since these are no photos" in line and "1 of .heic" in line


def test_people_are_known_by_rafds_names_alone(tmp_path):
  layouts.write_rafd(tmp_path, range(1, 7), ("happy", "sad"), subfolders=True)
  source = open_folder(folder_config(tmp_path), "train")
  for name, person in zip(source.names, source.identities, strict=True):
    assert f"_{person}_Caucasian_" in name
  assert 1 < len(set(source.identities.tolist())) == len(source) / 2
  layouts.write_photo(tmp_path / "sad" / "somebody.jpg", 0)
  assert open_folder(folder_config(tmp_path), "train").identities is None


def test_nobody_is_in_two_splits_however_rafds_names_are_spelt(tmp_path):
  people = layouts.people_of_splits(0.1)
  layouts.write_rafd(tmp_path, people, ("happy", "sad"))
  for path in sorted(tmp_path.iterdir()):
    shutil.copy(path, path.with_name(path.name.lower()))
    path.rename(path.with_name(f"{path.stem}_256_x.jpg"))
  for split, person in zip(SPLITS, people, strict=True):
    source = open_folder(config(tmp_path, label_rule="exclusive"), split)
    assert source.attributes == ("happy", "sad")
    assert source.identities.tolist() == [f"{person:02d}"] * 4


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
    (flat, {}, "or a .csv"),
    (tmp_path / "empty", {}, str(tmp_path / "empty")),
    (good, {"attributes": (1, 2)}, "attribute 1 is no name"),
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


@pytest.mark.parametrize("suffix", [".tif", ".TIFF", ".avif", ".gif", ".jfif"])
def test_photos_of_every_kind_count(tmp_path, suffix):
  layouts.write_folder(tmp_path, {"cat": 20})
  for seed in range(20):
    path = tmp_path / "dog" / f"{seed}{suffix}"
    path.parent.mkdir(exist_ok=True)
    kind = "JPEG" if suffix == ".jfif" else None
    layouts.draw_face(seed, (16, 20)).save(path, kind)
  source = open_folder(folder_config(tmp_path), "train")
  assert source.attributes == ("cat", "dog")
  assert source.remarks == ()
  assert {name.split("/")[0] for name in source.names} == {"cat", "dog"}
  for index in range(len(source)):
    assert source[index]["image"].shape == (32, 32, 3)


def _clear(folder: Path) -> Path:
  for path in folder.iterdir():
    path.unlink()
  return folder


def _heic(folder: Path) -> None:
  for number in range(4):
    (folder / f"{number}.heic").write_bytes(b"")


def _deeper(folder: Path) -> None:
  layouts.write_folder(folder, {"a": 1, "b": 1})


@pytest.mark.parametrize(
  ("fill", "expected"),
  [
    (lambda folder: None, "owl is empty"),
    (_heic, "only 4 of .heic"),
    (_deeper, "sub-folders (a, b)"),
  ],
)
def test_a_class_that_would_be_lost_is_an_error(tmp_path, fill, expected):
  layouts.write_folder(tmp_path, {"cat": 20, "dog": 20, "owl": 1})
  fill(_clear(tmp_path / "owl"))
  for fields in ({}, {"attributes": ("cat", "owl")}):
    data = folder_config(tmp_path, **fields)
    message = error(open_folder, data, "train")
    assert "class owl would be lost" in message and expected in message
  # Nobody misses what was not asked for.
  data = folder_config(tmp_path, attributes=("dog", "cat"))
  assert open_folder(data, "train").attributes == ("dog", "cat")


def test_what_is_left_out_is_counted_and_named(tmp_path):
  layouts.write_folder(tmp_path, {"cat": 20, "dog": 20, "owl": 3, ".": 2})
  for name in ("a.heic", "b.heic", "notes.txt", "Thumbs.db", ".hidden"):
    (tmp_path / "cat" / name).write_bytes(b"")
  layouts.write_folder(tmp_path / "dog", {"more": 1})
  data = folder_config(tmp_path, attributes=("cat", "dog"))
  left = "\n".join(open_folder(data, "train").remarks)
  for expected in (
    "left out, since these are no photos", "2 of .heic, 1 of .txt",
    "first cat/a.heic",
    "1 photos in sub-folders of classes are left out: dog/more",
    "2 photos are in no class", "3 photos are left out, whose",
  ):  # fmt: skip
    assert expected in left
  assert left.count("\n") == 3


@pytest.mark.parametrize(
  ("folders", "best"),
  [
    (["train", "test"], "train"),
    (["Training", "testing", "valid"], "Training"),
    (["test", "val"], None),
    (["dev", "eval", "test"], None),
  ],
)
def test_splits_are_known_by_name_and_nobody_is_sent_to_the_test_photos(
  tmp_path, folders, best
):
  for folder in folders:
    layouts.write_folder(tmp_path / folder, {"cat": 1, "dog": 1})
  message = error(open_folder, folder_config(tmp_path), "train")
  assert all(folder in message for folder in folders)
  assert message.count("config.data.path=") == (best is not None)
  if best:
    assert f"config.data.path={tmp_path / best}," in message


def test_folders_of_splits_are_no_classes(tmp_path):
  layouts.write_folder(tmp_path, {"train": 20, "test": 20})
  message = error(open_folder, folder_config(tmp_path), "train")
  assert "test, train" in message
  data = folder_config(tmp_path, attributes=("train", "test"))
  assert open_folder(data, "train").attributes == ("train", "test")


def test_every_folder_that_may_be_meant_is_named(tmp_path):
  for name in ("ours", "theirs"):
    layouts.write_folder(tmp_path / name, {"cat": 1, "dog": 1})
  message = error(open_folder, folder_config(tmp_path), "train")
  assert f"{tmp_path / 'ours'}, {tmp_path / 'theirs'}" in message


def test_an_empty_split_names_the_field(tmp_path):
  layouts.write_folder(tmp_path, {"cat": 1, "dog": 1})
  messages = [
    error(open_folder, folder_config(tmp_path), split)
    for split in SPLITS
    if split not in {assign_split(f"{c}/000.jpg", 0.25) for c in ("cat", "dog")}
  ]
  assert messages
  assert all("config.data.test_share=0.25" in message for message in messages)


def test_a_split_without_a_class_is_noted(tmp_path):
  layouts.write_folder(tmp_path, {"cat": 20, "dog": 20, "owl": 1})
  here = assign_split("owl/000.jpg", 0.25)
  for split in SPLITS:
    remarks = open_folder(folder_config(tmp_path), split).remarks
    expected = f"no image of the {split} split of {tmp_path} has owl"
    assert (expected in remarks) == (split != here)


def test_names_in_any_encoding_and_any_spelling(tmp_path):
  layouts.write_folder(
    tmp_path, {"cat": 20, unicodedata.normalize("NFD", "Bär"): 20}
  )
  photo = tmp_path / "cat" / "000.jpg"
  os.rename(os.fsencode(photo), os.fsencode(tmp_path) + b"/cat/b\xe4r.jpg")
  data = folder_config(tmp_path, attributes=("cat", "Bär"))
  sources = [open_folder(data, split) for split in SPLITS]
  assert sum(map(len, sources)) == 40
  for source in sources:
    assert source.attributes == ("cat", "Bär")
    for index in range(len(source)):
      assert source[index]["image"].shape == (32, 32, 3)
  os.rename(os.fsencode(tmp_path / "cat"), os.fsencode(tmp_path) + b"/b\xe4r")
  message = error(open_folder, folder_config(tmp_path), "train")
  assert "not UTF-8" in message
  assert message.isprintable()


def test_one_spelling_is_one_split():
  for number in range(50):
    name = f"Bär/{number}.jpg"
    other = unicodedata.normalize("NFD", name)
    assert name != other
    assert assign_split(name, 0.3) == assign_split(other, 0.3)


def test_two_spellings_of_one_class_are_refused(tmp_path):
  for form in ("NFC", "NFD"):
    layouts.write_folder(tmp_path, {unicodedata.normalize(form, "Bär"): 1})
  assert "'Bär'" in error(open_folder, folder_config(tmp_path), "train")


def test_a_folder_that_may_not_be_listed_is_named(tmp_path, monkeypatch):
  layouts.write_folder(tmp_path, {"cat": 1, "dog": 1})
  scan = os.scandir

  def refuse(path):
    if Path(path).name == "dog":
      raise PermissionError(errno.EACCES, "Permission denied")
    return scan(path)

  monkeypatch.setattr(os, "scandir", refuse)
  message = error(open_folder, folder_config(tmp_path), "train")
  assert f"{tmp_path / 'dog'}: Permission denied" in message


def test_links_that_lead_in_a_circle_hang_nothing(tmp_path):
  layouts.write_folder(tmp_path, {"cat": 20, "dog": 20})
  (tmp_path / "itself").symlink_to("itself")
  (tmp_path / "cat" / "above").symlink_to(tmp_path)
  (tmp_path / "cat" / "self.jpg").symlink_to("self.jpg")
  sources = [open_folder(folder_config(tmp_path), x) for x in SPLITS]
  assert sum(map(len, sources)) == 41
  source = next(x for x in sources if "cat/self.jpg" in x.names)
  message = error(source.__getitem__, source.names.index("cat/self.jpg"))
  assert "cat/self.jpg" in message


@pytest.mark.parametrize("path", ["~nosuchuser/photos", "a\0b", "x" * 300])
def test_a_path_that_cannot_be_is_bad_input(path):
  assert "config.data.path" in error(open_folder, folder_config(path), "train")
