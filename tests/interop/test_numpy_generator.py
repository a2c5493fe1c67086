"""The runtime that needs only NumPy."""

import ast
import copy
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib

import jax
import numpy as np
import pytest
from flax import traverse_util
from PIL import Image

from akd_jax.data.photos import images
from akd_jax.interop import numpy_generator, torch_stargan
from akd_jax.models.stargan import Generator
from tests.stargan_weights import (
  GOLDEN_NAMES,
  golden,
  random_generator,
  state_dict,
)

METADATA = {
  "format": 1,
  "system": "stargan",
  "architecture": {"name": "stargan", "width": 4, "blocks": 1},
  "image_size": 16,
  "crop": 20,
  "attributes": ["Black_Hair", "Blond_Hair", "Smiling"],
  "label_rule": "multilabel",
  "exclusive": [["Black_Hair", "Blond_Hair"]],
  "value_range": [-1, 1],
  "step": 0,
}


def save(path, params, metadata=METADATA):
  np.savez(path, **params, metadata=np.array(json.dumps(metadata)))
  return str(path)


def make_with_jax(params, width, blocks, image, label):
  params = {"params": traverse_util.unflatten_dict(params, sep="/")}
  run = jax.jit(Generator(width, blocks).apply)
  return np.asarray(run(params, image, label)[0])


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
  made = numpy_generator.upsample(x, weight.transpose(2, 3, 1, 0))
  np.testing.assert_allclose(made, padded[1:-1, 1:-1], atol=1e-5)


@pytest.mark.parametrize("width, blocks, size", [(4, 1, 16), (6, 3, 20)])
def test_the_runtime_equals_the_jax_generator(width, blocks, size):
  params = random_generator(width, blocks, classes=3)
  rng = np.random.default_rng(1)
  image = rng.uniform(-1, 1, (2, size, size + 8, 3)).astype(np.float32)
  label = np.array([[1, 0, 1], [0, 1, 0]], np.float32)
  expected = make_with_jax(params, width, blocks, image, label)
  made = numpy_generator.generate(params, image, label)
  np.testing.assert_allclose(made, expected, atol=1e-4)


def test_a_blend_copies_where_its_mask_says_so():
  params = random_generator(4, 1, classes=3)
  rng = np.random.default_rng(1)
  # The mask saturates at both ends.
  mask = 40 * rng.normal(size=(7, 7, 4, 1)).astype(np.float32)
  params["output/kernel"] = np.append(params["output/kernel"], mask, axis=3)
  image = rng.uniform(-1, 1, (2, 16, 24, 3))  # float64, as anyone may give
  label = np.array([[1, 0, 1], [0, 1, 0]], np.float32)
  expected, activations = jax.jit(Generator(4, 1, output="blend").apply)(
    {"params": traverse_util.unflatten_dict(params, sep="/")},
    image.astype(np.float32),
    label,
  )
  with np.errstate(all="raise", under="ignore"):
    made = numpy_generator.generate(params, image, label)
  assert made.dtype == np.float32
  np.testing.assert_allclose(made, expected, atol=1e-4)
  copied = activations["mask"][..., 0] == 1
  assert 0 < copied.sum() < copied.size
  np.testing.assert_allclose(made[copied], image[copied], atol=1e-6)


def test_flat_areas_of_large_pictures_stay_exact():
  # One grey: a channel's variance is next to nothing, and the error of its mean
  # is magnified 300 times.
  params = random_generator(2, 1, classes=2)
  image = np.full((1, 256, 256, 3), 0.9, np.float32)
  label = np.eye(2, dtype=np.float32)[:1]
  made = numpy_generator.generate(params, image, label)
  expected = make_with_jax(params, 2, 1, image, label)
  assert made.dtype == np.float32
  # Grey levels: 1.5 with means in float32 (8.5 at 512 pixels), now 0.001.
  assert np.abs(made - expected).max() * 127.5 < 0.01


def test_photos_keep_their_shape_and_do_not_depend_on_their_batch():
  params = random_generator(4, 1, classes=3)
  photos = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
  label = numpy_generator.make_label(METADATA, {"Smiling": 1})
  batch = numpy_generator.translate(params, METADATA, photos, label)
  one = numpy_generator.translate(params, METADATA, photos[1], label)
  assert batch.dtype == one.dtype == np.uint8
  assert batch.shape == photos.shape and one.shape == photos[1].shape
  np.testing.assert_array_equal(batch[1], one)


