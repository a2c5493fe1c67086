"""A trained network in Python: what is asked for is drawn, and nothing else."""

import io
import pathlib
import subprocess
import sys
import types

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import FrozenConfigDict
from PIL import Image

import akd_jax
from akd_jax import api
from akd_jax.common.errors import UserError
from akd_jax.inference import exports
from akd_jax.inference.loaded import LoadedModel
from akd_jax.inference.network import Recognizer
from akd_jax.models.pixels import to_uint8, to_unit
from akd_jax.systems import system_of
from akd_jax.systems.model import Model
from akd_jax.training import run_dir
from tests import small_runs

NAMES = ("Black_Hair", "Blond_Hair", "Smiling", "Eyeglasses")
HAIR = ("Black_Hair", "Blond_Hair")
SIZE = 16
# What the recognizer of these tests says of every picture.
OWN = np.array([1, 0, 1, 0], np.uint8)


class Recorder:
  """A network that keeps what it is given, and returns the pictures."""

  run, explained = None, "nobody"

  def __init__(self, label_rule="multilabel", crop=0):
    self.about = {
      "attributes": list(NAMES),
      "label_rule": label_rule,
      "exclusive": [list(HAIR)] if label_rule == "multilabel" else [],
      "image_size": SIZE,
      "crop": crop,
    }

  def translate(self, images, wanted):
    self.images, self.edits = images, wanted.edits
    self.targets, self.labels = wanted.targets, wanted.labels
    return images

  def attend(self, images, wanted, columns, block):
    self.columns, self.block, self.targets = columns, block, wanted.targets
    return np.ones((len(images), 4, 4), np.float32)


def recognizing(network):
  predict = lambda images: np.tile(OWN, (len(images), 1))  # noqa: E731
  return LoadedModel(network, Recognizer("discriminator", predict, None))


def draw(count, size=SIZE):
  rng = np.random.default_rng(count)
  return rng.integers(0, 256, (count, size, size, 3)).astype(np.uint8)


def test_a_model_says_in_a_line_what_it_can_set():
  shown = repr(recognizing(Recorder()))
  assert shown == f"<LoadedModel: {SIZE} pixels, attributes {', '.join(NAMES)}>"


def test_attributes_that_are_not_set_stay():
  network = Recorder()
  recognizing(network).translate(draw(3), set={"Eyeglasses": 1})
  assert network.targets.tolist() == [[1, 0, 1, 1]] * 3
  assert network.labels.tolist() == [OWN.tolist()] * 3


def test_setting_one_of_an_exclusive_group_clears_the_others():
  network = Recorder()
  model = recognizing(network)
  model.translate(draw(1), set={"Blond_Hair": 1, "Smiling": 0})
  assert network.targets.tolist() == [[0, 1, 0, 0]]
  with pytest.raises(UserError, match="exclude each other"):
    model.translate(draw(1), set=dict.fromkeys(HAIR, 1))


@pytest.mark.parametrize(
  ("own", "label"),
  [
    ({"Smiling": 0}, [1, 0, 0, 0]),
    # What is known, too, clears what excludes it.
    ({"Blond_Hair": 1}, [0, 1, 1, 0]),
    (np.array([[0, 0, 0, 1]]), [0, 0, 0, 1]),
  ],
)
def test_what_is_known_of_a_picture_counts_more(own, label):
  network = Recorder()
  recognizing(network).translate(draw(1), set={}, own=own)
  assert network.targets.tolist() == [label]


@pytest.mark.parametrize(
  ("own", "label"),
  [
    ({"Smiling": 0}, [1, 0, 0, 0]),
    ({"Black_Hair": 0}, [0, 0, 0, 0]),
    ({"Eyeglasses": 1}, [0, 0, 0, 1]),
  ],
)
def test_of_exclusive_classes_a_picture_may_be_known_not_to_have_one(
  own, label
):
  network = Recorder("exclusive")
  predict = lambda images: np.tile(  # noqa: E731
    np.array([1, 0, 0, 0], np.uint8), (len(images), 1)
  )
  model = LoadedModel(network, Recognizer("discriminator", predict, None))
  model.translate(draw(1), set={"Blond_Hair": 1}, own=own)
  assert network.labels.tolist() == [label]
  assert network.targets.tolist() == [[0, 1, 0, 0]]
  with pytest.raises(UserError, match="Smiling and Eyeglasses exclude each"):
    both = {"Smiling": 1, "Eyeglasses": 1}
    model.translate(draw(1), set={"Blond_Hair": 1}, own=both)


