r"""Runs a generator of `akd_jax.export --format=numpy` with NumPy alone.

This file may be copied away. Other networks are run by numpy_program.py.
  $ python numpy_generator.py model.npz photo.jpg --set Smiling=1 --out out.png
  >>> params, metadata = load("model.npz")
  >>> photo = load_photo("photo.jpg", metadata)
  >>> label = make_label(metadata, {"Blond_Hair": 1})
  >>> translated = translate(params, metadata, photo, label)
"""

import argparse
import contextlib
import difflib
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

FORMATS, SYSTEM = {"image": 1, "blend": 2}, "stargan"
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF's, and Pillow's.
# What a photo may be; Pillow gives some others to programs that it runs.
PICTURES = ["AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"]
Array = np.ndarray
Params = Mapping[str, Array]
Metadata = Mapping[str, Any]


def load(path: str, count=None, run=None) -> tuple[Params, dict[str, Any]]:
  """Reads an exported generator: parameters by path, float32, and metadata.

  `count` and `run` are another one's `count_numbers` and `generate`. Raises
  OSError, ValueError: the file cannot be read, is damaged or no such export.
  """
  count, run = count or count_numbers, run or (lambda _, *x: generate(*x))
  with open(path, "rb") as file:
    try:
      if not zipfile.is_zipfile(file):
        raise ValueError("it is no .npz")
      with np.load(path) as found:
        sizes = {x.filename: x.file_size for x in found.zip.infolist()}
        if "metadata.npy" not in sizes:
          raise ValueError("it has no metadata: export it by --format=numpy")
        most = 100 * os.path.getsize(path) + 2**20
        if sum(sizes.values()) > most or sizes.pop("metadata.npy") > 2**20:
          raise ValueError("it would grow out of all proportion")
        metadata = json.loads(str(found["metadata"]))
        shapes, numbers = _check(metadata), count(metadata)
        if sum(sizes.values()) > 8 * numbers + 2**21 or found.zip.testzip():
          raise ValueError("it is damaged, or larger than its architecture")
        arrays = {x: found[x] for x in found.files if x != "metadata"}
      for name, x in arrays.items():
        if x.dtype.kind != "f" or x.ndim != (4 if "kernel" in name else 1):
          raise ValueError(f"its {name} is {x.dtype} {x.shape}")
      params = {name: x.astype(np.float32) for name, x in arrays.items()}
      every = np.concatenate([x.ravel() for x in params.values()])
      if len(every) != numbers or not np.isfinite(every).all():
        raise ValueError(f"its arrays are not {numbers} finite numbers")
      run(metadata, params, *map(np.zeros, shapes))
    except Exception as error:  # There is no end to what damage may raise.
      raise ValueError(f"{path} is no exported generator: {error}") from error
  return params, metadata


def count_numbers(metadata: dict[str, Any]) -> int:
  """Counts those of the parameters; refuses metadata of no export."""
  x = metadata.get("format"), metadata.setdefault("system", SYSTEM)
  if x[0] not in FORMATS.values() or x[1] != SYSTEM:
    raise ValueError(f"it has format {x[0]} of {x[1]!r}: see numpy_program.py")
  about, planes = metadata["architecture"], 3 + len(metadata["attributes"])
  w, blocks = about["width"], about["blocks"]
  planes += {"image": 3, "blend": 4}[about.get("output", "image")]
  return w * (49 * planes + (320 + 288 * blocks) * w + 20 + 16 * blocks)


def _check(metadata: dict[str, Any]) -> tuple[tuple[int, ...], ...]:
  """Refuses metadata that lack what is asked of them; returns input shapes."""
  names, size = metadata["attributes"], metadata["image_size"]
  side = metadata.get("multiple", 4)
  w, blocks = (metadata["architecture"].get(x, 1) for x in ("width", "blocks"))
  right = {
    "architecture": 0 < w < 2**16 and 0 < blocks < 2**10,
    "image_size": type(size) is int and 0 < size <= 4096 and size % side == 0,
    "crop": type(crop := metadata.setdefault("crop", 0)) is int and crop >= 0,
    "attributes": {*map(type, names)} == {str} and len({*names}) == len(names),
    "exclusive": all({*x} <= {*names} for x in metadata["exclusive"]),
    "label_rule": metadata["label_rule"] in ("multilabel", "exclusive"),
    "value_range": metadata["value_range"] == [-1, 1],
  }
  if wrong := [name for name in right if not right[name]]:
    raise ValueError(f"its {wrong[0]} is {metadata[wrong[0]]}")
  return (1, side, side, 3), (1, len(names))


