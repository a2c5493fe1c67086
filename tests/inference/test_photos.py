"""What results are called."""

import os
from pathlib import Path

import numpy as np
import pytest

from akd_jax.inference.photos import (
  Photo,
  find_photos,
  name_request,
  name_result,
)
from akd_jax.plotting.sample_grid import save_png
from tests.layouts import error

NAMES = ("a/b", "..", "../..", "x=1", "$a$", "n" * 300, "帽" * 300, "\\", ".")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_written_outside_the_folder(tmp_path, name):
  out = tmp_path / "out"
  photo = Photo(Path("photo.jpg"), Path("sub", "p" * 240))
  path = name_result(out, photo, *name_request({name: 1}, 0.5))
  save_png(path, np.zeros((4, 4, 3), np.uint8))
  assert path.parent == out / "sub" and len(list(path.parent.iterdir())) == 1
  assert list(tmp_path.iterdir()) == [out]


def test_a_name_too_long_for_a_file_is_left_to_who_opens_it(tmp_path):
  (photo,) = find_photos(["x" * 300], tmp_path)
  assert str(photo.path) == "x" * 300


def test_requests_have_names_of_their_own():
  photo = Photo(Path("photo.jpg"), Path("photo"))
  paths = {
    name_result(Path("out"), photo, *name_request({name: value}, 1.0))
    for name in NAMES
    for value in (0, 1)
  }
  assert len(paths) == 2 * len(NAMES)
  usual = name_result(Path("out"), photo, *name_request({"Blond_Hair": 1}, 1.0))
  assert usual == Path("out/photo_Blond_Hair=1.png")


@pytest.mark.parametrize(
  "name", ["..jpg", "...png", " .jpg", "a.b.jpg", "ü.tif"]
)
def test_a_photo_may_be_called_anything(tmp_path, name):
  (tmp_path / name).write_bytes(b"")
  (photo,) = find_photos([str(tmp_path / name)], tmp_path / "out")
  path = name_result(tmp_path / "out", photo, "x=1")
  assert path.parent == tmp_path / "out" and path.name.endswith("_x=1.png")


def test_a_folder_that_is_linked_is_searched_once(tmp_path):
  inside, elsewhere = tmp_path / "photos" / "inside", tmp_path / "elsewhere"
  for folder in (inside, elsewhere):
    folder.mkdir(parents=True)
    (folder / "a.png").touch()
  (inside / "link").symlink_to(elsewhere)
  (inside / "loop").symlink_to(inside.parent)
  found = find_photos([str(tmp_path / "photos")], tmp_path / "out")
  names = [str(x.name) for x in found]
  assert names == ["inside/a", "inside/link/a"]
  # A link to a folder beside it takes no photo's name away.
  (tmp_path / "photos" / "a").symlink_to(inside)
  again = find_photos([str(tmp_path / "photos")], tmp_path / "out")
  assert [str(x.name) for x in again] == names


def test_photos_that_are_taken_for_results_are_counted(tmp_path, capsys):
  for name in ("neutral/a.png", "smiling/b.png", "smiling/more/c.heic"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
  out = tmp_path / "smiling"
  (photo,) = find_photos([str(tmp_path)], out)
  assert str(photo.name) == "neutral/a"
  said = f"note: {out}: 2 pictures are left out, as results\n"
  assert capsys.readouterr().err == said
  for arguments, elsewhere in (
    ([str(tmp_path / "neutral")], out),
    ([str(photo.path)], out),
    ([str(tmp_path)], tmp_path / "new"),
  ):
    find_photos(arguments, elsewhere)
    assert not capsys.readouterr().err


def test_a_photo_that_is_named_twice_is_one(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "a.jpg").touch()
  arguments = ["a.jpg", "./a.jpg", str(tmp_path), str(tmp_path / "a.jpg")]
  (photo,) = find_photos(arguments, tmp_path / "out")
  assert str(photo.name) == "a"


def test_links_that_lead_to_themselves_are_no_folders(tmp_path):
  (tmp_path / "photos").mkdir()
  (tmp_path / "photos" / "a.png").touch()
  (tmp_path / "photos" / "itself").symlink_to("itself")
  (tmp_path / "out").symlink_to("out")
  (photo,) = find_photos([str(tmp_path / "photos")], tmp_path / "out")
  assert str(photo.name) == "a"


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
  def refuse(path):
    raise PermissionError(13, "Permission denied", path)

  monkeypatch.setattr(os, "scandir", refuse)
  message = error(find_photos, [str(tmp_path)], tmp_path / "out")
  assert message == f"cannot read {tmp_path}: Permission denied"
