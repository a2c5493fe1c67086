"""What `akd_jax.export` writes is what the others can read."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import types
import zipfile

import jax
import numpy as np
import onnx
import pytest
import safetensors
from flax import traverse_util
from PIL import Image

from akd_jax import export
from akd_jax.common.errors import UserError
from akd_jax.configs import teacher
from akd_jax.configs.scales import changed
from akd_jax.data.photos import images
from akd_jax.inference import exports, stablehlo, torch_exports
from akd_jax.inference.description import describe
from akd_jax.inference.formats import FORMATS
from akd_jax.interop import (
  numpy_generator,
  numpy_program,
  torch_stargan,
  torch_writer,
)
from akd_jax.interop.torch_file import read_state_dict
from akd_jax.models import convolutions
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems.model import Model, Networks
from akd_jax.training import run_dir
from tests import onnx_runtime
from tests.layouts import error
from tests.stargan_weights import random_discriminator, random_generator


@pytest.fixture(name="run")
def fixture_run():
  flat = {
    "generator": random_generator(4, 1, classes=3),
    "discriminator": random_discriminator(4, 2, classes=3, size=4),
  }
  config = changed(
    teacher.get_config("celeba"),
    {
      "generator.width": 4,
      "generator.blocks": 1,
      "discriminator.width": 4,
      "discriminator.layers": 2,
      "data.image_size": 16,
      "data.crop": 20,
      "data.attributes": ("Blond_Hair", "Brown_Hair", "Smiling"),
    },
  )
  config.data.exclusive = (
    ("Black_Hair", "Blond_Hair", "Brown_Hair"), ("Bald",),
  )  # fmt: skip
  return types.SimpleNamespace(
    config=config,
    attributes=("Blond_Hair", "Brown_Hair", "Smiling"),
    exclusive=(("Black_Hair", "Blond_Hair", "Brown_Hair"), ("Bald",)),
    step=7,
    model=Model(
      **{k: traverse_util.unflatten_dict(v, sep="/") for k, v in flat.items()},
      networks=Networks(Generator(4, 1), Discriminator(4, 2, 3)),
    ),
  )


@pytest.fixture(name="blend")
def fixture_blend(run):
  """The same run, but that its generator copies parts of the picture."""
  run.config.generator.output = "blend"
  kernel = run.model.generator["output"]["kernel"]
  mask = np.random.default_rng(0).normal(size=(*kernel.shape[:3], 1))
  run.model.generator["output"]["kernel"] = np.append(
    kernel, mask.astype(np.float32), axis=3
  )
  networks = Networks(Generator(4, 1, output="blend"), Discriminator(4, 2, 3))
  run.model = run.model.replace(networks=networks)
  return run


@functools.cache
def compiled(generator):
  return jax.jit(generator.apply)


def jax_generator(run, image, label):
  apply = compiled(run.model.networks.generator)
  return np.asarray(apply({"params": run.model.generator}, image, label)[0])


def inputs(batch):
  rng = np.random.default_rng(batch)
  image = rng.uniform(-1, 1, (batch, 16, 16, 3)).astype(np.float32)
  return image, np.eye(3, dtype=np.float32)[np.arange(batch) % 3]


def test_the_numpy_export_computes_what_jax_does(run, tmp_path):
  path = str(tmp_path / "model.npz")
  exports.export_numpy(run, path)
  params, metadata = numpy_generator.load(path)
  assert metadata == {
    "format": 1,
    "system": "stargan",
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


def test_the_numpy_export_of_a_blend_copies_what_jax_copies(blend, tmp_path):
  path = str(tmp_path / "model.npz")
  exports.export_numpy(blend, path)
  params, metadata = numpy_generator.load(path)
  # Earlier runtimes read format 1 alone, and say so.
  assert metadata["format"] == 2
  assert metadata["architecture"]["output"] == "blend"
  image, label = inputs(2)
  made = numpy_generator.generate(params, image, label)
  np.testing.assert_allclose(
    made, jax_generator(blend, image, label), atol=1e-4
  )


def test_a_resizing_generator_is_written_as_one_of_released_stargan(
  run, tmp_path
):
  run.config.generator.upsample = "resize"
  networks = Networks(
    Generator(4, 1, upsample="resize"), Discriminator(4, 2, 3)
  )
  run.model = run.model.replace(networks=networks)
  rng = np.random.default_rng(0)
  for i, (channels, features) in enumerate([(16, 8), (8, 4)]):
    kernel = rng.normal(size=(3, 3, channels, features)).astype(np.float32)
    run.model.generator[f"decoder_{i}"]["conv"] = {"resize_kernel": kernel}
  exports.export_numpy(run, str(tmp_path / "model.npz"))
  params, metadata = numpy_generator.load(str(tmp_path / "model.npz"))
  assert metadata["architecture"] == {
    "name": "stargan", "width": 4, "blocks": 1,
  }  # fmt: skip
  image, label = inputs(2)
  np.testing.assert_allclose(
    numpy_generator.generate(params, image, label),
    jax_generator(run, image, label),
    atol=1e-4,
  )
  torch_exports.export_torch(run, str(tmp_path / "g.npz"))
  with np.load(tmp_path / "g.npz") as released:
    read = torch_stargan.generator_from_torch(released)
  assert traverse_util.flatten_dict(read, sep="/").keys() == params.keys()


def test_a_blend_is_no_network_of_released_stargan(blend, tmp_path):
  for name in ("g.pt", "g.npz"):
    with pytest.raises(UserError) as refused:
      torch_exports.export_torch(blend, str(tmp_path / name))
    message = str(refused.value)
    assert "config.generator.output is 'blend'" in message
    assert "name a folder" in message and "\n" not in message
  assert not os.listdir(tmp_path)


def test_what_released_code_cannot_draw_brings_its_own(blend, tmp_path):
  torch_exports.export_torch(blend, str(tmp_path / "folder"))
  code, network = sorted(os.listdir(tmp_path / "folder"), reverse=True)
  assert (code, network) == ("torch_program.py", "network.npz")
  params, metadata = numpy_program.load(str(tmp_path / "folder" / network))
  image, label = inputs(2)
  np.testing.assert_allclose(
    numpy_program.generate(metadata, params, image, label),
    jax_generator(blend, image, label),
    atol=1e-4,
  )


def test_a_photo_is_seen_as_in_training(run, tmp_path):
  rng = np.random.default_rng(0)
  pixels = rng.integers(0, 256, (30, 40, 4), np.uint8)
  photo, model, out = (str(tmp_path / x) for x in ("p.png", "m.npz", "o.png"))
  Image.fromarray(pixels).save(photo)
  exports.export_numpy(run, model)
  numpy_generator.main([model, photo, "--set", "Smiling=1", "--out", out])
  seen = images.load_image(photo, 20, 16)
  expected = jax_generator(
    run, seen[None] / np.float32(127.5) - 1, np.eye(3, dtype=np.float32)[2:]
  )
  difference = np.asarray(Image.open(out)) - (expected[0] + 1) * 127.5
  assert np.abs(difference).max() <= 0.51


@pytest.mark.parametrize("name", ["g.npz", "g.ckpt", "g.pt", "g.pth"])
def test_the_torch_export_reads_back(run, tmp_path, name):
  path = tmp_path / name
  assert torch_exports.export_torch(run, str(path)) == [str(path)]
  assert os.listdir(tmp_path) == [name]
  params = torch_stargan.generator_from_torch(read_state_dict(path))
  assert_same_tree(params, run.model.generator)


def assert_same_tree(found, expected):
  found, expected = (
    traverse_util.flatten_dict(x, sep="/") for x in (found, expected)
  )
  assert found.keys() == expected.keys()
  for name, value in expected.items():
    np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("name", ["models", "new.models/", "made/before"])
def test_a_directory_gets_both_networks_under_the_released_names(
  run, tmp_path, name
):
  folder = tmp_path / name
  torch_exports.export_torch(run, f"{tmp_path}/{name}")
  assert sorted(os.listdir(folder)) == [
    "7-D.ckpt",
    "7-G.ckpt",
    "7-README.txt",
  ]
  params = torch_stargan.generator_from_torch(
    read_state_dict(folder / "7-G.ckpt")
  )
  assert_same_tree(params, run.model.generator)
  params = torch_stargan.discriminator_from_torch(
    read_state_dict(folder / "7-D.ckpt")
  )
  assert_same_tree(params, run.model.discriminator)
  note = (folder / "7-README.txt").read_text()
  for option in ("--c_dim=3", "--g_repeat_num=1", "--test_iters=7"):
    assert option in note


def test_an_existing_directory_may_have_any_name(run, tmp_path):
  folder = tmp_path / "models.v2"
  folder.mkdir()
  torch_exports.export_torch(run, str(folder))
  assert len(os.listdir(folder)) == 3


def test_what_eval_needs_stands_in_the_file_and_in_help(run, tmp_path):
  lines = torch_stargan.EVAL_LINES
  assert len(lines) == 2
  for name in ("g.npz", "g.pt"):
    torch_exports.export_torch(run, str(tmp_path / name))
    with zipfile.ZipFile(tmp_path / name) as archive:
      note = archive.comment.decode()
    for line in lines:
      assert line in note and line in export.__doc__


def load_lowered(path):
  exported = jax.export.deserialize(pathlib.Path(path).read_bytes())
  return exported, str(exported.mlir_module())


def test_stablehlo_runs_at_any_batch_size(run, tmp_path):
  path = str(tmp_path / "model.stablehlo")
  assert stablehlo.export_stablehlo(run, path) == [path, path + ".json"]
  exported = load_lowered(path)[0]
  assert exported.platforms == ("cpu", "cuda", "tpu")
  for batch in (1, 3):
    image, label = inputs(batch)
    made = exported.call(image, label)
    expected = jax_generator(run, image, label)
    np.testing.assert_allclose(made, expected, atol=1e-5)
  about = json.loads(pathlib.Path(path + ".json").read_text())
  assert about == describe(run)


def test_a_folder_is_no_file_to_write(run, tmp_path):
  (tmp_path / "model.onnx").mkdir()
  message = error(exports.export_onnx, run, str(tmp_path / "model.onnx"))
  assert "is a folder: name a file" in message


def test_stablehlo_of_a_blend_is_the_network(blend, tmp_path):
  path = str(tmp_path / "model.stablehlo")
  stablehlo.export_stablehlo(blend, path)
  image, label = inputs(2)
  np.testing.assert_allclose(
    load_lowered(path)[0].call(image, label),
    jax_generator(blend, image, label),
    atol=1e-5,
  )
  about = json.loads(pathlib.Path(path + ".json").read_text())
  assert about["architecture"]["output"] == "blend"


def test_stablehlo_is_the_same_wherever_it_was_written(
  run, tmp_path, monkeypatch
):
  written = []
  for on_cpu in (True, False):
    monkeypatch.setattr(convolutions, "on_cpu", lambda on_cpu=on_cpu: on_cpu)
    path = tmp_path / f"{on_cpu}.stablehlo"
    stablehlo.export_stablehlo(run, str(path))
    written.append(path.read_bytes())
  assert written[0] == written[1]
  root = pathlib.Path(export.__file__).parents[1]
  assert str(root).encode() not in written[0]


def test_stablehlo_has_the_forms_of_a_cpu_and_the_plain_ones(run, tmp_path):
  path = str(tmp_path / "model.stablehlo")
  stablehlo.export_stablehlo(run, path)
  text = load_lowered(path)[1]
  # The first layer's kernel, plain: 7 pixels wide, 3 colours and 3 labels. On a
  # CPU it is folded: 5 blocks of 2x2 pixels of 3 colours.
  for kernel in ("7x7x6x4", "5x5x12x16"):
    assert re.search(rf"stablehlo\.convolution.*tensor<{kernel}xf32>\)", text)


@pytest.mark.parametrize("kind", ["run", "blend"])
def test_onnx_runs_elsewhere_at_any_batch_and_size(request, tmp_path, kind):
  run = request.getfixturevalue(kind)
  path = str(tmp_path / "model.onnx")
  exports.export_onnx(run, path)
  rng = np.random.default_rng(2)
  for count, size in ((1, 16), (3, 16), (1, 24), (3, 24)):
    label = rng.integers(0, 2, (count, 3)).astype(np.float32)
    image = rng.uniform(-1, 1, (count, size, size, 3)).astype(np.float32)
    expected = jax_generator(run, image, label)
    found = onnx_runtime.run(path, image, label=label)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_an_onnx_model_says_what_it_is(run, tmp_path):
  path = str(tmp_path / "model.onnx")
  exports.export_onnx(run, path)
  model = onnx.load(path)
  onnx.checker.check_model(model, full_check=True)
  assert [(x.domain, x.version) for x in model.opset_import] == [("", 17)]
  assert [x.name for x in model.graph.input] == ["image", "label"]
  about = {x.key: x.value for x in model.metadata_props}
  assert json.loads(about["akd_jax"]) == describe(run)


def test_safetensors_are_the_arrays_by_path(run, tmp_path):
  path = str(tmp_path / "model.safetensors")
  exports.export_safetensors(run, path)
  expected = traverse_util.flatten_dict(run.model.generator, sep="/")
  with safetensors.safe_open(path, "np") as file:
    assert json.loads(file.metadata()["akd_jax"]) == describe(run)
    assert set(file.keys()) == set(expected)
    for name, array in expected.items():
      np.testing.assert_array_equal(file.get_tensor(name), array)


@pytest.mark.parametrize(
  "write",
  [exports.export_numpy, torch_exports.export_torch, exports.export_run],
)
def test_a_wrong_ending_is_refused(run, tmp_path, write):
  with pytest.raises(UserError, match="should end in .*.npz"):
    write(run, str(tmp_path / "model.onnx"))
  assert not os.listdir(tmp_path)


class FullDisk(OSError):
  pass


@pytest.mark.parametrize(
  ("name", "out", "failing"),
  [
    ("numpy", "model.npz", (np, "savez")),
    ("torch", "model.npz", (np, "savez")),
    ("torch", "model.pt", (torch_writer, "_write")),
    ("stablehlo", "model.stablehlo", (json, "dumps")),
    ("run", "model.npz", (np, "savez_compressed")),
  ],
)
def test_what_was_there_stays_when_writing_fails(
  run, tmp_path, monkeypatch, name, out, failing
):
  path = tmp_path / out
  path.write_bytes(b"before")

  def fail(*args, **kwargs):
    if hasattr(args[0], "write"):
      args[0].write(b"half of it")
    raise FullDisk

  monkeypatch.setattr(*failing, fail)
  with pytest.raises(FullDisk):
    FORMATS[name](run, str(path))
  assert path.read_bytes() == b"before"
  assert os.listdir(tmp_path) == [out]


def test_of_two_networks_both_appear_or_none(run, tmp_path, monkeypatch):
  write, count = torch_writer.write_state_dict, []

  def fail_at_the_second(*args):
    count.append(write(*args))
    if len(count) > 1:
      raise FullDisk

  monkeypatch.setattr(torch_writer, "write_state_dict", fail_at_the_second)
  with pytest.raises(FullDisk):
    torch_exports.export_torch(run, str(tmp_path / "models"))
  assert not os.listdir(tmp_path / "models")


@pytest.mark.parametrize("output", ["run", "blend"])
def test_a_run_reads_back_in_half_precision(output, request, tmp_path):
  run = request.getfixturevalue(output)
  path = str(tmp_path / "run.npz")
  assert exports.export_run(run, path) == [path]
  back = run_dir.load_run(path)
  assert back.step == 7 and back.attributes == run.attributes
  generator = run.model.networks.generator
  assert back.model.networks.generator == generator
  for name in ("generator", "discriminator"):
    half = jax.tree.map(
      lambda x: x.astype(np.float16).astype(np.float32),
      getattr(run.model, name),
    )
    assert_same_tree(getattr(back.model, name), half)


@pytest.fixture(name="export_with")
def fixture_export_with(run, monkeypatch):
  """Runs the command on a workdir "x" whose checkpoint 7 is `run`."""

  def export_with(**changes):
    flags = {
      "workdir": "x", "step": "7", "format": "numpy", "onnxruntime": "",
    } | changes  # fmt: skip
    known = {("x", step): run for step in (7, None, "best")}
    monkeypatch.setattr(export.flags, "FLAGS", types.SimpleNamespace(**flags))
    monkeypatch.setattr(run_dir, "load_run", lambda *asked: known[asked])
    export.main([])

  return export_with


def test_the_command_prints_what_it_wrote(export_with, tmp_path, capsys):
  out = str(tmp_path / "new" / "model.npz")
  export_with(out=out)
  params, _ = numpy_generator.load(out)
  count = sum(x.size for x in params.values())
  printed = capsys.readouterr().out
  assert printed.startswith(out) and f"{count:,} parameters" in printed
  export_with(out=out, step="best")
  export_with(out=str(tmp_path / "models"), format="torch", step=None)
  printed = capsys.readouterr().out
  assert all(line in printed for line in torch_stargan.EVAL_LINES)


def test_what_is_no_flag_and_no_step_is_named(export_with, tmp_path):
  with pytest.raises(UserError, match="'student' is no flag"):
    export.main(["student"])
  for step in ("last", "-1", "7.5", ""):
    with pytest.raises(UserError, match=f"--step={step} "):
      export_with(out=str(tmp_path / "model.npz"), step=step)
  with pytest.raises(UserError, match="--onnxruntime belongs to --format=web"):
    export_with(out=str(tmp_path / "model.npz"), onnxruntime="x.tgz")
  assert not os.listdir(tmp_path)


def test_what_is_exported_is_not_written_over(export_with, tmp_path):
  teacher = tmp_path / "t.npz"
  teacher.write_text("both networks")
  (tmp_path / "same.npz").symlink_to(teacher)
  for name in ("t.npz", "same.npz", "./t.npz"):
    with pytest.raises(UserError, match=f"--out=.*{name} is --workdir too, an"):
      export_with(workdir=str(teacher), step=None, out=f"{tmp_path}/{name}")
  assert teacher.read_text() == "both networks"


def test_help_does_not_wait_for_jax():
  code = (
    "import sys, akd_jax.export; "
    "assert not {'jax', 'flax', 'tensorflow'} & set(sys.modules)"
  )
  root = pathlib.Path(export.__file__).parents[1]
  subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_a_folder_with_the_network_is_not_written_into(export_with, tmp_path):
  # A blend's folder gets a network.npz.
  with pytest.raises(UserError, match="is the folder of --workdir="):
    export_with(
      workdir=str(tmp_path / "network.npz"), format="torch", out=str(tmp_path)
    )


def test_what_is_shipped_is_in_no_folder_of_the_user_s(
  run, tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  flags = {
    "workdir": "pretrained:avatars", "step": None, "format": "torch",
    "onnxruntime": "", "out": ".",
  }  # fmt: skip
  monkeypatch.setattr(export.flags, "FLAGS", types.SimpleNamespace(**flags))
  monkeypatch.setattr(run_dir, "load_run", lambda *_: run)
  export.main([])
  assert (tmp_path / "7-G.ckpt").exists()


@pytest.mark.parametrize(
  "name", ["config.json", "evaluation.json", "versions.json", "second.npz"]
)
def test_no_file_of_a_run_is_written_over(run, tmp_path, name):
  run_dir.write_config(run.config, str(tmp_path))
  before = (tmp_path / "config.json").read_text()
  path = tmp_path / name
  with pytest.raises(
    UserError, match=f"^{path} is the run's own: name another"
  ):
    exports.write_files({str(tmp_path / "other"): print, str(path): print})
  assert [x.name for x in tmp_path.iterdir()] == ["config.json"]
  assert (tmp_path / "config.json").read_text() == before
  # Elsewhere it is a name like others.
  elsewhere = str(tmp_path / "new" / name)
  exports.write_files({elsewhere: lambda file: file.write(b"{}")})
