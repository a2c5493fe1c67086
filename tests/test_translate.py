"""`python -m akd_jax.translate`: photos in, pictures out, named and counted."""

import errno
import json
import pathlib
import subprocess
import sys
import types
import weakref

import numpy as np
import pytest
from PIL import Image

from akd_jax import api, translate
from akd_jax.common.errors import UserError, WriteError
from akd_jax.common.writing import writing
from akd_jax.data.photos.images import load_image
from akd_jax.evaluation import familiarity
from akd_jax.inference import results, view
from akd_jax.inference.loaded import LoadedModel
from akd_jax.inference.network import Recognizer
from akd_jax.inference.photos import find_photos
from akd_jax.interop import dlib_faces, numpy_generator
from akd_jax.plotting import sample_grid
from tests import small_runs
from tests.photos_of_faces import Finder, draw_face
from tests.stargan_weights import random_generator

NAMES = ("Black_Hair", "Blond_Hair", "Hat/../Cap")
SIZE = 8


class Inverter:
  """A network that returns negatives, and looks at the top left corner."""

  run, explained = None, "nobody"

  def __init__(self, crop=0):
    self.seen, self.labels = [], []
    self.about = {
      "attributes": list(NAMES),
      "label_rule": "multilabel",
      "exclusive": [list(NAMES[:2])],
      "image_size": SIZE,
      "crop": crop,
    }

  def translate(self, images, wanted):
    self.seen += wanted.targets.tolist()
    self.labels += wanted.labels.tolist()
    return 255 - images

  def check_attention(self, block):
    if block == "99":
      raise UserError("there is no block 99")

  def attend(self, images, wanted, columns, block):
    self.looked = columns.tolist(), block
    maps = np.zeros((len(images), SIZE, SIZE), np.float32)
    maps[:, 0, 0] = 1
    return maps


class Flags(types.SimpleNamespace):
  def __getitem__(self, name):
    return types.SimpleNamespace(value=getattr(self, name))


@pytest.fixture(name="network")
def fixture_network():
  return Inverter()


@pytest.fixture(name="command")
def fixture_command(monkeypatch, tmp_path, network):
  """Runs the command with a network that inverts black-haired people."""

  def predict(images):
    return np.tile(np.array([1, 0, 0], np.uint8), (len(images), 1))

  recognizer = Recognizer("discriminator", predict, None)

  def command(*photos, **changes):
    given = {
      "workdir": "run", "out": str(tmp_path / "out"), "set": [], "from": [],
      "all": False, "strength": 1.0, "attention": False, "block": None,
      "crop": None, "step": None,
    } | changes  # fmt: skip
    monkeypatch.setattr(translate.flags, "FLAGS", Flags(**given))
    monkeypatch.setattr(
      api, "load", lambda path, step: LoadedModel(network, recognizer)
    )
    translate.main([str(photo) for photo in photos])

  return command


def draw_photo(path, size=(12, 8), seed=0):
  pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3))
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(pixels.astype(np.uint8)).save(path)
  return path


def written(folder):
  return sorted(
    str(path.relative_to(folder))
    for path in folder.rglob("*")
    if path.is_file()
  )


def read(path):
  return np.asarray(Image.open(path))


def test_a_result_is_named_after_photo_and_request(command, network, tmp_path):
  photo = draw_photo(tmp_path / "me.png")
  command(photo, set=["Blond_Hair=1", "Hat/../Cap=0"], strength=0.5)
  name = "me_Blond_Hair=1_Hat%2F..%2FCap=0_strength=0.5.png"
  assert written(tmp_path / "out") == [name]
  middle = read(photo)[:, 2:10]
  np.testing.assert_array_equal(read(tmp_path / "out" / name), 255 - middle)
  assert network.seen == [[0.5, 0.5, 0]]


def test_what_a_photo_has_is_printed_and_can_be_said(
  command, network, tmp_path, capsys
):
  photo = draw_photo(tmp_path / "me.png")
  command(photo, set=["Hat/../Cap=1"])
  command(photo, set=["Hat/../Cap=1"], **{"from": ["Blond_Hair=1"]})
  assert network.seen == [[1, 0, 1], [0, 1, 1]]
  first, second = (
    line for line in capsys.readouterr().out.splitlines() if "me.png (" in line
  )
  assert "(has Black_Hair)" in first and "(has Blond_Hair)" in second


