"""Released weights in and out, and the runtime that needs only NumPy."""

import ast
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from flax import traverse_util

from akd_jax.common.errors import UserError
from akd_jax.interop import numpy_generator, torch_stargan

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
GOLDEN_NAMES = ("multilabel", "softmax")

METADATA = {
  "format": 1,
  "architecture": {"name": "stargan", "width": 4, "blocks": 1},
  "image_size": 16,
  "attributes": ["Black_Hair", "Blond_Hair", "Smiling"],
  "label_rule": "multilabel",
  "exclusive": [["Black_Hair", "Blond_Hair"]],
  "value_range": [-1, 1],
  "step": 0,
}


def golden(name):
  with np.load(GOLDEN / f"stargan_{name}.npz", allow_pickle=False) as file:
    return dict(file)


def state_dict(arrays, network):
  start = f"{network}/"
  return {k[2:]: v for k, v in arrays.items() if k.startswith(start)}


def random_params(width, blocks, classes):
  """Generator parameters by path, norms included, of no special scale."""
  rng = np.random.default_rng(0)
  weights = torch_stargan.generator_weights(width, blocks, classes)
  return {
    w.path: rng.normal(0, 0.2, w.our_shape()).astype(np.float32)
    for w in weights
  }


def save(path, params, metadata=METADATA):
  np.savez(path, **params, metadata=np.array(json.dumps(metadata)))
  return str(path)


@pytest.mark.parametrize("name", GOLDEN_NAMES)
def test_released_state_dicts_round_trip_exactly(name):
  arrays = golden(name)
  for network, from_torch, to_torch in (
    (
      "G",
      torch_stargan.generator_from_torch,
      torch_stargan.generator_to_torch,
    ),
    (
      "D",
      torch_stargan.discriminator_from_torch,
      torch_stargan.discriminator_to_torch,
    ),
  ):
    state = state_dict(arrays, network)
    back = to_torch(from_torch(state))
    assert list(back) == list(state)
    for key, value in state.items():
      np.testing.assert_array_equal(back[key], value)


@pytest.mark.parametrize("width, blocks, classes", [(4, 1, 2), (6, 3, 9)])
def test_generators_of_any_size_round_trip(width, blocks, classes):
  params = random_params(width, blocks, classes)
  state = torch_stargan.generator_to_torch(
    traverse_util.unflatten_dict(params, sep="/")
  )
  back = traverse_util.flatten_dict(
    torch_stargan.generator_from_torch(state), sep="/"
  )
  assert back.keys() == params.keys()
  for path, value in params.items():
    np.testing.assert_array_equal(back[path], value)


def test_the_papers_parameter_counts():
  for width, blocks, classes, count in (
    (64, 6, 5, 8_430_528),
    (32, 3, 7, 1_234_976),
    (16, 1, 8, 167_200),
  ):
    weights = torch_stargan.generator_weights(width, blocks, classes)
    assert sum(np.prod(w.shape) for w in weights) == count
  weights = torch_stargan.discriminator_weights(64, 6, 7, 2)
  assert sum(np.prod(w.shape) for w in weights) == 44_778_432


def test_running_statistics_of_old_files_are_ignored():
  state = state_dict(golden("softmax"), "G")
  old = dict(state)
  for name in ("running_mean", "running_var"):
    old[f"main.1.{name}"] = np.ones(8, np.float32)
  old["main.1.num_batches_tracked"] = np.array(7)
  back = torch_stargan.generator_to_torch(
    torch_stargan.generator_from_torch(old)
  )
  assert list(back) == list(state)