def load_photo(path: str, metadata: Metadata) -> Array:
  """Reads a photo's centre, uint8 [S, S, 3] RGB; ValueError if it cannot."""
  from PIL import Image  # 10.1 or newer.

  Image.init()  # Before 11.3, or built without a library, it lacks some.
  known = [name for name in PICTURES if name in Image.OPEN]
  try:
    with Image.open(path, formats=known) as file:
      photo = to_rgb(file)
  except Exception as error:  # Pillow's decoders raise many kinds.
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, Image.DecompressionBombError):
      reason = "it has more than 178 megapixels: make it smaller"
    raise ValueError(f"cannot read the photo {path}: {reason}") from error
  crop, side = metadata.get("crop", 0), min(photo.size)
  side = min(crop, side) if 2 * crop >= side else side  # It would be a nose.
  left, top = ((length - side) // 2 for length in photo.size)
  photo = photo.crop((left, top, left + side, top + side))
  size = metadata["image_size"]
  return np.array(photo.resize((size, size), Image.Resampling.BICUBIC))


def to_rgb(picture: Any) -> Any:
  """Makes a Pillow image upright 8-bit RGB on white; ValueError if unknown."""
  from PIL import Image

  tags = getattr(picture, "tag_v2", {})  # Of a TIFF, which load makes upright.
  picture.load()
  # Not exif_transpose, which writes a camera's notes anew, and some it cannot.
  turn = None
  with contextlib.suppress(Exception):  # Damaged notes turn nothing.
    turn = TURNS.get(picture.getexif().get(0x0112))
  photo = picture if turn is None else picture.transpose(turn)
  if photo.mode in ("I", "F"):
    raise ValueError("its numbers are of 32 bits, or of a 16-bit PGM")
  if photo.mode.startswith("I;16"):  # Pillow clips 16-bit grey at 255.
    x, clear = np.asarray(photo), photo.info.get("transparency")
    x = np.where(x == clear, 65535, x) >> (tags.get(258, (16,))[0] - 8)
    photo = Image.fromarray((255 - x if tags.get(262) == 0 else x).astype("u1"))
  if photo.has_transparency_data:
    white = Image.new("RGBA", photo.size, "white")
    photo = Image.alpha_composite(white, photo.convert("RGBA"))
  return photo.convert("RGB")


def make_label(metadata: Metadata, wanted: Mapping, original=None) -> Array:
  """Returns the label [C] that asks for `wanted`, attributes 0 or 1 by name.

  The others are as in `original`, the photo's label, or 0. One that is switched
  on switches off those that exclude it: all others where the label rule is
  "exclusive". Raises ValueError of an unknown name or value.
  """
  names, rule = list(metadata["attributes"]), metadata["label_rule"]
  label = np.full(len(names), 0 if original is None else original, np.float32)
  for name, value in wanted.items():
    if name not in names:
      close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
      hint = f"did you mean {close[0]!r}?" if close else ", ".join(names)
      raise ValueError(f"attribute {name!r} is not in the model; {hint}")
    if value not in (0, 1):
      raise ValueError(f"{name} is {value!r}, not 0 or 1")
  for group in [names] if rule == "exclusive" else metadata["exclusive"]:
    on = [name for name in group if wanted.get(name)]
    if len(on) > 1:
      raise ValueError(f"{on[0]} and {on[1]} exclude each other")
    label[[names.index(name) for name in group if on]] = 0
  label[[names.index(name) for name in wanted]] = [*wanted.values()]
  if rule == "exclusive" and label.sum() != 1:
    raise ValueError(f"set exactly one of {', '.join(names)} to 1")
  return label


def translate(
  params: Params, metadata: Metadata, image: Array, label: Array, *_, run=None
) -> Array:
  """Translates photos; returns uint8 in the shape of `image`.

  `image` is uint8 [B, H, W, 3] or one of them, H and W multiples of 4; `label`,
  from `make_label`, [C] or [B, C]; all else is numpy_program.py's.
  """
  if image.dtype != np.uint8 or image.ndim not in (3, 4):
    raise ValueError(f"{image.dtype} {image.shape} is not uint8 [H, W, 3]")
  batch = image if image.ndim == 4 else image[np.newaxis]
  label = np.broadcast_to(label, (len(batch), len(metadata["attributes"])))
  scale = np.float32(2 / 255)
  y = (run or generate)(params, batch * scale - 1, label)
  return np.rint((y + 1) / scale).clip(0, 255).astype("u1").reshape(image.shape)


def generate(params: Params, image: Array, label: Array) -> Array:
  """Runs the network: image [B, H, W, 3] in [-1, 1], label [B, C] -> image."""
  size, classes = image.shape[1:3], params["encoder_0/conv/kernel"].shape[2] - 3
  if image.shape != (len(label), *size, 3) or label.shape[1:] != (classes,):
    raise ValueError(f"label is {label.shape}, not [{len(image)}, {classes}]")
  if any(length % 4 for length in size):
    raise ValueError(f"image is {image.shape}; H and W must be multiples of 4")
  return np.stack([_draw(params, *x) for x in zip(image, label, strict=True)])


def _draw(params: Params, image: Array, label: Array) -> Array:
  tiled = np.broadcast_to(label, (*image.shape[:2], len(label)))
  x = np.concatenate([image, tiled], axis=-1, dtype=np.float32)

  def layer(x: Array, path: str, end: str, do: Any, *options: int) -> Array:
    y = do(x, params[f"{path}/conv{end}/kernel"], *options)
    norm = f"{path}/norm{end}"
    return normalize(y, params[f"{norm}/scale"], params[f"{norm}/bias"])

  for i, stride in enumerate((1, 2, 2)):
    x = np.maximum(layer(x, f"encoder_{i}", "", convolve, stride), 0)
  for i in range(sum(path.endswith("/conv_0/kernel") for path in params)):
    y = np.maximum(layer(x, f"residual_{i}", "_0", convolve), 0)
    x = x + layer(y, f"residual_{i}", "_1", convolve)
  for i in range(2):
    x = np.maximum(layer(x, f"decoder_{i}", "", upsample), 0)
  y = convolve(x, params["output/kernel"])
  colours = np.tanh(y[..., :3])
  if y.shape[-1] == 3:
    return colours
  mask = (1 + np.tanh(y[..., 3:] / 2)) / 2  # A sigmoid that can not overflow.
  return mask * image.astype(np.float32) + (1 - mask) * colours


def convolve(x: Array, kernel: Array, stride: int = 1) -> Array:
  """Convolves x [H, W, I] with kernel [k, k, I, O], padded to keep the size."""
  size, _, channels, features = kernel.shape
  pad = (size - 1) // 2
  x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
  height = (len(x) - size) // stride + 1
  run, slide = size * channels, np.lib.stride_tricks.sliding_window_view
  windows = slide(x.reshape(len(x), -1), run, axis=1)
  windows = np.ascontiguousarray(windows[:, :: stride * channels])
  y = np.zeros((height * windows.shape[1], features), np.float32)
  for i, row in enumerate(kernel.reshape(size, run, features)):
    y += windows[i : i + stride * height : stride].reshape(-1, run) @ row
  return y.reshape(height, -1, features)


def upsample(x: Array, kernel: Array) -> Array:
  """Transposes a convolution with kernel [4, 4, I, O], stride 2, padding 1."""
  # Its row 2a + p takes row m of x [H, W, O] to row 2(m + a) + p of the result.
  (height, width, _), features = x.shape, kernel.shape[2]
  z = x.reshape(height * width, -1) @ kernel.reshape(16 * features, -1).T
  z = z.reshape(height, width, 2, 2, 2, 2, features)  # a, p, b, q
  y = np.zeros((height + 1, 2, width + 1, 2, features), np.float32)
  for a, b in np.ndindex(2, 2):
    y[a : a + height, :, b : b + width] += z[:, :, a, :, b].swapaxes(1, 2)
  return y.reshape(2 * height + 2, 2 * width + 2, features)[1:-1, 1:-1]


def normalize(x: Array, scale: Array, bias: Array) -> Array:
  """Normalises each channel of x [H, W, K] over its pixels."""
  # In float32 the error of a mean grows with the number of pixels.
  x = x - x.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
  variance = np.square(x).mean(axis=(0, 1), dtype=np.float64)
  return x * (scale / np.sqrt(variance + 1e-5)).astype(np.float32) + bias


def main(argv: Sequence[str] | None = None, runtime: Any = None) -> None:
  """Translates one photo, as the command line says."""
  runtime = runtime or sys.modules[__name__]
  parser = argparse.ArgumentParser(description="Translates one photo.")
  add = parser.add_argument
  add("model", help="the exported .npz")
  add("photo", help="any picture file; its centre is used")
  add("--set", action="append", required=True, metavar="NAME=1", help="repeats")
  add("--from", dest="own", action="append", default=[], help="the photo's own")
  add("--out", required=True, help="the picture to write")
  add("--debug", action="store_true", help="show a traceback")
  args = parser.parse_args(argv)
  refused = () if args.debug else (OSError, ValueError, ImportError)
  try:
    from PIL import Image

    out, ending = args.out, os.path.splitext(args.out)[1]
    if Image.registered_extensions().get(ending.lower()) not in Image.SAVE:
      raise ValueError(f"--out={out} should end in .png or .jpg")
    if os.path.realpath(out) in map(os.path.realpath, (args.model, args.photo)):
      raise ValueError(f"--out={out} is read, too: name another file")
    params, metadata = runtime.load(args.model)
    for x, every in ((x, y) for y in (args.set, args.own) for x in y):
      if x[-2:] not in ("=0", "=1") or {x[:-1] + "0", x[:-1] + "1"} <= {*every}:
        raise ValueError(f"{x!r} should be NAME=1 or NAME=0, and not both")
    asked, has = ({x[:-2]: int(x[-1]) for x in y} for y in (args.set, args.own))
    own = make_label({**metadata, "label_rule": "multilabel"}, has)
    label = make_label(metadata, asked, own)
    photo = load_photo(args.photo, metadata)
    edits = np.isin(metadata["attributes"], [*asked])
    drawn = runtime.translate(params, metadata, photo, label, own, edits)
    try:  # Never half.
      with tempfile.TemporaryDirectory(dir=os.path.dirname(out) or ".") as new:
        Image.fromarray(drawn).save(whole := os.path.join(new, f"x{ending}"))
        os.replace(whole, out)
    except OSError as error:
      raise OSError(f"cannot save {out}: {error.strerror or error}") from None
    print(out)
  except refused as error:
    parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
  main()
