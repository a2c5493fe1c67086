"""What the command that inspects photos finds, and says."""

import shlex
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from akd_jax import inspect as command
from akd_jax.common.errors import WriteError
from akd_jax.data.photos.survey import (
  Inspected,
  find_duplicates,
  measure_cut_off,
)
from akd_jax.plotting import contact_sheet
from akd_jax.plotting.sample_grid import CELL
from tests import layouts, small_runs
from tests.layouts import error


@pytest.fixture
def inspect(monkeypatch, tmp_path, capsys):
  """Runs the command: what it printed, as text without repeated spaces."""

  def run(path, out="", **fields):
    given = {f"data.{name}": value for name, value in fields.items()}
    monkeypatch.setattr(command.overrides, "read_given", lambda: given)
    flags = types.SimpleNamespace(out=str(out))
    monkeypatch.setattr(command.flags, "FLAGS", flags)
    command.main([str(path)])
    return " ".join(capsys.readouterr().out.split())

  return run


def test_everything_that_a_folder_holds_is_said(tmp_path, inspect):
  root = layouts.write_folder(
    tmp_path / "faces", {"cat": 6, "dog": 6, "owl": 1}
  )
  shutil.copytree(root, root / "train")
  for name in ("cat", "dog", "owl"):
    shutil.rmtree(root / name)
  layouts.write_folder(root / "test", {"cat": 1, "dog": 1})
  (root / "train" / "cat" / "notes.txt").touch()
  # One of the test photos is one to learn from, under another class.
  shutil.copy(
    root / "test" / "cat" / "000.jpg", root / "train" / "dog" / "copy.jpg"
  )
  (root / "train" / "cat" / "broken.jpg").write_bytes(b"no photo")
  sheet = tmp_path / "sheet.png"
  said = inspect(root, sheet, test_share=0.4)
  assert "a folder of classes, split by its folders, 17 photos" in said
  rows = {x: f" {x} " for x in ("photos", "cat", "dog", "owl")}
  counts = {
    name: [int(x) for x in said.split(row, 1)[1].split()[:3]]
    for name, row in rows.items()
    if name != "photos"
  }
  assert [sum(counts[x]) for x in ("cat", "dog", "owl")] == [8, 8, 1]
  assert [counts[x][2] for x in ("cat", "dog", "owl")] == [1, 1, 0]
  for expected in (
    "178 x 218, all", "18 % of a photo is cut off",
    "unreadable 1: train/cat/broken.jpg",
    "in several splits", "with several labels",
    "left out, since these are no photos", "first cat/notes.txt",
    "no image of the test split",
    "--config=configs/teacher.py:photos",
    "--config=configs/student.py:photos",
    f"--config.data.path={root}", "--config.data.test_share=0.4",
    "--config.data.skip_unreadable=True",
  ):  # fmt: skip
    assert expected in said, expected
  with Image.open(sheet) as picture:
    assert picture.size[0] > 500


def test_photos_that_a_list_names_and_nobody_has_are_counted(tmp_path, inspect):
  names = [f"face_{number:03}.png" for number in range(30)]
  for grey, name in enumerate(names):
    Image.new("L", (8, 8), 8 * grey).save(tmp_path / name)
  rows = [f"{name},{int(i == 0)},{i % 2}\n" for i, name in enumerate(names)]
  (tmp_path / "labels.csv").write_text("file,Hat,Beard\n" + "".join(rows))
  said = inspect(tmp_path)
  assert "a table, 30 photos" in said and "skip_unreadable" not in said
  assert "less than 5 % of the training photos have Hat (1)" in said
  (tmp_path / names[3]).unlink()
  said = inspect(tmp_path)
  assert "a table, 29 photos" in said
  assert "lacks 1 of the 30 images" in said
  assert "--config.data.skip_unreadable=True" in said


def test_the_command_that_is_advised_can_be_followed(tmp_path, inspect):
  layouts.write_folder(tmp_path, {"cat": 9, "dog": 9})
  assert "cat" in inspect(tmp_path, **{"distribution.Bald": 0.5})
  given = {"sizes": ConfigDict({"train": 5}), "crop": 8}
  said = inspect(tmp_path, **given)
  assert "Train a teacher on them: python" in said
  advised = shlex.split(said.split("Train a student on them: ")[1])
  # All of it is understood, but for what nobody has advised.
  done = subprocess.run(
    [sys.executable, *advised[1:], "--config.stepz=1"],
    capture_output=True, text=True, cwd=small_runs.ROOT,
  )  # fmt: skip
  assert done.returncode == 2 and "no field 'stepz'" in done.stderr