@pytest.mark.parametrize("strength", [0, 0.5, 1, 1.5])
def test_strength_goes_from_the_own_label_to_the_target(strength):
  network = Recorder()
  recognizing(network).translate(
    draw(1), set={"Blond_Hair": 1}, strength=strength
  )
  assert network.targets.tolist() == [[1 - strength, strength, 1, 0]]


@pytest.mark.parametrize("strength", [-0.1, 1.6, float("nan")])
def test_another_strength_is_refused(strength):
  with pytest.raises(UserError, match=r"strength=.* is not in 0\.\.1\.5"):
    recognizing(Recorder()).translate(draw(1), set={}, strength=strength)


def test_without_a_recognizer_what_a_picture_has_must_be_said():
  network = Recorder()
  model = LoadedModel(network)
  with pytest.raises(UserError, match="name them, as --from"):
    model.translate(draw(1), set={"Smiling": 1})
  model.translate(draw(1), set={"Smiling": 1}, own={"Blond_Hair": 1})
  assert network.targets.tolist() == [[0, 1, 1, 0]]
  # Of classes that exclude each other, the target says everything.
  network = Recorder("exclusive")
  model = LoadedModel(network)
  model.translate(draw(1), set={"Smiling": 1})
  assert network.targets.tolist() == [[0, 0, 1, 0]]
  with pytest.raises(UserError, match="name them"):
    model.translate(draw(1), set={"Smiling": 1}, strength=0.5)
  # Unless the network is told what is to change.
  network.about["given"] = [1, -1, 0]
  with pytest.raises(UserError, match="name them"):
    model.translate(draw(1), set={"Smiling": 1})
  model.translate(draw(1), set={"Smiling": 1}, own={"Black_Hair": 1})
  assert network.labels.tolist() == [[1, 0, 0, 0]]
  assert network.targets.tolist() == [[0, 0, 1, 0]]


def test_paths_images_and_arrays_are_the_same_picture(tmp_path):
  (pixels,) = draw(1, 40)
  path = tmp_path / "photo.png"
  Image.fromarray(pixels).save(path)
  network = Recorder(crop=20)
  model = recognizing(network)
  content = path.read_bytes()

  def same():
    held = content, bytearray(content), np.bytes_(content), io.BytesIO(content)
    return [path, str(path), *held, Image.fromarray(pixels), pixels]

  for picture in same():
    assert model.translate(picture, set={}).shape == (SIZE, SIZE, 3)
  together = model.translate(iter(same()), set={})
  assert together.shape == (8, SIZE, SIZE, 3)
  for square in together:
    np.testing.assert_array_equal(square, together[0])
  # It is the centre that the run's crop says, or that one asks for.
  middle = model.translate(pixels[10:30, 10:30], set={})
  np.testing.assert_array_equal(middle, together[0])
  wide = model.translate(pixels, set={}, crop=0)
  assert np.abs(wide.astype(int) - middle).max() > 20


def test_an_image_lies_as_its_exif_says():
  (pixels,) = draw(1)
  image = Image.fromarray(pixels)
  image.getexif()[0x0112] = 3  # Upside down.
  seen = recognizing(Recorder()).translate(image, set={})
  np.testing.assert_array_equal(seen, pixels[::-1, ::-1])


@pytest.mark.parametrize(
  "picture",
  [
    np.array(3),
    np.zeros((4, 4)),
    np.zeros((4, 4, 4)),
    np.zeros((0, 4, 3), np.uint8),
    None,
    7,
  ],
)
def test_what_is_no_picture_is_refused(picture):
  model = recognizing(Recorder())
  for pictures in (picture, [picture]):
    with pytest.raises(UserError, match=r"uint8 \[H, W, 3\]"):
      model.translate(pictures, set={})