def test_of_exclusive_classes_it_is_said_what_a_photo_is_not(
  command, network, tmp_path
):
  network.about |= {"label_rule": "exclusive", "exclusive": []}
  # What is known of a photo need not be a whole label.
  network.about["given"] = [1, -1, 0]
  photo = draw_photo(tmp_path / "me.png")
  command(photo, set=["Blond_Hair=1"], **{"from": ["Black_Hair=0"]})
  command(photo, set=["Blond_Hair=1"], **{"from": ["Hat/../Cap=1"]})
  assert network.labels == [[0, 0, 0], [0, 0, 1]]
  assert network.seen == [[0, 1, 0], [0, 1, 0]]


def test_folders_are_searched_and_no_result_covers_another(command, tmp_path):
  photos = tmp_path / "photos"
  same = ("a/1.png", "b/1.png", "b/1.bmp", "B1.png", "b1.bmp", "ü \n$.png")
  for seed, name in enumerate(same):
    draw_photo(photos / name, seed=seed)
  draw_photo(tmp_path / "other" / "a" / "1.png", seed=9)
  (photos / "notes.txt").write_text("no photo")
  command(photos, tmp_path / "other", set=["Blond_Hair=1"])
  out = tmp_path / "out"
  names = written(out)
  assert len(names) == len({x.casefold() for x in names}) == 7
  assert {"b/1.bmp_Blond_Hair=1.png", "ü %0A$_Blond_Hair=1.png"} <= set(names)
  pictures = {read(out / name).tobytes() for name in names}
  assert len(pictures) == 7


def test_results_are_never_taken_for_photos(command, network, tmp_path):
  photo = draw_photo(tmp_path / "photos" / "1.png")
  inside = str(photo.parent / "out")
  for _ in range(2):
    command(photo.parent, set=["Blond_Hair=1"], out=inside)
  assert len(network.seen) == 2
  with pytest.raises(UserError, match="is the folder of the photos"):
    command(photo.parent, set=["Blond_Hair=1"], out=str(photo.parent))


@pytest.mark.parametrize(
  ("name", "changes"),
  [
    ("a_Blond_Hair=1.png", {"set": ["Blond_Hair=1"]}),
    (
      "a_Blond_Hair=1_attention=Blond_Hair.png",
      {"set": ["Blond_Hair=1"], "attention": True},
    ),
    ("a_all.png", {"all": True}),
  ],
)
def test_no_result_replaces_a_photo(command, network, tmp_path, name, changes):
  photos = [draw_photo(tmp_path / x) for x in ("a.png", name)]
  before = photos[1].read_bytes()
  with pytest.raises(UserError) as refused:
    command(*photos, out=f"{tmp_path}/../{tmp_path.name}", **changes)
  said = str(refused.value)
  assert f"the result of {photos[0]} would replace the photo" in said
  assert not network.seen and photos[1].read_bytes() == before
  command(*photos, **changes)


def test_a_bad_file_is_named_counted_and_does_not_stop_the_rest(
  command, tmp_path, capsys
):
  photos = tmp_path / "photos"
  for i in range(12):
    draw_photo(photos / f"{i}.png", seed=i)
  cut = (photos / "3.png").read_bytes()[:60]
  (photos / "3.png").write_bytes(cut)
  with pytest.raises(UserError, match="^2 of 13 photos failed") as failed:
    command(photos, tmp_path / "gone.png", set=["Blond_Hair=1"])
  assert "\n" not in str(failed.value)
  assert len(written(tmp_path / "out")) == 11
  said = capsys.readouterr()
  assert "photos/3.png" in said.err and "gone.png" in said.err
  assert "there is no such file" in said.err
  assert "11 of 13 translated" in said.out


def test_what_cannot_be_written_does_not_stop_the_rest(
  command, tmp_path, capsys
):
  photos = tmp_path / "photos"
  for name in ("a.png", "sub/b.png", "z.png"):
    draw_photo(photos / name)
  (tmp_path / "out").mkdir()
  (tmp_path / "out" / "sub").write_text("a file")
  with pytest.raises(WriteError, match="^1 of 3 photos failed"):
    command(photos, set=["Blond_Hair=1"])
  assert "sub/b_Blond_Hair=1.png" in capsys.readouterr().err
  assert len(written(tmp_path / "out")) == 3


