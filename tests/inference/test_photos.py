"""What results are called."""

from pathlib import Path

import numpy as np
import pytest

from akd_jax.inference.photos import (
  Photo,
  find_photos,
  name_request,
  result_path,
)
from akd_jax.plotting.sample_grid import save_png

NAMES = ("a/b", "..", "../..", "x=1", "$a$", "n" * 300, "帽" * 300, "\\", ".")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_written_outside_the_folder(tmp_path, name):
  out = tmp_path / "out"
  photo = Photo(Path("photo.jpg"), Path("sub", "p" * 240))
  path = result_path(out, photo, *name_request({name: 1}, 0.5))
  save_png(path, np.zeros((4, 4, 3), np.uint8))
  assert path.parent == out / "sub" and len(list(path.parent.iterdir())) == 1
  assert list(tmp_path.iterdir()) == [out]


def test_a_name_too_long_for_a_file_is_left_to_who_opens_it(tmp_path):
  (photo,) = find_photos(["x" * 300], tmp_path)
  assert str(photo.path) == "x" * 300


def test_requests_have_names_of_their_own():
  photo = Photo(Path("photo.jpg"), Path("photo"))
  paths = {
    result_path(Path("out"), photo, *name_request({name: value}, 1.0))
    for name in NAMES
    for value in (0, 1)
  }
  assert len(paths) == 2 * len(NAMES)
  usual = result_path(Path("out"), photo, *name_request({"Blond_Hair": 1}, 1.0))
  assert usual == Path("out/photo_Blond_Hair=1.png")


@pytest.mark.parametrize(
  "name", ["..jpg", "...png", " .jpg", "a.b.jpg", "ü.tif"]
)
def test_a_photo_may_be_called_anything(tmp_path, name):
  (tmp_path / name).write_bytes(b"")
  (photo,) = find_photos([str(tmp_path / name)], tmp_path / "out")
  path = result_path(tmp_path / "out", photo, "x=1")
  assert path.parent == tmp_path / "out" and path.name.endswith("_x=1.png")