def test_a_state_dict_that_does_not_fit_names_the_first_difference():
  state = state_dict(golden("multilabel"), "G")

  def message(edited):
    with pytest.raises(UserError) as error:
      torch_stargan.generator_from_torch(edited)
    assert "\n" not in str(error.value)
    return str(error.value)

  assert "'main.0.weight' is missing" in message({})
  assert "four axes" in message({"main.0.weight": np.zeros(8)})
  without = {k: v for k, v in state.items() if k != "main.12.bias"}
  assert "'main.12.bias' (16,) is missing" in message(without)
  wrong = state | {"main.3.weight": np.zeros((16, 8, 3, 3))}
  assert "(16, 8, 3, 3) and should be (16, 8, 4, 4)" in message(wrong)
  extra = state | {"main.17.bais": np.zeros(3)}
  assert "'main.17.bais' is unknown; did you mean" in message(extra)
  with pytest.raises(UserError, match="'conv2.weight' is missing"):
    torch_stargan.discriminator_from_torch(state)
  with pytest.raises(UserError, match="'encoder_0/conv/kernel' is missing"):
    torch_stargan.generator_to_torch({"layer_0": {"kernel": np.zeros(3)}})


@pytest.mark.parametrize("name", GOLDEN_NAMES)
def test_the_runtime_reproduces_the_released_generator(name):
  arrays = golden(name)
  params = traverse_util.flatten_dict(
    torch_stargan.generator_from_torch(state_dict(arrays, "G")), sep="/"
  )
  for source, label, result in (
    ("x_real", "c_trg", "x_fake"),
    ("x_fake", "c_org", "x_rec"),
  ):
    image = arrays[source].transpose(0, 2, 3, 1)
    made = numpy_generator.generate(params, image, arrays[label])
    expected = arrays[result].transpose(0, 2, 3, 1)
    assert made.dtype == np.float32
    assert abs(made - expected).max() <= 1e-4 * abs(expected).max()


def test_the_transposed_convolution_scatters_as_pytorch_defines_it():
  rng = np.random.default_rng(0)
  x = rng.normal(size=(3, 5, 2))  # [H, W, in]
  weight = rng.normal(size=(2, 4, 4, 4))  # PyTorch's [in, out, kh, kw]
  padded = np.zeros((2 * 3 + 2, 2 * 5 + 2, 4))
  for m, n, i, j in np.ndindex(3, 5, 4, 4):
    padded[2 * m + i, 2 * n + j] += x[m, n] @ weight[:, :, i, j]
  made = numpy_generator._upsample(x, weight.transpose(2, 3, 1, 0))
  np.testing.assert_allclose(made, padded[1:-1, 1:-1], atol=1e-5)


@pytest.mark.parametrize("width, blocks, size", [(4, 1, 16), (6, 3, 20)])
def test_the_runtime_equals_the_jax_generator(width, blocks, size):
  from akd_jax.models.stargan import Generator

  params = random_params(width, blocks, classes=3)
  rng = np.random.default_rng(1)
  image = rng.uniform(-1, 1, (2, size, size + 8, 3)).astype(np.float32)
  label = np.array([[1, 0, 1], [0, 1, 0]], np.float32)
  expected, _ = Generator(width, blocks).apply(
    {"params": traverse_util.unflatten_dict(params, sep="/")}, image, label
  )
  made = numpy_generator.generate(params, image, label)
  np.testing.assert_allclose(made, expected, atol=1e-4)


def test_photos_keep_their_shape_and_do_not_depend_on_their_batch():
  params = random_params(4, 1, classes=3)
  photos = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
  label = numpy_generator.make_label(METADATA, {"Smiling": 1})
  batch = numpy_generator.translate(params, METADATA, photos, label)
  one = numpy_generator.translate(params, METADATA, photos[1], label)
  assert batch.dtype == one.dtype == np.uint8
  assert batch.shape == photos.shape and one.shape == photos[1].shape
  np.testing.assert_array_equal(batch[1], one)


def test_bad_images_are_refused_with_their_shape():
  params = random_params(4, 1, classes=3)
  label = np.zeros(3)
  floats = np.zeros((16, 16, 3), np.float32)
  with pytest.raises(ValueError, match="float32"):
    numpy_generator.translate(params, METADATA, floats, label)
  odd = np.zeros((16, 18, 3), np.uint8)
  with pytest.raises(ValueError, match="multiples of 4"):
    numpy_generator.translate(params, METADATA, odd, label)
  with pytest.raises(ValueError, match=r"not \[1, 3\]"):
    numpy_generator.generate(params, floats[np.newaxis], np.zeros((1, 4)))