def test_a_full_disk_ends_it_at_once(command, network, tmp_path, monkeypatch):
  for name in ("a.png", "b.png"):
    draw_photo(tmp_path / "photos" / name)

  def fail(*_, **__):
    with writing(tmp_path):
      raise OSError(errno.ENOSPC, "No space left on device")

  monkeypatch.setattr(sample_grid, "save_png", fail)
  with pytest.raises(WriteError, match="No space left on device; free space"):
    command(tmp_path / "photos", set=["Blond_Hair=1"])


def test_a_sheet_has_every_attribute_switched(command, network, tmp_path):
  photo = draw_photo(tmp_path / "me.png")
  command(photo, all=True, attention=True, block="0")
  assert written(tmp_path / "out") == ["me_all.png"]
  assert network.seen == [[0, 0, 0], [0, 1, 0], [1, 0, 1]]
  assert network.looked == ([0, 1, 2], "0")


def test_attention_is_an_overlay_that_names_its_class(
  command, network, tmp_path
):
  photo = draw_photo(tmp_path / "me.png")
  command(photo, set=["Blond_Hair=1"], attention=True)
  plain = "me_Blond_Hair=1.png"
  over = "me_Blond_Hair=1_attention=Blond_Hair.png"
  assert written(tmp_path / "out") == [plain, over]
  changed = (
    read(tmp_path / "out" / plain) != read(tmp_path / "out" / over)
  ).any(-1)
  assert changed[0, 0] and not changed[4:, 4:].any()
  assert network.looked == ([1], None)


