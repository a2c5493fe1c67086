"""`python -m akd_jax.align`: photos in, faces that lie alike out."""

import os
import pathlib
import shutil
import types

import numpy as np
import pytest
from PIL import Image

from akd_jax import align
from akd_jax.common.errors import UserError, WriteError
from akd_jax.data.photos import alignment
from akd_jax.data.photos.frames import CELEBA, cut, frame_face
from akd_jax.data.photos.images import open_image, read_size
from akd_jax.interop import dlib_faces
from akd_jax.interop.dlib_faces import has_faces, middles_of_eyes
from tests.photos_of_faces import Finder, draw_detail, draw_face

LONDON = pathlib.Path(__file__).parent / "london"


@pytest.fixture(name="command")
def fixture_command(monkeypatch, tmp_path):
  """Aligns a folder, with eyes that are found by their colour."""
  monkeypatch.setattr(alignment, "load_finder", Finder)

  def command(*arguments, **changes):
    given = {"out": str(tmp_path / "out"), "size": 80} | changes
    flags = types.SimpleNamespace(FLAGS=types.SimpleNamespace(**given))
    monkeypatch.setattr(align, "flags", flags)
    align.main([str(x) for x in arguments])

  return command


@pytest.fixture(name="photos")
def fixture_photos(tmp_path):
  photos = tmp_path / "photos"
  (photos / "blond").mkdir(parents=True)
  (photos / ".trash").mkdir()
  draw_face(photos / "a.png", [(40, 10), (50, 15)])
  draw_face(photos / "blond" / "b.gif", [(22, 30), (30, 24)])
  draw_face(photos / ".trash" / "c.png", [(22, 30), (30, 24)])
  (photos / "labels.csv").write_text("name,Smiling\na.png,1\n")
  # Links are followed, but not round and round.
  (photos / "blond" / "again").symlink_to(photos)
  (photos / "linked").symlink_to(tmp_path / "elsewhere")
  (tmp_path / "elsewhere").mkdir()
  return photos


def test_faces_are_level_and_where_celebas_are(command, photos, tmp_path):
  command(photos)
  for name in ("a.png", "blond/b.gif.png"):
    with Image.open(tmp_path / "out" / name) as square:
      seen = np.asarray(square).astype(int)
    assert seen.shape == (80, 80, 3)
    # Where more of one colour is than of the others.
    eyes = [
      np.argwhere(seen[..., i] - seen[..., 1 - i] > 60).mean(0) / 80
      for i in (0, 1)
    ]
    (y, x), (right_y, right_x) = eyes
    assert abs((x + right_x) / 2 - CELEBA.x) < 0.02
    assert abs(y - CELEBA.y) < 0.02 and abs(right_y - CELEBA.y) < 0.02
    assert abs(right_x - x - CELEBA.apart) < 0.03
  lists = tmp_path / "out" / "labels.csv"
  assert lists.read_text() == (photos / "labels.csv").read_text()
  assert not (tmp_path / "out" / ".trash").exists()


def test_of_several_faces_the_largest_is_taken(command, photos, tmp_path):
  eyes = [(12, 8), (18, 10), (40, 28), (50, 24)]
  two = open_image(draw_face(photos / "two.png", eyes))
  command(photos)
  first, second = (
    cut(two, frame_face(middles_of_eyes(face), CELEBA), 80)
    for face in Finder().find_all(two)
  )
  square = np.asarray(open_image(tmp_path / "out" / "two.png"))
  np.testing.assert_array_equal(square, first)
  assert np.any(first != second)


def test_a_square_loses_little_as_a_jpeg(tmp_path):
  square = np.asarray(draw_detail(64, 64))
  alignment._save(tmp_path / "a.jpg", square, made=10**18)
  lost = np.abs(np.asarray(open_image(tmp_path / "a.jpg")).astype(int) - square)
  # Noise of 9 to either side: 4.1 where colours are halved.
  assert lost.mean() < 3.5


def test_it_goes_on_where_it_was_stopped(command, photos, tmp_path):
  command(photos)
  kept, lost = (tmp_path / "out" / x for x in ("a.png", "blond/b.gif.png"))
  before = kept.stat().st_mtime_ns
  lost.unlink()
  command(photos)
  assert kept.stat().st_mtime_ns == before and lost.exists()
  # Another person under the same name, whose file may be older.
  draw_face(photos / "a.png", [(30, 22), (36, 26)])
  os.utime(photos / "a.png", ns=(1, before - 10**9))
  first = kept.read_bytes()
  command(photos)
  assert kept.read_bytes() != first
  # Another size is asked for anew.
  command(photos, size=16)
  assert read_size(kept) == (16, 16)