def test_labels_honour_exclusive_groups():
  def label(wanted, original=None):
    return numpy_generator.make_label(METADATA, wanted, original).tolist()

  assert label({}) == [0, 0, 0]
  assert label({"Blond_Hair": 1}, [1, 0, 1]) == [0, 1, 1]
  assert label({"Smiling": 0}, [1, 0, 1]) == [1, 0, 0]
  with pytest.raises(ValueError, match="exclude each other"):
    label({"Blond_Hair": 1, "Black_Hair": 1})


def test_labels_of_the_exclusive_rule_are_one_hot():
  metadata = METADATA | {"label_rule": "exclusive", "exclusive": []}
  made = numpy_generator.make_label(metadata, {"Smiling": 1}, [1, 0, 0])
  assert made.tolist() == [0, 0, 1]
  for wanted in ({}, {"Smiling": 0}):
    with pytest.raises(ValueError, match="exactly one of Black_Hair"):
      numpy_generator.make_label(metadata, wanted)


def test_a_wrong_attribute_names_the_nearest_on_one_line():
  with pytest.raises(ValueError, match="did you mean 'Blond_Hair'") as error:
    numpy_generator.make_label(METADATA, {"Blonde_hair": 1})
  assert "\n" not in str(error.value)
  with pytest.raises(ValueError, match="0 or 1"):
    numpy_generator.make_label(METADATA, {"Smiling": 2})


def test_files_that_are_no_export_are_refused_by_name(tmp_path):
  text = tmp_path / "text.npz"
  text.write_text("no zip")
  with pytest.raises(ValueError, match="text.npz is not a whole .npz"):
    numpy_generator.load(str(text))
  bare = tmp_path / "bare.npz"
  np.savez(bare, x=np.zeros(1))
  with pytest.raises(ValueError, match="bare.npz has no metadata"):
    numpy_generator.load(str(bare))
  newer = save(tmp_path / "newer.npz", {}, METADATA | {"format": 2})
  with pytest.raises(ValueError, match="has format 2"):
    numpy_generator.load(newer)


def test_pickled_arrays_are_never_loaded(tmp_path):
  path = save(tmp_path / "evil.npz", {"x": np.array([{}], object)})
  with pytest.raises(ValueError, match="allow_pickle"):
    numpy_generator.load(path)


def test_the_runtime_imports_nothing_but_numpy_at_its_top():
  source = pathlib.Path(numpy_generator.__file__).read_text()
  imported = set()
  for node in ast.parse(source).body:
    if isinstance(node, ast.Import):
      imported |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      imported.add(node.module)
  roots = {name.partition(".")[0] for name in imported}
  assert roots - set(sys.stdlib_module_names) == {"numpy"}


def test_the_command_runs_where_jax_cannot_be_imported(tmp_path):
  from PIL import Image

  model = save(tmp_path / "model.npz", random_params(4, 1, classes=3))
  photo, out = tmp_path / "photo.png", tmp_path / "out.png"
  Image.fromarray(np.full((30, 40, 3), 128, np.uint8)).save(photo)
  code = (
    "import sys; sys.modules.update(jax=None, flax=None, absl=None); "
    "from akd_jax.interop import numpy_generator; numpy_generator.main()"
  )

  def run(setting):
    return subprocess.run(
      [sys.executable, "-c", code, model, str(photo), "--set", setting]
      + ["--out", str(out)],
      cwd=pathlib.Path(numpy_generator.__file__).parents[2],
      capture_output=True,
      text=True,
    )

  done = run("Blond_Hair=1")
  assert done.returncode == 0, done.stderr
  with Image.open(out) as picture:
    assert picture.size == (16, 16)
  for wrong, hint in (("Blond=1", "Blond_Hair"), ("Smiling", "NAME=1")):
    failed = run(wrong)
    assert failed.returncode == 2
    assert hint in failed.stderr and failed.stderr.count("\n") == 1