def test_a_thin_photo_has_a_frame():
  for size in ((1000, 1), (20, 3000)):
    photo = Image.new("RGB", size)
    side = min(size)
    assert contact_sheet.frame(photo, (0, 0, side, side)).shape[2] == 3


@pytest.mark.parametrize("size", [32, 256])
def test_pictures_of_a_contact_sheet_are_whole_and_apart(size):
  red = np.zeros((size, size, 3), np.uint8) + np.uint8([255, 0, 0])
  green = red[..., [1, 0, 2]]
  sheet = contact_sheet.draw_contact_sheet("", {"photos": [red, green]})
  for colour in (red[0, 0], green[0, 0]):
    ys, xs = np.nonzero((sheet == colour).all(-1))
    assert len(ys) == CELL * CELL and np.ptp(xs) == np.ptp(ys) == CELL - 1


def test_what_cannot_be_trained_on_is_one_line(tmp_path, inspect):
  layouts.write_folder(tmp_path, {"cat": 3, "dog": 3})
  message = error(inspect, tmp_path)
  assert "split of" in message and "is empty" in message
  assert "does not exist" in error(inspect, tmp_path / "nowhere")
  for name in ("cat", "dog"):
    for path in (tmp_path / name).iterdir():
      path.write_bytes(b"")
  assert "config.data.name='avatars'" in error(
    lambda: inspect(tmp_path, name="avatars")
  )
  assert "give one PATH" in error(command.main, [])


def test_a_sheet_replaces_no_photo_and_is_refused_before_all_is_read(
  tmp_path, inspect, monkeypatch
):
  root = layouts.write_folder(tmp_path / "faces", {"cat": 6, "dog": 6})
  monkeypatch.setattr(command, "_open", lambda _: pytest.fail("it was read"))
  photo = root / "cat" / "000.png"
  assert "among the photos" in error(inspect, root, photo)
  assert "should end in .png" in error(inspect, root, tmp_path / "sheet.csv")
  (tmp_path / "x.png").mkdir()
  assert "is a folder" in error(inspect, root, tmp_path / "x.png")
  (tmp_path / "file").touch()
  with pytest.raises(WriteError, match="cannot write .*file"):
    inspect(root, tmp_path / "file" / "sheet.png")


def test_no_command_is_advised_that_training_refuses(tmp_path, inspect):
  layouts.write_folder(tmp_path, {"cat": 30, "dog": 30})
  message = error(lambda: inspect(tmp_path, image_size=50))
  assert "config.data.image_size=50 is not a multiple of" in message


def test_duplicates_are_told_by_their_content():
  inspected = [
    Inspected("train", "a", (1,), (2, 2), b"1"),
    Inspected("test", "b", (0,), (2, 2), b"1"),
    Inspected("train", "c", (1,), (2, 2), b"2"),
    Inspected("train", "d", (1,), (2, 2), b"2"),
    Inspected("train", "e", (1,), (2, 2), b"3"),
    # Both are empty.
    Inspected("train", "f", (1,), None, b"4"),
    Inspected("train", "g", (1,), None, b"4"),
  ]
  found = find_duplicates(inspected)
  assert found == ([["a", "b"], ["c", "d"]], 1, 1)


def test_what_is_cut_off_is_a_share_of_the_photo():
  inspected = [Inspected("train", "a", (), (100, 200), b"1")]
  assert measure_cut_off(inspected, 0) == pytest.approx(0.5)
  assert measure_cut_off(inspected, 50) == pytest.approx(1 - 2_500 / 20_000)


def test_a_frame_is_drawn_around_what_is_seen_and_nothing_else():
  photo = Image.new("RGB", (100, 200), (10, 20, 30))
  picture = contact_sheet.frame(photo, (0, 50, 100, 150), side=100)
  assert picture.shape == (100, 100, 3)
  red = (picture == (220, 40, 40)).all(-1)
  rows, columns = np.nonzero(red)
  # The photo is 50 x 100 in the middle, and its square 50 x 50.
  assert (rows.min(), rows.max()) == (25, 74)
  assert (columns.min(), columns.max()) == (25, 74)
  assert (picture[45:55, 45:55] == (10, 20, 30)).all()
