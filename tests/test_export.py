"""What `akd_jax.export` writes is what the others can read."""

import json
import os
import pathlib
import subprocess
import sys
import types

import ml_collections
import numpy as np
import pytest
from flax import traverse_util
from PIL import Image

from akd_jax import export
from akd_jax.common.errors import UserError
from akd_jax.data.photos import images
from akd_jax.interop import numpy_generator, torch_stargan


@pytest.fixture(name="run")
def fixture_run():
  rng = np.random.default_rng(0)
  flat = {
    w.path: rng.normal(0, 0.2, w.our_shape()).astype(np.float32)
    for w in torch_stargan.generator_weights(width=4, blocks=1, classes=3)
  }
  return types.SimpleNamespace(
    config=ml_collections.ConfigDict(
      {
        "generator": {"width": 4, "blocks": 1},
        "data": {
          "name": "celeba",
          "image_size": 16,
          "label_rule": "multilabel",
          "crop": 20,
        },
      }
    ),
    attributes=("Blond_Hair", "Brown_Hair", "Smiling"),
    exclusive=(("Black_Hair", "Blond_Hair", "Brown_Hair"), ("Bald",)),
    generator=traverse_util.unflatten_dict(flat, sep="/"),
    step=7,
  )


def jax_generator(run, image, label):
  from akd_jax.models.stargan import Generator

  params = {"params": run.model.generator}
  return np.asarray(Generator(4, 1).apply(params, image, label)[0])


def inputs(batch):
  rng = np.random.default_rng(batch)
  image = rng.uniform(-1, 1, (batch, 16, 16, 3)).astype(np.float32)
  return image, np.eye(3, dtype=np.float32)[np.arange(batch) % 3]


def test_the_numpy_export_computes_what_jax_does(run, tmp_path):
  path = str(tmp_path / "model.npz")
  export.export_numpy(run, path)
  params, metadata = numpy_generator.load(path)
  assert metadata == {
    "format": 1,
    "architecture": {"name": "stargan", "width": 4, "blocks": 1},
    "image_size": 16,
    "crop": 20,
    "attributes": ["Blond_Hair", "Brown_Hair", "Smiling"],
    "label_rule": "multilabel",
    "exclusive": [["Blond_Hair", "Brown_Hair"]],
    "value_range": [-1, 1],
    "step": 7,
  }
  flat = traverse_util.flatten_dict(run.model.generator, sep="/")
  assert params.keys() == flat.keys()
  image, label = inputs(2)
  made = numpy_generator.generate(params, image, label)
  expected = jax_generator(run, image, label)
  np.testing.assert_allclose(made, expected, atol=1e-4)


def test_a_photo_is_seen_as_in_training(run, tmp_path):
  rng = np.random.default_rng(0)
  pixels = rng.integers(0, 256, (30, 40, 4), np.uint8)
  photo, model, out = (str(tmp_path / x) for x in ("p.png", "m.npz", "o.png"))
  Image.fromarray(pixels).save(photo)
  export.export_numpy(run, model)
  numpy_generator.main([model, photo, "--set", "Smiling=1", "--out", out])
  seen = images.load_image(photo, 20, 16)
  expected = jax_generator(
    run, seen[None] / np.float32(127.5) - 1, np.eye(3, dtype=np.float32)[2:]
  )
  difference = np.asarray(Image.open(out)) - (expected[0] + 1) * 127.5
  assert np.abs(difference).max() <= 0.51


def test_the_torch_export_reads_back(run, tmp_path):
  path = tmp_path / "model.npz"
  export.export_torch(run, str(path))
  with np.load(path, allow_pickle=False) as file:
    params = torch_stargan.generator_from_torch(dict(file))
  flat = traverse_util.flatten_dict(params, sep="/")
  for name, value in traverse_util.flatten_dict(
    run.model.generator, sep="/"
  ).items():
    np.testing.assert_array_equal(flat[name], value)


def test_a_pt_file_holds_tensors_and_needs_pytorch(run, tmp_path, monkeypatch):
  path = str(tmp_path / "model.pt")
  monkeypatch.setitem(sys.modules, "torch", None)
  with pytest.raises(UserError, match="needs PyTorch"):
    export.export_torch(run, path)
  saved = {}
  torch = types.SimpleNamespace(
    from_numpy=lambda array: ("tensor", array.shape),
    save=lambda state, where: saved.update({where: state}),
  )
  monkeypatch.setitem(sys.modules, "torch", torch)
  export.export_torch(run, path)
  assert saved[path]["main.0.weight"] == ("tensor", (4, 6, 7, 7))


def test_stablehlo_runs_at_any_batch_size(run, tmp_path):
  import jax

  path = str(tmp_path / "model.stablehlo")
  export.export_stablehlo(run, path)
  exported = jax.export.deserialize(pathlib.Path(path).read_bytes())
  for batch in (1, 3):
    image, label = inputs(batch)
    made = exported.call(image, label)
    expected = jax_generator(run, image, label)
    np.testing.assert_allclose(made, expected, atol=1e-5)
  about = json.loads(pathlib.Path(path + ".json").read_text())
  assert about == export.metadata(run)


@pytest.mark.parametrize("write", [export.export_numpy, export.export_torch])
def test_a_wrong_ending_is_refused(run, tmp_path, write):
  with pytest.raises(UserError, match="should end in .npz"):
    write(run, str(tmp_path / "model.onnx"))
  assert not os.listdir(tmp_path)


def test_the_command_prints_what_it_wrote(run, tmp_path, monkeypatch, capsys):
  from akd_jax.training import run_dir as runs

  out = str(tmp_path / "new" / "model.npz")
  args = types.SimpleNamespace(workdir="x", step=7, format="numpy", out=out)
  known = {("x", 7): run}
  monkeypatch.setattr(export.flags, "FLAGS", args)
  monkeypatch.setattr(runs, "load_run", lambda *asked: known[asked])
  export.main([])
  params, _ = numpy_generator.load(out)
  count = sum(x.size for x in params.values())
  printed = capsys.readouterr().out
  assert printed.startswith(out) and f"{count:,} parameters" in printed
  with pytest.raises(UserError, match="'student' is not a flag"):
    export.main(["student"])


def test_help_does_not_wait_for_jax():
  code = (
    "import sys, akd_jax.export; "
    "assert not {'jax', 'flax', 'tensorflow'} & set(sys.modules)"
  )
  root = pathlib.Path(export.__file__).parents[1]
  subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