def test_an_open_file_is_pasted_into_as_its_path_is(tmp_path):
  path = tmp_path / "photo.png"
  Image.fromarray(draw(1, 40)[0]).save(path)
  model = recognizing(Recorder())
  expected = model.translate(path, set={}, crop="none")
  with path.open("rb") as file:
    drawn = model.translate(file, set={}, crop="none")
  np.testing.assert_array_equal(drawn, expected)


def test_arrays_of_other_libraries_are_pictures():
  network, pictures = Recorder(), draw(2)
  model = recognizing(network)
  for given in (jnp.array(pictures), [*jnp.array(pictures)]):
    np.testing.assert_array_equal(model.translate(given, set={}), pictures)
  one = model.translate(jnp.array(pictures[0]), set={})
  np.testing.assert_array_equal(one, pictures[0])


def test_what_is_no_picture_is_shown_in_short():
  with pytest.raises(UserError) as refused:
    recognizing(Recorder()).translate([[*draw(9)]], set={})
  assert len(str(refused.value)) < 400


def test_a_picture_that_cannot_be_read_is_counted(tmp_path):
  model, (ok,) = recognizing(Recorder()), draw(1)
  with pytest.raises(UserError) as refused:
    model.translate([ok, ok, b"bad"], set={})
  assert str(refused.value) == (
    "picture 3 of 3: cannot read the image in these bytes: it is not an image,"
    " or is damaged at its start"
  )
  (tmp_path / "text").write_text("text")
  with (tmp_path / "text").open() as text, pytest.raises(UserError) as refused:
    model.translate([ok, text], set={})
  assert str(refused.value) == (
    "picture 2 of 2: a file is open as text: open it with 'rb'"
  )


def test_half_an_image_is_refused(tmp_path):
  path = tmp_path / "half.png"
  Image.fromarray(draw(1, 40)[0]).save(path)
  path.write_bytes(path.read_bytes()[:1500])
  with Image.open(path) as image, pytest.raises(UserError, match="truncated"):
    recognizing(Recorder()).translate(image, set={})


def test_an_empty_image_is_refused():
  with pytest.raises(UserError, match=r"of \(0, 4\) pixels is empty"):
    recognizing(Recorder()).translate(Image.new("RGB", (0, 4)), set={})


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ({"crop": -5}, "crop=-5 must be"),
    ({"crop": "all"}, "crop='all' must be"),
    ({"crop": True}, "crop=True must be"),
    ({"strength": "1"}, "strength='1' is not in"),
    ({"own": [[1, 0]]}, r"own is \(1, 2\), not \(1, 4\)"),
    ({"own": "Smiling"}, "own is 'Smiling', neither"),
    ({"set": "Smiling"}, "attributes are 'Smiling', not {NAME: 0 or 1}"),
    ({"set": {"Smiling": np.array([1, 0])}}, "Smiling in .* is not one 0"),
    ({"own": {"Smiling": np.array([1])}}, "Smiling in .* is not one 0"),
  ],
)
def test_an_argument_of_another_kind_is_refused(arguments, message):
  with pytest.raises(UserError, match=message):
    recognizing(Recorder()).translate(draw(1), **{"set": {}, **arguments})


def test_attributes_of_pictures_are_told_by_name():
  model = recognizing(Recorder())
  named = dict(zip(NAMES, OWN.tolist(), strict=True))
  assert model.recognize(draw(1)[0]) == named
  assert model.recognize(draw(2)) == [named, named]


def test_attention_explains_the_attribute_that_is_set():
  network = Recorder()
  model = recognizing(network)
  assert model.attention(draw(1)[0], "Eyeglasses", block=0).shape == (4, 4)
  assert network.columns.tolist() == [3] and network.block == "0"
  assert network.targets.tolist() == [[1, 0, 1, 1]]
  for name in ("Smilling", ["Smiling"]):
    with pytest.raises(UserError, match="did you mean 'Smiling'"):
      model.attention(draw(1), name)