def test_bad_images_are_refused_with_their_shape():
  params = random_generator(4, 1, classes=3)
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
  def message(path):
    with pytest.raises(ValueError, match=str(path)) as error:
      numpy_generator.load(str(path))
    assert "\n" not in str(error.value)
    return str(error.value)

  text = tmp_path / "text.npz"
  text.write_text("no zip")
  assert "no exported generator: it is no .npz" in message(text)
  bare = tmp_path / "bare.npz"
  np.savez(bare, x=np.zeros(1))
  assert "metadata" in message(bare)
  newer = save(tmp_path / "newer.npz", {}, METADATA | {"format": 3})
  assert "has format 3 of 'stargan'" in message(newer)
  other = save(tmp_path / "other.npz", {}, METADATA | {"system": "attgan"})
  assert "has format 1 of 'attgan'" in message(other)
  whole = pathlib.Path(newer).read_bytes()
  half = tmp_path / "half.npz"
  half.write_bytes(whole[: len(whole) // 2])
  message(half)
  damaged = tmp_path / "damaged.npz"
  damaged.write_bytes(whole.replace(b"multilabel", b"multimabel"))
  message(damaged)


KERNEL = "residual_0/conv_0/kernel"
HOSTILE = {
  "nan": lambda p, m: ({**p, KERNEL: p[KERNEL] * np.nan}, m),
  "infinite": lambda p, m: ({**p, KERNEL: p[KERNEL] + np.inf}, m),
  "shape": lambda p, m: ({**p, KERNEL: p[KERNEL][:-1]}, m),
  "scalar norm": lambda p, m: (
    {**p, "decoder_0/norm/scale": np.ones(1, np.float32)}, m
  ),
  "missing": lambda p, m: ({k: v for k, v in p.items() if k != KERNEL}, m),
  "one more": lambda p, m: ({**p, "x/conv_0/kernel": p[KERNEL]}, m),
  "only another": lambda p, m: ({**p, "x": np.zeros(3)}, m),
  "blocks": lambda p, m: (
    p, {**m, "architecture": {**m["architecture"], "blocks": 2}}
  ),
  "endless blocks": lambda p, m: (
    p, {**m, "architecture": {**m["architecture"], "blocks": 2**40}}
  ),
  "range": lambda p, m: (p, {**m, "value_range": [0, 1]}),
  "attributes": lambda p, m: (p, {**m, "attributes": []}),
  "one attribute more": lambda p, m: (
    p, {**m, "attributes": [*m["attributes"], "x"]}
  ),
  "size": lambda p, m: (p, {**m, "image_size": -4}),
  "size that takes gigabytes": lambda p, m: (p, {**m, "image_size": 4100}),
  "size that is no multiple": lambda p, m: (p, {**m, "image_size": 18}),
  "crop": lambda p, m: (p, {**m, "crop": 1.5}),
  "rule": lambda p, m: (p, {**m, "label_rule": "other"}),
  "groups of others": lambda p, m: (p, {**m, "exclusive": [["nobody"]]}),
  "numbers for names": lambda p, m: (p, {**m, "attributes": [1, 2, 3]}),
  "a name twice": lambda p, m: (p, {**m, "attributes": ["a", "a", "b"]}),
  "complex": lambda p, m: ({**p, KERNEL: p[KERNEL].astype("c8")}, m),
  "axis": lambda p, m: ({**p, KERNEL: p[KERNEL][..., None]}, m),
  "list": lambda p, m: (p, [m]),
  "text": lambda p, m: ({**p, KERNEL: np.full(p[KERNEL].shape, "a")}, m),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_of_its_architecture_is_refused(tmp_path, name):
  params, metadata = HOSTILE[name](random_generator(4, 1, 3), METADATA)
  path = save(tmp_path / "model.npz", params, metadata)
  with pytest.raises(ValueError, match=f"^{path} is no exported") as error:
    numpy_generator.load(path)
  assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["x.npy", "metadata.npy"])
def test_a_bomb_is_refused_before_it_grows(tmp_path, name):
  path = save(tmp_path / "model.npz", random_generator(4, 1, 3))
  with zipfile.ZipFile(path) as archive:
    members = {x: archive.read(x) for x in archive.namelist()}
  members[name] = bytes(2**28)
  with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    for member, content in members.items():
      archive.writestr(member, content)
  with pytest.raises(ValueError, match="would grow out of all proportion"):
    numpy_generator.load(path)


def test_zeros_that_its_metadata_ask_for_are_not_unpacked(
  tmp_path, monkeypatch
):
  path, width = tmp_path / "model.npz", 700
  architecture = {"name": "stargan", "width": width, "blocks": 1}
  numbers = numpy_generator.count_numbers(
    METADATA | {"architecture": architecture}
  )
  about = METADATA | {"architecture": architecture}
  np.savez_compressed(
    path,
    x=np.zeros(numbers // 20, np.float32),
    metadata=np.array(json.dumps(about)),
  )
  assert path.stat().st_size < numbers // 1000
  with monkeypatch.context() as patch:
    patch.setattr(zipfile.ZipFile, "testzip", lambda _: pytest.fail("read"))
    with pytest.raises(ValueError, match="would grow out of all proportion"):
      numpy_generator.load(str(path))


def test_members_that_share_their_bytes_do_not_count_twice(tmp_path):
  path = pathlib.Path(save(tmp_path / "model.npz", random_generator(4, 1, 3)))
  with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("x", bytes(2**24))
    (first,) = [x for x in archive.infolist() if x.filename == "x"]
    for i in range(100):
      other = copy.copy(first)
      other.filename = f"x{i}"
      archive.filelist.append(other)
      archive.NameToInfo[other.filename] = other
  with pytest.raises(ValueError, match="would grow out of all proportion"):
    numpy_generator.load(str(path))


def test_small_weights_may_be_deflated(tmp_path):
  path, params = str(tmp_path / "model.npz"), random_generator(4, 1, 3)
  about = np.array(json.dumps(METADATA))
  np.savez_compressed(path, **params, metadata=about)
  found, _ = numpy_generator.load(path)
  np.testing.assert_array_equal(found[KERNEL], params[KERNEL])


def test_a_flipped_bit_is_no_other_weight(tmp_path):
  path = tmp_path / "model.npz"
  params = random_generator(4, 1, 3)
  whole = pathlib.Path(save(path, params)).read_bytes()
  rng = np.random.default_rng(0)
  refused = 0
  for position in rng.integers(0, 8 * len(whole), 100):
    damaged = bytearray(whole)
    damaged[position // 8] ^= 1 << position % 8
    path.write_bytes(damaged)
    try:
      found, _ = numpy_generator.load(str(path))
    except ValueError:
      refused += 1
    else:
      for name, value in params.items():
        np.testing.assert_array_equal(found[name], value)
  assert refused > 50


def test_files_without_a_system_are_of_stargan(tmp_path):
  old = {k: v for k, v in METADATA.items() if k != "system"}
  path = save(tmp_path / "old.npz", random_generator(4, 1, 3), old)
  assert numpy_generator.load(path)[1]["system"] == "stargan"


def test_pickled_arrays_are_never_loaded(tmp_path):
  path = save(tmp_path / "evil.npz", {"x": np.array([{}], object)})
  with pytest.raises(ValueError, match="allow_pickle"):
    numpy_generator.load(path)


def draw(mode, size):
  """A picture that no two pixels and no two channels of which are alike."""
  rng = np.random.default_rng(0)
  width, height = size
  if mode == "I;16":
    return Image.fromarray(rng.integers(0, 2**16, (height, width), np.uint16))
  pixels = rng.integers(0, 256, (height, width, 4), np.uint8)
  rgba = Image.fromarray(pixels)
  if mode == "P":
    return rgba.convert("RGB").quantize(32)
  return rgba if mode == "RGBA" else rgba.convert("RGB").convert(mode)


ALPHA = bytes(range(0, 256, 8))
# (mode, size, ending, options of saving); "exif" is an orientation.
PHOTOS = {
  "rgb": ("RGB", (40, 30), "png", {}),
  "grey": ("L", (40, 30), "png", {}),
  "grey and alpha": ("LA", (40, 30), "png", {}),
  "palette": ("P", (40, 30), "png", {}),
  "transparent colour": ("P", (40, 30), "png", {"transparency": 3}),
  "palette with alpha": ("P", (40, 30), "png", {"transparency": ALPHA}),
  "transparent grey": ("L", (40, 30), "png", {"transparency": 7}),
  "rgba": ("RGBA", (40, 30), "png", {}),
  "webp": ("RGBA", (40, 30), "webp", {"lossless": True}),
  "cmyk": ("CMYK", (40, 30), "jpg", {}),
  "16 bits": ("I;16", (40, 30), "png", {}),
  "1 bit": ("1", (40, 30), "png", {}),
  "turned": ("RGB", (40, 30), "jpg", {"exif": 6}),
  "mirrored": ("RGB", (40, 30), "png", {"exif": 2}),
  "16 bits, turned": ("I;16", (40, 30), "png", {"exif": 8}),
  "small": ("RGB", (7, 9), "png", {}),
  "one pixel": ("LA", (1, 1), "png", {}),
  "wide": ("RGB", (300, 21), "png", {}),
  "tall": ("L", (19, 200), "png", {}),
}


@pytest.mark.parametrize("crop", [20, 0])
@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_is_read_as_in_training(tmp_path, name, crop):
  mode, size, ending, options = PHOTOS[name]
  if "exif" in options:
    exif = Image.Exif()
    exif[0x0112] = options["exif"]
    options = {"exif": exif}
  path = str(tmp_path / f"photo.{ending}")
  draw(mode, size).save(path, **options)
  seen = numpy_generator.load_photo(path, METADATA | {"crop": crop})
  assert seen.dtype == np.uint8 and seen.flags.writeable
  np.testing.assert_array_equal(seen, images.load_image(path, crop, 16))


def test_photos_are_read_where_pillow_has_no_avif(tmp_path, monkeypatch):
  Image.init()
  monkeypatch.delitem(Image.OPEN, "AVIF", raising=False)
  path = str(tmp_path / "photo.png")
  draw("RGB", (40, 30)).save(path)
  assert numpy_generator.load_photo(path, METADATA).shape == (16, 16, 3)


def test_16_bits_of_grey_are_scaled(tmp_path):
  path = str(tmp_path / "photo.png")
  Image.fromarray(np.full((20, 20), 100 * 256, np.uint16)).save(path)
  assert (numpy_generator.load_photo(path, METADATA) == 100).all()


def test_a_photo_that_cannot_be_read_is_named(tmp_path):
  path = tmp_path / "photo.png"
  with pytest.raises(ValueError, match=f"{path}: No such file"):
    numpy_generator.load_photo(str(path), METADATA)
  draw("RGB", (40, 30)).save(path)
  whole = path.read_bytes()
  for damaged in (b"no picture", whole[: len(whole) // 2], b""):
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=str(path)) as error:
      numpy_generator.load_photo(str(path), METADATA)
    assert "\n" not in str(error.value)


def test_a_photo_that_is_too_large_is_told_what_to_become(tmp_path):
  path = tmp_path / "photo.png"
  draw("RGB", (40, 30)).save(path)
  content = path.read_bytes()
  header = b"IHDR" + struct.pack(">II", 20_000, 20_000) + content[24:29]
  path.write_bytes(
    content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]
  )
  with pytest.raises(ValueError, match=r"more than 178 megapixels: make it sm"):
    numpy_generator.load_photo(str(path), METADATA)


@pytest.fixture(name="asked")
def fixture_asked(tmp_path, monkeypatch):
  """Arguments of the script, but for --out, in a folder of its own."""
  monkeypatch.chdir(tmp_path)
  save(tmp_path / "model.npz", random_generator(4, 1, classes=3))
  draw("RGB", (40, 30)).save(tmp_path / "me.part.png")
  return ["model.npz", "me.part.png", "--set", "Smiling=1"]


def refusal(capsys, *arguments):
  with pytest.raises(SystemExit) as ended:
    numpy_generator.main(arguments)
  assert ended.value.code == 2
  return capsys.readouterr().err


def test_a_file_that_is_no_export_is_told_what_it_lacks(tmp_path):
  path = tmp_path / "run.npz"
  np.savez(path, config=np.array("{}"), step=np.array(1))
  with pytest.raises(
    ValueError, match=f"^{path} is .*: it has no metadata: ex"
  ):
    numpy_generator.load(str(path))


def test_no_photo_is_taken_for_a_file_of_the_script_s_own(asked, tmp_path):
  before = (tmp_path / "me.part.png").read_bytes()
  numpy_generator.main([*asked, "--out", "me.png"])
  assert (tmp_path / "me.part.png").read_bytes() == before
  names = sorted(path.name for path in tmp_path.iterdir())
  assert names == ["me.part.png", "me.png", "model.npz"]


def test_what_cannot_be_written_is_named_as_it_was_given(
  asked, tmp_path, capsys
):
  (tmp_path / "folder.png").mkdir()
  for out, reason in (
    ("nodir/o.png", "No such file or directory"),
    ("folder.png", "Is a directory"),
  ):
    said = refusal(capsys, *asked, "--out", out)
    assert said == f"error: cannot save {out}: {reason}\n"
  assert len(list(tmp_path.iterdir())) == 3


def test_nothing_is_asked_for_as_0_and_as_1(asked, tmp_path, capsys):
  for more in (["--set", "Smiling=0"], ["--from", "x=0", "--from", "x=1"]):
    said = refusal(capsys, *asked, *more, "--out", "o.png")
    assert "should be NAME=1 or NAME=0, and not both" in said
  assert not (tmp_path / "o.png").exists()


def test_the_file_stands_alone(tmp_path):
  source = pathlib.Path(numpy_generator.__file__)
  tree = ast.parse(source.read_text())

  def roots(nodes):
    names = []
    for node in nodes:
      if isinstance(node, ast.Import):
        names += [alias.name for alias in node.names]
      elif isinstance(node, ast.ImportFrom):
        names.append(node.module)
    return {x.partition(".")[0] for x in names} - set(sys.stdlib_module_names)

  assert roots(tree.body) == {"numpy"}
  assert roots(ast.walk(tree)) == {"numpy", "PIL"}
  model = save(tmp_path / "model.npz", random_generator(4, 1, classes=3))
  photo, out = tmp_path / "photo.png", tmp_path / "out.png"
  draw("RGB", (40, 30)).save(photo)
  command = [sys.executable, "-I", shutil.copy(source, tmp_path / "runs.py")]
  command += [model, str(photo), "--out", str(out), "--set"]

  def run(setting):
    return subprocess.run([*command, setting], capture_output=True, text=True)

  done = run("Blond_Hair=1")
  assert done.returncode == 0, done.stderr
  with Image.open(out) as picture:
    assert picture.size == (16, 16)
  # What the photo has is kept where it is said.
  before = out.read_bytes()
  command[-1:] = ["--from", "Smiling=1", "--set"]
  assert run("Blond_Hair=1").returncode == 0
  assert out.read_bytes() != before
  for name in ("blond", "blond.npz", "blond.psd"):
    command[command.index("--out") + 1] = name
    failed = run("Blond_Hair=1")
    assert failed.returncode == 2
    assert failed.stderr == (
      f"error: --out={name} should end in .png or .jpg\n"
    )
  # Neither file is written over, however it is spelt.
  for kept in (photo, pathlib.Path(model)):
    before = kept.read_bytes()
    other = tmp_path / "link.png"
    other.symlink_to(kept)
    name = f"{tmp_path}/../{tmp_path.name}/link.png"
    command[command.index("--out") + 1] = name
    failed = run("Blond_Hair=1")
    assert failed.returncode == 2
    assert f"--out={name} is read, too: name another" in failed.stderr
    other.unlink()
    assert kept.read_bytes() == before
  command[command.index("--out") + 1] = str(out)
  photo.unlink()
  for setting, hint in (
    ("Blond=1", "Blond_Hair"),
    ("Smiling", "NAME=1"),
    ("Smiling=1", f"{photo}: No such file"),
  ):
    failed = run(setting)
    assert failed.returncode == 2
    assert hint in failed.stderr and failed.stderr.count("\n") == 1
