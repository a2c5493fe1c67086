r"""Runs an exported generator with NumPy alone.

This file may be copied away with what `akd_jax.export --format=numpy` writes:

  params, metadata = load("model.npz")
  photo = load_photo("photo.jpg", metadata)
  label = make_label(metadata, {"Blond_Hair": 1})
  translated = translate(params, metadata, photo, label)

Only `load_photo` needs Pillow; numpy_program.py runs other networks. The same
in a terminal:

  python numpy_generator.py model.npz photo.jpg --set Smiling=1 --out out.png
"""

import argparse
import difflib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

FORMATS = {"image": 1, "blend": 2}  # By what the last layer gives.
SYSTEM = "stargan"

Array = np.ndarray
Params = Mapping[str, Array]
Metadata = Mapping[str, Any]


def load(path: str) -> tuple[dict[str, Array], dict[str, Any]]:
  """Reads an exported generator: parameters by path, float32, and metadata.

  Raises:
    OSError, ValueError: the file cannot be read, is damaged or no such export.
  """
  return read(path, count_numbers, generate)


def read(
  path: str, count: Callable[[Any], int], generate: Callable[..., Array]
) -> tuple[dict[str, Array], dict[str, Any]]:
  """Reads as many numbers as `count` finds in the metadata: see `load`."""
  with open(path, "rb") as file:
    try:
      with np.load(file) as found:
        sizes = {x.filename: x.file_size for x in found.zip.infolist()}
        if sizes.pop("metadata.npy") > 2**20:
          raise ValueError("its metadata is too large")
        metadata = json.loads(str(found["metadata"]))
        numbers = count(metadata)
        if sum(sizes.values()) > 8 * numbers + 2**21 or found.zip.testzip():
          raise ValueError("it is damaged, or larger than its architecture")
        names = [name for name in found.files if name != "metadata"]
        params = {name: found[name].astype(np.float32) for name in names}
      every = np.concatenate([x.ravel() for x in params.values()])
      if len(every) != numbers or not np.isfinite(every).all():
        raise ValueError(f"its arrays are not {numbers} finite numbers")
      side, label = metadata.get("multiple", 4), metadata["attributes"]
      generate(params, np.zeros((1, side, side, 3)), np.zeros((1, len(label))))
    except Exception as error:  # There is no end to what damage may raise.
      raise ValueError(f"{path} is no exported generator: {error}") from error
  return params, metadata


def count_numbers(metadata: dict[str, Any]) -> int:
  """Counts those of the parameters; refuses metadata of no export."""
  # The first files do not name their system.
  form = metadata.get("format"), metadata.setdefault("system", SYSTEM)
  if form not in [(number, SYSTEM) for number in FORMATS.values()]:
    raise ValueError(f"it has format {form[0]} of {form[1]!r}, unknown here")
  names, about = metadata["attributes"], metadata["architecture"]
  size, w, blocks = metadata["image_size"], about["width"], about["blocks"]
  if not (names and 0 < w < 2**16 and 0 < blocks < 2**10 and 0 < size < 2**16):
    raise ValueError(f"it is a network of {about} at {size} pixels")
  if (span := metadata["value_range"]) != [-1, 1]:
    raise ValueError(f"its value_range is {span}, not [-1, 1]")
  outputs = {"image": 3, "blend": 4}[about.get("output", "image")]
  kernels = 49 * (3 + len(names) + outputs) + (320 + 288 * blocks) * w
  return w * (kernels + 2 * (10 + 8 * blocks))


def load_photo(path: str, metadata: Metadata) -> Array:
  """Reads a photo, uint8 [S, S, 3] RGB, as those of training were read.

  It is turned upright, laid on white where it is transparent, cropped at its
  centre, then resized with antialiasing.

  Raises:
    ImportError, ValueError: Pillow is missing, or the photo cannot be read.
  """
  from PIL import Image, ImageOps

  try:
    with Image.open(path) as file:
      photo = ImageOps.exif_transpose(file)
      if photo.mode.startswith("I;16"):  # Pillow clips 16-bit grey at 255.
        photo = Image.fromarray((np.asarray(photo) >> 8).astype(np.uint8))
      if photo.has_transparency_data:
        white = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(white, photo.convert("RGBA"))
      photo = photo.convert("RGB")
  except Exception as error:  # Pillow's decoders raise many kinds.
    reason = getattr(error, "strerror", None) or error
    raise ValueError(f"cannot read the photo {path}: {reason}") from error
  width, height = photo.size
  side = min(metadata.get("crop", 0) or width, width, height)
  left, top = (width - side) // 2, (height - side) // 2
  # Cropped first: resize's own `box` lets pixels from outside bleed in.
  photo = photo.crop((left, top, left + side, top + side))
  size = metadata["image_size"]
  return np.array(photo.resize((size, size), Image.Resampling.BICUBIC))