@pytest.fixture(scope="module", name="run")
def fixture_run(initialize):
  config = small_runs.teacher_config(generator__blocks=2)
  config.data.attributes = NAMES
  config.data.exclusive = (HAIR,)
  networks = system_of(config).create_networks(config)
  picture = (1, SIZE, SIZE, 3)
  model = Model(
    initialize(networks.generator, picture, (1, len(NAMES))),
    initialize(networks.discriminator, picture),
    networks,
  )
  return run_dir.Run(config, NAMES, (HAIR,), model, 7)


@pytest.fixture(scope="module", name="files")
def fixture_files(run, tmp_path_factory):
  folder = tmp_path_factory.mktemp("files")
  paths = {name: str(folder / f"{name}.npz") for name in ("run", "numpy")}
  exports.export_run(run, paths["run"])
  exports.export_numpy(run_dir.load_run(paths["run"]), paths["numpy"])
  return paths


def test_a_file_for_numpy_draws_what_the_run_draws(files):
  model, alone = (akd_jax.load(files[name]) for name in ("run", "numpy"))
  assert model.attributes == alone.attributes == NAMES
  asked = {"set": {"Blond_Hair": 1}, "own": {"Smiling": 1, "Black_Hair": 0}}
  drawn = model.translate(draw(2), **asked)
  other = alone.translate(draw(2), own=model.labels_of(draw(2), asked["own"]),
                          set=asked["set"])  # fmt: skip
  assert np.abs(drawn.astype(int) - other).max() <= 1
  with pytest.raises(UserError, match="has no discriminator"):
    alone.attention(draw(1), "Smiling", own={"Smiling": 1})
  for name in ("run", "numpy"):
    with pytest.raises(UserError, match="is one file, without --step=7"):
      akd_jax.load(files[name], step=7)


def test_labels_beyond_the_target_reach_the_generator(files):
  model = akd_jax.load(files["run"])
  own = np.array([[1, 0, 0, 0]], np.float32)
  drawn = model.translate(draw(1), set={"Blond_Hair": 1}, own=own, strength=1.5)
  given = np.array([[-0.5, 1.5, 0, 0]], np.float32)
  pair = model.network.run.model
  expected, _ = pair.generate(to_unit(draw(1)), given)
  assert np.abs(drawn.astype(int) - to_uint8(expected)).max() <= 1
  clipped, _ = pair.generate(to_unit(draw(1)), given.clip(0, 1))
  assert np.abs(drawn.astype(int) - to_uint8(clipped)).max() > 1


def test_the_discriminator_recognizes_where_there_is_no_classifier(files):
  model = akd_jax.load(files["run"])
  assert model.recognizer.name == "discriminator"
  pictures = draw(20)
  scores = model.network.run.model.discriminate(to_unit(pictures))
  labels = model.labels_of(pictures, None)
  logits = np.asarray(scores.logits)
  np.testing.assert_array_equal(labels[:, 2:], logits[:, 2:] > 0)
  # Of hair colours, that with the larger logit, if any.
  hair = logits[:, :2]
  best = hair.argmax(1)[:, None] == [0, 1]
  np.testing.assert_array_equal(labels[:, :2], best & (hair > 0))