def test_photos_without_a_face_are_named_and_counted(
  command, photos, tmp_path, capsys
):
  Image.new("RGB", (20, 20)).save(photos / "wall.png")
  (photos / "torn.jpg").write_bytes(b"no photo")
  (photos / "phone.HEIC").write_bytes(bytes(4) + b"ftypheic")
  with pytest.raises(UserError, match="^3 of 5 photos were left out"):
    command(photos)
  said = capsys.readouterr()
  assert "2 of 5 photos; lists copied: 1" in said.out
  for reason in ("no face is found in", "damaged at its start", "it is HEIC"):
    assert reason in said.err
  names = sorted(x.name for x in (tmp_path / "out").rglob("*") if x.is_file())
  assert names == ["a.png", "b.gif.png", "labels.csv"]


def test_linked_folders_are_aligned_and_all_suffixes_kept(
  command, photos, tmp_path
):
  # A link's photos keep the names that they have where they are.
  (photos / "a_link").symlink_to(photos / "blond")
  for name in ("c.TIFF", "d.bmp"):
    draw_face(tmp_path / "elsewhere" / name, [(22, 30), (30, 24)])
  command(photos)
  for name in ("c.TIFF", "d.bmp"):
    assert read_size(tmp_path / "out" / "linked" / name) == (80, 80)
  assert read_size(tmp_path / "out" / "blond" / "b.gif.png") == (80, 80)
  assert not (tmp_path / "out" / "a_link").exists()


def test_no_square_takes_the_place_of_another(command, photos, tmp_path):
  draw_face(photos / "blond" / "B.gif.png", [(22, 30), (30, 24)])
  with pytest.raises(UserError, match="would both be called"):
    command(photos)
  assert not (tmp_path / "out").exists()


def test_a_link_to_itself_is_no_place_for_squares(command, photos, tmp_path):
  (tmp_path / "loop").symlink_to("loop")
  with pytest.raises(WriteError, match="^cannot write .*loop"):
    command(photos, out=str(tmp_path / "loop"))


def test_a_list_that_cannot_be_read_is_said_first(command, photos, tmp_path):
  (photos / "lost.txt").symlink_to(tmp_path / "nowhere")
  with pytest.raises(UserError, match="cannot read .*lost.txt"):
    command(photos)
  assert not (tmp_path / "out" / "a.png").exists()


@pytest.mark.parametrize(
  ("where", "changes", "message"),
  [
    ((), {}, "name one folder"),
    (("photos", "photos"), {}, "name one folder"),
    (("gone",), {}, "there is no folder"),
    (("photos",), {"out": ""}, "--out is empty"),
    (("photos",), {"out": "new.PNG"}, "--out=new.PNG ends as a file's name"),
    (("photos",), {"out": "photos/out"}, "lies in"),
    (("photos",), {"out": "photos"}, "lies in"),
    (("photos",), {"out": "."}, "lies in"),
    (("",), {}, "name one folder"),
    (("photos",), {"out": "file"}, "is a file"),
    (("empty",), {}, "there is no photo in"),
  ],
)
def test_a_bad_request_is_refused(
  command, photos, tmp_path, monkeypatch, where, changes, message
):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "file").write_text("")
  (tmp_path / "empty").mkdir()
  with pytest.raises(UserError, match=message):
    command(*where, **changes)
  assert not (photos / "out").exists()


def test_without_dlib_it_is_said_how_to_install_it(
  photos, tmp_path, monkeypatch
):
  monkeypatch.setattr(dlib_faces, "has_faces", lambda: False)
  dlib_faces.load_finder.cache_clear()
  with pytest.raises(UserError, match="setup.sh faces"):
    name = pathlib.Path("a.png")
    list(alignment.align(photos, tmp_path / "out", {name: name}, 64))


@pytest.mark.skipif(not has_faces(), reason="dlib is not installed")
def test_several_processes_share_a_folder(tmp_path):
  people = sorted(LONDON.glob("*.jpg"))
  names = [pathlib.Path(f"{i}_{x.name}") for i in range(3) for x in people]
  folder = tmp_path / "photos"
  folder.mkdir()
  for name, person in zip(names, people * 3, strict=True):
    shutil.copyfile(person, folder / name)
  out = tmp_path / "out"
  found = alignment.align(folder, out, {name: name for name in names}, 64)
  assert list(found) == [(name, "") for name in names]
  assert {x.name for x in out.iterdir()} == {str(x) for x in names}