def make_label(
  metadata: Metadata, wanted: Mapping[str, int], original: Array | None = None
) -> Array:
  """Returns the label [C] that asks for the attributes `wanted`.

  Args:
    metadata: of the model.
    wanted: attributes to set, name to 0 or 1. Switching one on switches off
      those that exclude it: all others where the label rule is "exclusive".
    original: label [C] of the photo, for the others; zeros if not given.

  Raises:
    ValueError: a name or value is unknown, or the label breaks the label rule.
  """
  names = list(metadata["attributes"])
  one_hot = metadata["label_rule"] == "exclusive"
  groups = [names] if one_hot else metadata["exclusive"]
  label = np.zeros(len(names), np.float32)
  label += 0 if original is None else original
  for name, value in wanted.items():
    if name not in names:
      close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
      hint = f"did you mean {close[0]!r}?" if close else ", ".join(names)
      raise ValueError(f"attribute {name!r} is not in the model; {hint}")
    if value not in (0, 1):
      raise ValueError(f"{name} is {value!r}, not 0 or 1")
  for group in groups:
    on = [name for name in group if wanted.get(name)]
    if len(on) > 1:
      raise ValueError(f"{on[0]} and {on[1]} exclude each other")
    if on:
      label[[names.index(name) for name in group]] = 0
  for name, value in wanted.items():
    label[names.index(name)] = value
  if one_hot and label.sum() != 1:
    raise ValueError(f"set exactly one of {', '.join(names)} to 1")
  return label


def translate(
  params: Params, metadata: Metadata, image: Array, label: Array,
  run: Callable[..., Array] | None = None,
) -> Array:  # fmt: skip
  """Translates photos; returns uint8 in the shape of `image`.

  Args:
    params, metadata: from `load`.
    image: uint8 [H, W, 3] or [B, H, W, 3], H and W multiples of 4.
    label: [C] for all, or [B, C], from `make_label`.
    run: another network's `generate`.
  """
  kind, shape = image.dtype, image.shape
  if kind != np.uint8 or image.ndim not in (3, 4):
    raise ValueError(f"image is {kind} {shape}, not uint8 [H, W, 3]")
  batch = image if image.ndim == 4 else image[np.newaxis]
  label = np.broadcast_to(label, (len(batch), len(metadata["attributes"])))
  scale, one = np.float32(2 / 255), np.float32(1)
  drawn = (run or generate)(params, batch * scale - one, label)
  result = np.rint((drawn + one) / scale)
  return np.clip(result, 0, 255).astype(np.uint8).reshape(shape)


def generate(params: Params, image: Array, label: Array) -> Array:
  """Runs the network: image [B, H, W, 3] in [-1, 1], label [B, C] -> image."""
  classes = params["encoder_0/conv/kernel"].shape[2] - 3
  size = image.shape[1:3]
  if image.shape != (len(label), *size, 3) or size[0] % 4 or size[1] % 4:
    raise ValueError(f"image is {image.shape}; H and W must be multiples of 4")
  if label.shape != (len(image), classes):
    raise ValueError(f"label is {label.shape}, not [{len(image)}, {classes}]")
  # One picture at a time: its rows are contiguous, which saves copies.
  pairs = zip(image, label, strict=True)
  return np.stack([_generate(params, *pair) for pair in pairs])