def test_attention_is_of_the_block_that_is_asked_for(files):
  model = akd_jax.load(files["run"])
  maps = {
    block: model.attention(draw(2), "Smiling", block=block)
    for block in (None, "last", 0)
  }
  for some in maps.values():
    assert some.shape == (2, SIZE // 4, SIZE // 4) and some.min() >= 0
  np.testing.assert_array_equal(maps[None], maps["last"])
  assert np.abs(maps[0] - maps["last"]).max() > 0
  with pytest.raises(UserError, match="attention.block='7' is none of"):
    model.attention(draw(2), "Smiling", block=7)
  # Without a picture, too.
  with pytest.raises(UserError, match="attention.block='7' is none of"):
    model.network.check_attention("7")
  model.network.check_attention("last")


def test_a_map_that_is_not_here_is_named(files):
  model = akd_jax.load(files["run"])
  model.network.run.config.attention.method = "mine"
  model.translate(draw(1), set={"Smiling": 1})
  for ask in (
    lambda: model.attention(draw(1), "Smiling"),
    lambda: model.network.check_attention(None),
  ):
    with pytest.raises(UserError, match="attention.method='mine' is none of"):
      ask()


def test_what_is_no_network_is_named(tmp_path):
  for name, reason in (("none.npz", "there is no"), ("folder", "no run in")):
    with pytest.raises(UserError, match=f"{reason}.*"):
      akd_jax.load(tmp_path / name)
  (tmp_path / "text.npz").write_text("text")
  with pytest.raises(UserError, match="is not a run saved as .npz"):
    akd_jax.load(tmp_path / "text.npz")


def test_training_returns_the_network(monkeypatch, tmp_path):
  done = []
  runner = types.SimpleNamespace(
    train_with_teacher=lambda *given: done.append(given)
  )
  monkeypatch.setitem(sys.modules, "akd_jax.experiments.single_run", runner)
  monkeypatch.setattr(api, "load", lambda path: f"loaded {path}")
  config = small_runs.teacher_config()
  assert akd_jax.train(config, tmp_path) == f"loaded {tmp_path}"
  assert done == [(config, str(tmp_path))]
  monkeypatch.setenv("HOME", str(tmp_path))
  config.teacher = "~/teacher"
  assert akd_jax.train(config, "~/run") == f"loaded {tmp_path}/run"
  assert done[1][0].teacher == f"{tmp_path}/teacher"
  assert config.teacher == "~/teacher"
  frozen = FrozenConfigDict(config)
  assert akd_jax.train(frozen, tmp_path) == f"loaded {tmp_path}"
  with pytest.raises(UserError, match="^workdir is an empty name"):
    akd_jax.train(config, "")
  del config["generator"]
  with pytest.raises(UserError, match="no recipe of a network"):
    akd_jax.train(config, tmp_path)


@pytest.mark.parametrize("name", ["data", "teacher", "system", "attention"])
def test_training_refuses_what_is_no_whole_recipe(tmp_path, name):
  with pytest.raises(UserError, match="^config is a dict, not a ConfigDict"):
    akd_jax.train(small_runs.teacher_config().to_dict(), tmp_path)
  config = small_runs.teacher_config()
  for value in (3, {}):
    # As unlocked configs of Python code may be.
    config._fields[name] = value
    with pytest.raises(UserError, match=f"^config is no config: {name} is "):
      akd_jax.train(config, tmp_path)
  del config._fields[name]
  with pytest.raises(UserError, match=f"config: it lacks {name}$"):
    akd_jax.train(config, tmp_path)


def test_all_that_is_offered_is_listed_documented_and_nothing_else():
  for name in akd_jax.__all__:
    assert name in dir(akd_jax) and getattr(akd_jax, name).__doc__
  with pytest.raises(AttributeError, match="no attribute 'trian'"):
    _ = akd_jax.trian


def imported_after(code):
  """What a new process has imported once it has run some code."""
  done = subprocess.run(
    [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
    cwd=small_runs.ROOT,
    env=small_runs.environment(devices=1),
    capture_output=True,
    text=True,
    check=True,
  )
  return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_it_costs_nothing():
  heavy = {"jax", "flax", "numpy", "PIL", "absl", "ml_collections"}
  assert not heavy & imported_after("import akd_jax")


def test_numpy_alone_runs_a_file_for_numpy(files):
  code = (
    "import akd_jax, numpy\n"
    f"model = akd_jax.load({files['numpy']!r})\n"
    "black = numpy.zeros((20, 20, 3), numpy.uint8)\n"
    "model.translate(black, set={'Smiling': 1}, own={'Eyeglasses': 1})"
  )
  assert not {"jax", "flax", "tensorflow"} & imported_after(code)


def test_loading_a_run_needs_no_tensorflow(files):
  imported = imported_after(f"import akd_jax; akd_jax.load({files['run']!r})")
  assert "jax" in imported and "tensorflow" not in imported


def test_the_package_is_typed():
  assert (pathlib.Path(akd_jax.__file__).parent / "py.typed").exists()
  assert "py.typed" in (small_runs.ROOT / "setup.cfg").read_text()