@pytest.mark.parametrize("size", [(90, 64), (64, 90), (64, 64)])
def test_the_whole_photo_stays_but_for_its_square(command, tmp_path, size):
  photo = draw_photo(tmp_path / "me.png", size)
  grey = Image.new("RGB", size, (60, 60, 60))
  grey.save(photo)
  command(photo, set=["Blond_Hair=1"], crop="none")
  (name,) = written(tmp_path / "out")
  whole = read(tmp_path / "out" / name)
  assert whole.shape == (size[1], size[0], 3)
  left, top = ((x - 64) // 2 for x in size)
  square = whole[top : top + 64, left : left + 64]
  assert (square[8:-8, 8:-8] == 195).all()
  outside = np.ones(whole.shape[:2], bool)
  outside[top : top + 64, left : left + 64] = False
  assert (whole[outside] == 60).all()
  # It fades where it ends inside the photo, and nowhere else.
  assert (whole[size[1] // 2, [0, -1]] == (60 if left else 195)).all()
  assert (whole[[0, -1], size[0] // 2] == (60 if top else 195)).all()
  step = np.abs(np.diff(whole.astype(int), axis=1 if left else 0)).max()
  assert step <= 135 / 4 + 1


def test_whole_photos_are_held_one_at_a_time(command, tmp_path, monkeypatch):
  photos = tmp_path / "photos"
  for i in range(5):
    draw_photo(photos / f"{i}.png", (900, 700), seed=i)
  alive = []
  original = results.open_image

  def opened(path):
    whole = original(path)
    alive.append(weakref.ref(whole))
    return whole

  def saved(path, picture, **_):
    assert picture.shape == (700, 900, 3)
    assert sum(one() is not None for one in alive) == 1
    save_png(path, picture)

  save_png = sample_grid.save_png
  monkeypatch.setattr(results, "open_image", opened)
  monkeypatch.setattr(sample_grid, "save_png", saved)
  command(photos, set=["Blond_Hair=1"], crop="none", attention=True)
  assert len(alive) == 10 and len(written(tmp_path / "out")) == 10


def test_a_photo_that_is_gone_before_it_is_pasted_back_is_named(
  command, tmp_path, monkeypatch, capsys
):
  for name in ("a.png", "b.png"):
    draw_photo(tmp_path / "photos" / name)
  draw = results.draw

  def drawn(*arguments):
    (tmp_path / "photos" / "a.png").unlink()
    return draw(*arguments)

  monkeypatch.setattr(results, "draw", drawn)
  with pytest.raises(UserError, match="^1 of 2 photos failed"):
    command(tmp_path / "photos", set=["Blond_Hair=1"], crop="none")
  assert "photos/a.png: there is no such file" in capsys.readouterr().err
  assert written(tmp_path / "out") == ["b_Blond_Hair=1.png"]


@pytest.mark.parametrize("crop", ["none", None])
@pytest.mark.parametrize(
  ("mode", "space", "kept"),
  [
    ("RGB", b"RGB ", True),
    ("RGBA", b"RGB ", True),
    ("L", b"GRAY", False),
    ("CMYK", b"CMYK", False),
  ],
)
def test_a_result_keeps_the_meaning_of_its_photo_s_colours(
  command, tmp_path, mode, space, kept, crop
):
  profile = bytes(16) + space + bytes(108)
  ending = "tif" if mode == "CMYK" else "png"
  path = tmp_path / f"me.{ending}"
  Image.new(mode, (12, 8)).save(path, icc_profile=profile)
  command(path, set=["Blond_Hair=1"], crop=crop, attention=True)
  names = written(tmp_path / "out")
  assert len(names) == 2
  for name in names:
    with Image.open(tmp_path / "out" / name) as drawn:
      assert drawn.info.get("icc_profile") == (profile if kept else None)


def test_the_largest_face_is_framed_and_pasted_back(
  command, network, tmp_path, monkeypatch, capsys
):
  for module in (view, dlib_faces):
    monkeypatch.setattr(module, "load_finder", Finder)
  photos = tmp_path / "photos"
  photos.mkdir()
  draw_face(photos / "a.png", [(40, 10), (44, 13)])
  draw_photo(photos / "b.png")
  # A level one, between pixels.
  draw_face(tmp_path / "c.png", [(30, 20), (37, 20)])
  with pytest.raises(UserError, match="^1 of 2 photos failed"):
    command(photos, set=["Blond_Hair=1"], crop="face")
  said = capsys.readouterr()
  assert "framed as in CelebA" in said.out
  assert "b.png: no face is found" in said.err
  (name,) = written(tmp_path / "out")
  whole = read(tmp_path / "out" / name)
  assert whole.shape == (40, 60, 3)
  # The eyes are 5 apart, so that the square's side is 23, and it is turned.
  assert np.abs(whole[14:20, 38:44].astype(int) - 195).max() < 20
  assert (whole[:, :22] == 60).all() and (whole[32:] == 60).all()
  command(tmp_path / "c.png", set=["Blond_Hair=1"], crop="face")
  level = read(tmp_path / "out" / "c_Blond_Hair=1.png").astype(int)
  assert np.abs(level[18:24, 30:38] - 195).max() < 20
  # In Python, too.
  black = {"Black_Hair": 1}
  found = LoadedModel(network).translate(
    photos / "a.png", {"Blond_Hair": 1}, own=black, crop="face"
  )
  np.testing.assert_array_equal(found, whole)
  several = LoadedModel(network).translate(
    [photos / "a.png"], {"Blond_Hair": 1}, own=black, crop="none"
  )
  assert [x.shape for x in several] == [(40, 60, 3)]


def test_all_faces_of_a_photo_are_pasted_back(
  command, network, tmp_path, monkeypatch, capsys
):
  for module in (view, dlib_faces):
    monkeypatch.setattr(module, "load_finder", Finder)
  eyes = [(40, 10), (44, 13)], [(11, 28), (15, 28)]
  photos = tmp_path / "photos"
  photos.mkdir()
  path = draw_face(photos / "a.png", [*eyes[0], *eyes[1]], (64, 48))
  draw_face(photos / "b.png", eyes[0], (64, 48))
  command(photos, set=["Blond_Hair=1"], crop="faces", attention=True)
  said = capsys.readouterr().out
  assert "all faces of each photo: framed as in CelebA" in said
  assert "a.png (2 faces: " in said and "b.png (has " in said
  whole = read(tmp_path / "out" / "a_Blond_Hair=1.png").astype(int)
  for left, top in eyes[0][0], eyes[1][0]:
    middle = whole[top + 4 : top + 8, left : left + 4]
    assert np.abs(middle - 195).max() < 20
  # Between them the photo is as it was.
  assert (whole[:8, :20] == 60).all() and (whole[40:, 40:] == 60).all()
  assert len(written(tmp_path / "out")) == 4
  model = LoadedModel(network)
  black = {"Black_Hair": 1}
  found = model.translate(path, {"Blond_Hair": 1}, own=black, crop="faces")
  np.testing.assert_array_equal(found, whole)
  with pytest.raises(UserError, match="crop='faces' is for translate"):
    model.recognize(path, crop="faces")


def test_without_dlib_it_is_said_how_to_install_it(
  command, tmp_path, monkeypatch
):
  monkeypatch.setattr(dlib_faces, "has_faces", lambda: False)
  dlib_faces.load_finder.cache_clear()
  with pytest.raises(UserError, match="setup.sh faces"):
    command(draw_photo(tmp_path / "me.png"), set=["Blond_Hair=1"], crop="face")
  assert not (tmp_path / "out").exists()


def test_a_crop_that_sees_little_of_a_photo_gets_a_warning(
  command, network, tmp_path, capsys
):
  network.about["crop"] = 10
  photo = draw_photo(tmp_path / "me.png", (40, 30))
  command(photo, set=["Blond_Hair=1"], crop="10")
  said = capsys.readouterr().out
  assert "--crop=10 sees only the centre of its 30 pixels: --crop=0" in said
  assert "1 of them with a warning" in said
  for crop in ("0", "15", "none", None):
    command(photo, set=["Blond_Hair=1"], crop=crop)
    assert "warning" not in capsys.readouterr().out


@pytest.mark.parametrize(
  ("size", "box"),
  [
    ((40, 16), (16, 4, 24, 12)),
    ((40, 17), (11, 0, 28, 17)),
    ((6, 5), (0, 0, 5, 5)),
  ],
)
def test_unless_it_is_said_a_large_photo_is_seen_whole(
  command, network, tmp_path, size, box
):
  network.about["crop"] = SIZE
  photo = draw_photo(tmp_path / "me.png", size)
  command(photo, set=["Blond_Hair=1"])
  with Image.open(photo) as whole:
    seen = whole.crop(box).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
  drawn = read(tmp_path / "out" / "me_Blond_Hair=1.png")
  np.testing.assert_array_equal(drawn, 255 - np.asarray(seen))
  # In Python and by the script, too.
  network.translate = lambda images, wanted: images
  model = LoadedModel(network)
  black = {"Black_Hair": 1}
  found = model.translate(photo, {"Blond_Hair": 1}, own=black)
  np.testing.assert_array_equal(found, seen)
  np.testing.assert_array_equal(
    numpy_generator.load_photo(str(photo), network.about), seen
  )
  # What is asked for is taken.
  found = model.translate(photo, {"Blond_Hair": 1}, own=black, crop=SIZE)
  literal = load_image(photo, SIZE, SIZE)
  np.testing.assert_array_equal(found, literal)


def test_a_photo_unlike_what_was_learnt_gets_a_warning(
  command, network, tmp_path, capsys, monkeypatch
):
  network.run = types.SimpleNamespace(model=None)
  usual = familiarity.Familiarity(2.0, 3.0, 0.875)
  monkeypatch.setattr(familiarity, "load_or_measure", lambda run: usual)
  monkeypatch.setattr(
    familiarity,
    "score_pictures",
    lambda model, images: (images[:, 0, 0, 0] / 10, None),
  )
  for name, value in (("usual", 25), ("strange", 90)):
    Image.new("RGB", (8, 8), (value, 0, 0)).save(tmp_path / f"{name}.png")
  photos = [tmp_path / f"{name}.png" for name in ("usual", "strange")]
  command(*photos, set=["Blond_Hair=1"])
  said = capsys.readouterr().out
  assert "discriminator, right on 87.50% of the validation split" in said
  (warning,) = [x for x in said.splitlines() if "unlike the" in x]
  assert "critic score is 9.00" in warning and "2.00 to 3.00" in warning
  assert said.index("strange.png") < said.index("unlike the")


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({}, "give either --all, or --set"),
    ({"set": ["Blond_Hair=1"], "all": True}, "give either --all, or --set"),
    ({"set": ["Blond_Hair"]}, "--set Blond_Hair should be NAME=1 or NAME=0"),
    ({"set": ["Blond_Hair=2"]}, "should be NAME=1 or NAME=0"),
    ({"set": ["Blond_Hair=1", "Blond_Hair=0"]}, "is given as 0 and as 1"),
    ({"set": ["Blond=1"]}, "did you mean 'Blond_Hair'"),
    ({"all": True, "from": ["Blond=1"]}, "did you mean 'Blond_Hair'"),
    ({"set": ["Blond_Hair=1", "Black_Hair=1"]}, "exclude each other"),
    ({"all": True, "strength": 2.0}, "strength=2.0 is not in 0..1.5"),
    ({"all": True, "block": "last"}, "--block=last needs --attention"),
    ({"all": True, "crop": "-3"}, "--crop=-3 should be a side in pixels"),
    ({"all": True, "attention": True, "block": "99"}, "there is no block 99"),
    ({"all": True, "step": "x"}, "--step=x must be"),
    ({"all": True, "crop": "none"}, "--crop=none pastes one change back"),
    ({"all": True, "crop": "face"}, "--crop=face pastes one change back"),
  ],
)
def test_a_bad_request_is_refused_before_anything_is_done(
  command, network, tmp_path, changes, message
):
  photo = draw_photo(tmp_path / "me.png")
  with pytest.raises(UserError) as refused:
    command(photo, **changes)
  assert message in str(refused.value) and "\n" not in str(refused.value)
  assert not network.seen and not (tmp_path / "out").exists()


def test_photos_must_be_named(command, tmp_path):
  with pytest.raises(UserError, match="name photos"):
    command(all=True)
  with pytest.raises(UserError, match="there is no photo in"):
    command(tmp_path, all=True)
  with pytest.raises(UserError, match="a photo's name is empty"):
    command("", all=True)


def test_hidden_files_are_no_photos(tmp_path):
  for name in (".me.png", ".trash/1.png", "me.png"):
    draw_photo(tmp_path / name)
  (found,) = find_photos([str(tmp_path)], tmp_path / "out")
  assert found.path == tmp_path / "me.png"


def test_where_nothing_can_be_written_it_says_so(command, tmp_path):
  photo = draw_photo(tmp_path / "me.png")
  (tmp_path / "out").write_text("a file")
  with pytest.raises(UserError, match="--out=.* is a file: name a folder"):
    command(photo, all=True)


@pytest.fixture(scope="module", name="exported")
def fixture_exported(tmp_path_factory):
  """A generator for NumPy alone, with random weights."""
  path = tmp_path_factory.mktemp("exported") / "model.npz"
  about = Inverter().about | {
    "format": 1,
    "system": numpy_generator.SYSTEM,
    "value_range": [-1, 1],
    "architecture": {"width": 4, "blocks": 1},
  }
  arrays = random_generator(4, 1, classes=len(NAMES))
  np.savez(path, **arrays, metadata=np.array(json.dumps(about)))
  return path


def start(*arguments):
  return subprocess.run(
    [sys.executable, "-m", "akd_jax.translate", *map(str, arguments)],
    cwd=small_runs.ROOT,
    env=small_runs.environment(devices=1),
    capture_output=True,
    text=True,
  )


def test_as_a_command_it_runs_a_file_for_numpy(exported, tmp_path):
  photo, out = draw_photo(tmp_path / "me.png"), tmp_path / "out"
  (tmp_path / "bad.jpg").write_text("no photo")
  options = [f"--workdir={exported}", "--set", "Blond_Hair=1", f"--out={out}"]
  # Flags may stand after the photos.
  done = start(photo, *options, "--from", "Black_Hair=1")
  assert done.returncode == 0 and not done.stderr, done.stderr
  assert written(out) == ["me_Blond_Hair=1.png"]
  done = start(tmp_path, *options, "--from=Black_Hair=1")
  assert done.returncode == 2
  assert done.stderr.splitlines()[-1].startswith("error: 1 of 2 photos failed")
  done = start(photo, *options)
  assert done.returncode == 2 and "--from NAME=1" in done.stderr
  assert len(done.stderr.splitlines()) == 1


def test_a_file_without_a_discriminator_is_asked_for_no_attention(
  exported, tmp_path, monkeypatch
):
  flags = Flags(
    workdir=str(exported), out=str(tmp_path / "out"), set=["Blond_Hair=1"],
    all=False, strength=1.0, attention=True, block=None, crop=None, step=None,
    **{"from": ["Black_Hair=1"]},
  )  # fmt: skip
  monkeypatch.setattr(translate.flags, "FLAGS", flags)
  with pytest.raises(UserError, match="has no discriminator"):
    translate.main([str(draw_photo(tmp_path / "me.png"))])
  assert not (tmp_path / "out").exists()


def test_where_nothing_can_be_written_no_network_is_loaded(
  command, tmp_path, monkeypatch
):
  (tmp_path / "out").write_text("a file")
  monkeypatch.setattr(results, "Request", lambda **_: pytest.fail("too late"))
  with pytest.raises(UserError, match="--out=.* is a file: name a folder"):
    command(draw_photo(tmp_path / "me.png"), set=["Unknown=1"])


def test_help_waits_for_nothing():
  code = (
    "import sys, akd_jax.translate; "
    "assert not {'jax', 'flax', 'PIL', 'tensorflow'} & set(sys.modules)"
  )
  root = pathlib.Path(translate.__file__).parents[1]
  subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
  assert "--strength" in start("--help").stdout