def _generate(params: Params, image: Array, label: Array) -> Array:
  tiled = np.broadcast_to(label, (*image.shape[:2], len(label)))
  x = np.concatenate([image, tiled], axis=-1, dtype=np.float32)

  def normed(x: Array, path: str) -> Array:
    return normalize(x, params[f"{path}/scale"], params[f"{path}/bias"])

  for i, stride in enumerate((1, 2, 2)):
    kernel = params[f"encoder_{i}/conv/kernel"]
    y = convolve(x, kernel, stride)
    x = np.maximum(normed(y, f"encoder_{i}/norm"), 0)
  for i in range(sum(path.endswith("/conv_0/kernel") for path in params)):
    y = convolve(x, params[f"residual_{i}/conv_0/kernel"])
    y = np.maximum(normed(y, f"residual_{i}/norm_0"), 0)
    y = convolve(y, params[f"residual_{i}/conv_1/kernel"])
    x = x + normed(y, f"residual_{i}/norm_1")
  for i in range(2):
    kernel = params[f"decoder_{i}/conv/kernel"]
    x = np.maximum(normed(upsample(x, kernel), f"decoder_{i}/norm"), 0)
  y = convolve(x, params["output/kernel"])
  colours = np.tanh(y[..., :3])
  if y.shape[-1] == 3:
    return colours
  copied = (1 + np.tanh(y[..., 3:] / 2)) / 2  # A sigmoid that can not overflow.
  return copied * image.astype(np.float32) + (1 - copied) * colours


def convolve(x: Array, kernel: Array, stride: int = 1) -> Array:
  """Convolves x [H, W, I] with kernel [k, k, I, O], padded to keep the size.

  One matrix product a row of the kernel: less memory than k x k patches.
  """
  size, _, channels, features = kernel.shape
  pad = (size - 1) // 2
  x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
  height = (len(x) - size) // stride + 1
  run, slide = size * channels, np.lib.stride_tricks.sliding_window_view
  windows = slide(x.reshape(len(x), -1), run, axis=1)
  windows = np.ascontiguousarray(windows[:, :: stride * channels])
  y = np.zeros((height * windows.shape[1], features), np.float32)
  for i, row in enumerate(kernel.reshape(size, run, features)):
    rows = windows[i : i + stride * height : stride]
    y += rows.reshape(-1, run) @ row
  return y.reshape(height, -1, features)


def upsample(x: Array, kernel: Array) -> Array:
  """Transposes a convolution with kernel [4, 4, I, O], stride 2, padding 1.

  Row 2a + p of the kernel takes row m of x [H, W, O] to row 2(m + a) + p of the
  padded output; columns likewise.
  """
  height, width, _ = x.shape
  features = kernel.shape[2]
  z = x.reshape(height * width, -1) @ kernel.reshape(16 * features, -1).T
  z = z.reshape(height, width, 2, 2, 2, 2, features)  # a, p, b, q
  y = np.zeros((height + 1, 2, width + 1, 2, features), np.float32)
  for a, b in np.ndindex(2, 2):
    part = z[:, :, a, :, b].transpose(0, 2, 1, 3, 4)
    y[a : a + height, :, b : b + width] += part
  return y.reshape(2 * height + 2, 2 * width + 2, features)[1:-1, 1:-1]


def normalize(x: Array, scale: Array, bias: Array) -> Array:
  """Normalises each channel of x [H, W, K] over its pixels."""
  # In float32 the error of a mean grows with the number of pixels.
  x = x - x.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
  variance = np.square(x).mean(axis=(0, 1), dtype=np.float64)
  return x * (scale / np.sqrt(variance + 1e-5)).astype(np.float32) + bias


def _run(args: argparse.Namespace, runtime: Any) -> None:
  from PIL import Image

  params, metadata = runtime.load(args.model)
  for setting in args.set:
    if setting[-2:] not in ("=0", "=1"):
      raise ValueError(f"--set {setting} should be NAME=1 or NAME=0")
  wanted = {setting[:-2]: int(setting[-1]) for setting in args.set}
  label = make_label(metadata, wanted)
  photo = load_photo(args.photo, metadata)
  result = Image.fromarray(runtime.translate(params, metadata, photo, label))
  partial = "{}.part{}".format(*os.path.splitext(args.out))  # Never half.
  result.save(partial)
  os.replace(partial, args.out)
  print(args.out)


def main(argv: Sequence[str] | None = None, runtime: Any = None) -> None:
  """Translates one photo, as the command line says."""
  parser = argparse.ArgumentParser(description="Translates one photo.")
  add = parser.add_argument
  add("model", help="the exported .npz")
  add("photo", help="any picture file; its centre is used")
  add("--set", action="append", default=[], metavar="NAME=1", help="repeatable")
  add("--out", required=True, help="the picture to write")
  add("--debug", action="store_true", help="show a traceback")
  args = parser.parse_args(argv)
  try:
    _run(args, runtime or sys.modules[__name__])
  except (OSError, ValueError, ImportError) as error:
    if args.debug:
      raise
    parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
  main()
