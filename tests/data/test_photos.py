"""What all photo sources share: reading, skipping, splitting."""

import os
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from akd_jax.data import pipeline
from akd_jax.data.photos import remarks
from akd_jax.data.photos.celeba import open_celeba
from akd_jax.data.photos.images import load_image, read_size
from akd_jax.data.photos.source import (
  Photos,
  PhotoSource,
  assign_split,
  open_photos,
)
from tests import layouts
from tests.layouts import assert_same, config, error

COUNT = 20


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
  """CelebA's official files; tests must not change them."""
  return layouts.write_celeba(tmp_path_factory.mktemp("celeba"), COUNT)


@pytest.fixture
def celeba(official: Path, tmp_path: Path) -> Path:
  """A copy of them that a test may change."""
  return Path(shutil.copytree(official, tmp_path / "celeba"))


def _first_pixels(source: PhotoSource) -> list[int]:
  return [int(source[index]["image"].sum()) for index in range(len(source))]


def test_zip_is_read_by_threads_and_processes(celeba):
  layouts.zip_folder(celeba / "img_align_celeba")
  shutil.rmtree(celeba / "img_align_celeba")
  source = open_celeba(config(celeba), "train")
  expected = _first_pixels(source)
  with ThreadPoolExecutor(8) as threads:
    images = threads.map(lambda i: source[i]["image"].sum(), range(len(source)))
    assert list(images) == expected
  with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
    assert processes.submit(_first_pixels, source).result() == expected


def test_sources_can_be_pickled(official):
  source = open_celeba(config(official), "test")
  assert_same(pickle.loads(pickle.dumps(source)), source)


def test_indices_behave_as_those_of_a_list(official):
  source = open_celeba(config(official), "test")
  last = source[len(source) - 1]["image"]
  np.testing.assert_array_equal(source[-1]["image"], last)
  with pytest.raises(IndexError):
    source[len(source)]


def test_unreadable_photo_stops_unless_skipped(celeba):
  broken = celeba / "img_align_celeba" / "000003.jpg"
  broken.write_bytes(broken.read_bytes()[:1000])
  source = open_celeba(config(celeba), "train")
  assert str(broken) in error(source.__getitem__, 2)

  source = open_celeba(config(celeba, skip_unreadable=True), "train")
  for _ in range(2):
    np.testing.assert_array_equal(source[2]["image"], source[3]["image"])
    np.testing.assert_array_equal(source[2]["label"], source[3]["label"])
  assert source.skipped == {"000003.jpg"}


def test_skipping_wraps_around_and_gives_up_when_nothing_is_left(celeba):
  source = open_celeba(config(celeba, skip_unreadable=True), "test")
  folder = celeba / "img_align_celeba"
  (folder / source.names[-1]).write_bytes(b"")
  np.testing.assert_array_equal(source[-1]["image"], source[0]["image"])
  for name in source.names:
    (folder / name).write_bytes(b"")
  assert str(folder) in error(source.__getitem__, 0)
  assert source.skipped == set(source.names)


def test_wrong_fields_are_named(official):
  for fields, expected in (
    ({"attributes": ("Smilling",)}, "'Smiling'"),
    ({"attributes": ("Male", "Male")}, "'Male'"),
    ({"split_rule": "random"}, "config.data.split_rule='random'"),
    ({"image_size": 0}, "config.data.image_size=0"),
    ({"crop": -1}, "config.data.crop=-1"),
    ({"path": official / "no"}, f"config.data.path={official / 'no'}"),
    ({"path": official / "list_attr_celeba.txt"}, "list_attr_celeba.txt"),
    (
      {"label_rule": "exclusive", "attributes": ("Male", "Young")},
      "Male, Young",
    ),
    ({"label_rule": "exclusive", "attributes": ("Male",)}, "(Male)"),
  ):
    data = config(**{"path": official, **fields})
    assert expected in error(open_celeba, data, "train")


def test_what_a_split_lacks_is_said_though_others_have_it(official):
  photos = Photos(
    where="here",
    names=("a", "b", "c"),
    splits=("train", "test", "test"),
    labels=np.uint8([[1, 1], [0, 1], [0, 0]]),
    attributes=("Bald", "Young"),
    exclusive=(),
    read=Path,
    split_by="",
  )
  train, test = (
    open_photos(config(official), split, photos) for split in ("train", "test")
  )
  assert not train.remarks
  assert test.remarks == ("no image of the test split of here has Bald",)


def test_exclusive_rule_accepts_one_hot_attributes(official):
  hair = ("Blond_Hair", "Black_Hair", "Brown_Hair", "Gray_Hair")
  data = config(official, label_rule="exclusive", attributes=hair)
  source = open_celeba(data, "train")
  assert source.exclusive == (hair,)
  assert (source.labels.sum(axis=1) == 1).all()


def test_shares_are_those_asked_for():
  splits = [assign_split(f"{number}.jpg", 0.1) for number in range(10_000)]
  assert abs(splits.count("test") / 10_000 - 0.1) < 0.01
  assert abs(splits.count("validation") / 10_000 - 0.05) < 0.01


def test_a_crop_far_smaller_than_the_photos_is_noted(tmp_path, capsys):
  layouts.write_celeba_lists(tmp_path, COUNT)
  for seed, name in enumerate(layouts.celeba_names(COUNT)):
    path = tmp_path / "img_align_celeba" / name
    path.parent.mkdir(exist_ok=True)
    layouts.draw_face(seed, (90, 120)).save(path)
  for crop, noted in ((44, True), (45, False), (0, False), (178, False)):
    source = open_celeba(config(tmp_path, crop=crop), "train")
    lines = remarks.say_crop(source)
    assert len(lines) == noted
    if noted:
      assert "config.data.crop=44" in lines[0] and "90 x 120" in lines[0]
      assert "config.data.crop=0" in lines[0]


def test_what_is_noted_is_said_once(celeba, capsys):
  layouts.write_photo(celeba / "img_align_celeba" / "999.jpg", 0)
  for split in ("train", "test"):
    pipeline.remark(open_celeba(config(celeba), split))
  said = capsys.readouterr().err
  assert said.count("999.jpg") == 1
  assert all(line.startswith("note: ") for line in said.splitlines())


def test_a_pipe_is_no_photo_and_nobody_waits_for_it(tmp_path):
  os.mkfifo(tmp_path / "a.jpg")
  assert "it is no file" in error(load_image, tmp_path / "a.jpg", 0, 32)
  assert read_size(tmp_path / "a.jpg") is None
