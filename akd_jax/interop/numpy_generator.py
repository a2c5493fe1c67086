"""Runs an exported generator with NumPy alone.

This file needs nothing else of the package and may be copied away with the
.npz that `akd_jax.export --format=numpy` writes:

  params, metadata = load("model.npz")
  photo = load_photo("photo.jpg", metadata)
  label = make_label(metadata, {"Blond_Hair": 1})
  translated = translate(params, metadata, photo, label)

Only `load_photo` needs Pillow. The same in a terminal:

  python numpy_generator.py model.npz photo.jpg --set Blond_Hair=1 --out out.png

Where other programs are busy, OPENBLAS_NUM_THREADS=1 is often faster: waiting
for a second thread takes longer than the small products do.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

FORMAT = 1
SYSTEM = "stargan"

Params = Mapping[str, np.ndarray]
Metadata = Mapping[str, Any]


def load(path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
  """Reads an exported generator.

  Returns:
    Its parameters by path, float32, and its metadata, among it `system`,
    `attributes`, `image_size`, `crop`, `label_rule` and `value_range`.

  Raises:
    OSError, ValueError: the file cannot be read, or is no such export.
  """
  with open(path, "rb") as file:
    try:
      arrays = dict(np.load(file, allow_pickle=False))
      metadata = json.loads(str(arrays.pop("metadata")))
    except Exception as error:  # There is no end to what damage may raise.
      raise ValueError(f"{path} is no exported generator: {error}") from error
  # The first files do not name their system.
  found = metadata.get("format"), metadata.setdefault("system", SYSTEM)
  if found != (FORMAT, SYSTEM):
    raise ValueError(
      f"{path} has format {found[0]} of {found[1]!r}; this code reads format"
      f" {FORMAT} of {SYSTEM!r}"
    )
  return {k: np.asarray(v, np.float32) for k, v in arrays.items()}, metadata


def load_photo(path: str, metadata: Metadata) -> np.ndarray:
  """Reads a photo into the square that the network was shown in training.

  The photo is turned upright by its EXIF orientation, laid on white where it
  is transparent, cropped at its centre, then resized with antialiasing.

  Returns:
    uint8 [S, S, 3] RGB.

  Raises:
    ImportError: Pillow is not installed.
    ValueError: the photo cannot be read.
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
  metadata: Metadata,
  wanted: Mapping[str, int],
  original: np.ndarray | None = None,
) -> np.ndarray:
  """Returns the label [C] that asks for the attributes `wanted`.

  Args:
    metadata: of the model.
    wanted: attributes to set, name to 0 or 1. Switching one on switches off
      those that exclude it: all others where the label rule is "exclusive".
    original: label [C] of the photo, for the attributes not in `wanted`;
      zeros if not given.

  Raises:
    ValueError: an unknown name or value, two names that exclude each other,
      or an exclusive label without exactly one attribute.
  """
  names = list(metadata["attributes"])
  one_hot = metadata["label_rule"] == "exclusive"
  groups = [names] if one_hot else metadata["exclusive"]
  label = np.zeros(len(names), np.float32)
  if original is not None:
    label[:] = original
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
  params: Params, metadata: Metadata, image: np.ndarray, label: np.ndarray
) -> np.ndarray:
  """Translates photos.

  Args:
    params, metadata: from `load`.
    image: uint8 [H, W, 3], or [B, H, W, 3]; H and W are multiples of 4, best
      `metadata["image_size"]`.
    label: [C] for all, or [B, C], from `make_label`.

  Returns:
    uint8 in the shape of `image`.
  """
  if image.dtype != np.uint8 or image.ndim not in (3, 4):
    raise ValueError(
      f"image is {image.dtype} {image.shape}, not uint8 [H, W, 3] or "
      "[B, H, W, 3]"
    )
  batch = image if image.ndim == 4 else image[np.newaxis]
  label = np.broadcast_to(label, (len(batch), len(metadata["attributes"])))
  low, high = metadata["value_range"]
  scale = np.float32((high - low) / 255)
  result = generate(params, batch * scale + np.float32(low), label)
  result = np.rint((result - np.float32(low)) / scale)
  return np.clip(result, 0, 255).astype(np.uint8).reshape(image.shape)


def generate(
  params: Params, image: np.ndarray, label: np.ndarray
) -> np.ndarray:
  """Runs the network: image [B, H, W, 3] in [-1, 1], label [B, C] -> image."""
  classes = params["encoder_0/conv/kernel"].shape[2] - 3
  size = image.shape[1:3]
  if image.shape != (len(label), *size, 3) or size[0] % 4 or size[1] % 4:
    raise ValueError(
      f"image is {image.shape}, not [{len(label)}, H, W, 3] with H and W "
      "multiples of 4"
    )
  if label.shape != (len(image), classes):
    raise ValueError(f"label is {label.shape}, not [{len(image)}, {classes}]")
  # One picture at a time: its rows are contiguous, which saves a copy a
  # convolution.
  pairs = zip(image, label, strict=True)
  return np.stack([_generate(params, x, c) for x, c in pairs])


def _generate(
  params: Params, image: np.ndarray, label: np.ndarray
) -> np.ndarray:
  tiled = np.broadcast_to(label, (*image.shape[:2], len(label)))
  x = np.concatenate([image, tiled], axis=-1, dtype=np.float32)

  def normed(x: np.ndarray, path: str) -> np.ndarray:
    return _normalize(x, params[f"{path}/scale"], params[f"{path}/bias"])

  for i, stride in enumerate((1, 2, 2)):
    kernel = params[f"encoder_{i}/conv/kernel"]
    x = normed(_convolve(x, kernel, stride), f"encoder_{i}/norm")
    x = np.maximum(x, 0)
  for i in range(sum(path.endswith("/conv_0/kernel") for path in params)):
    y = _convolve(x, params[f"residual_{i}/conv_0/kernel"])
    y = np.maximum(normed(y, f"residual_{i}/norm_0"), 0)
    y = _convolve(y, params[f"residual_{i}/conv_1/kernel"])
    x = x + normed(y, f"residual_{i}/norm_1")
  for i in range(2):
    kernel = params[f"decoder_{i}/conv/kernel"]
    x = np.maximum(normed(_upsample(x, kernel), f"decoder_{i}/norm"), 0)
  last = _convolve(x, params["output/kernel"])
  colours, mask = np.tanh(last[..., :3]), (1 + np.tanh(last[..., 3:] / 2)) / 2
  # A blend has a mask, of what is copied from the photo.
  return mask * image + (1 - mask) * colours if mask.size else colours


def _convolve(x: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
  """Convolves x [H, W, I] with kernel [k, k, I, O], padded to keep the size.

  One matrix product per row of the kernel, over windows gathered along the
  width only: k times less memory than k x k patches, and up to twice as fast.
  """
  size, _, channels, features = kernel.shape
  pad = (size - 1) // 2
  x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
  height = (len(x) - size) // stride + 1
  run = size * channels
  windows = sliding_window_view(x.reshape(len(x), -1), run, axis=1)
  windows = np.ascontiguousarray(windows[:, :: stride * channels])
  y = np.zeros((height * windows.shape[1], features), np.float32)
  for i, row in enumerate(kernel.reshape(size, run, features)):
    rows = windows[i : i + stride * height : stride]
    y += rows.reshape(-1, run) @ row
  return y.reshape(height, -1, features)


def _upsample(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
  """Transposes a convolution with kernel [4, 4, I, O], stride 2, padding 1.

  Takes x [H, W, O] to [2H, 2W, I]. Row 2a + p of the kernel takes row m of x
  to row 2(m + a) + p of the padded output; columns likewise.
  """
  height, width, _ = x.shape
  features = kernel.shape[2]
  z = x.reshape(height * width, -1) @ kernel.reshape(16 * features, -1).T
  z = z.reshape(height, width, 2, 2, 2, 2, features)  # a, p, b, q
  y = np.zeros((height + 1, 2, width + 1, 2, features), np.float32)
  for a in range(2):
    for b in range(2):
      part = z[:, :, a, :, b].transpose(0, 2, 1, 3, 4)
      y[a : a + height, :, b : b + width] += part
  return y.reshape(2 * height + 2, 2 * width + 2, features)[1:-1, 1:-1]


def _normalize(
  x: np.ndarray, scale: np.ndarray, bias: np.ndarray
) -> np.ndarray:
  # NumPy sums pixels one after the other: in float32 the error of a mean
  # grows with their number, and a flat area's small variance magnifies it.
  x = x - x.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
  variance = np.square(x).mean(axis=(0, 1), dtype=np.float64)
  return x * (scale / np.sqrt(variance + 1e-5)).astype(np.float32) + bias


def _run(args: argparse.Namespace) -> None:
  from PIL import Image

  params, metadata = load(args.model)
  wanted = {}
  for setting in args.set:
    name, _, value = setting.partition("=")
    if value not in ("0", "1"):
      raise ValueError(f"--set {setting} should be NAME=1 or NAME=0")
    wanted[name] = int(value)
  label, photo = make_label(metadata, wanted), load_photo(args.photo, metadata)
  Image.fromarray(translate(params, metadata, photo, label)).save(args.out)
  print(args.out)


def main(argv: Sequence[str] | None = None) -> None:
  """Translates one photo, as the command line says."""
  parser = argparse.ArgumentParser(description="Translates one photo.")
  add = parser.add_argument
  add("model", help="the exported .npz")
  add("photo", help="any picture file; its centre is used")
  wanted = "an attribute of the result (repeatable); the others are 0"
  add("--set", action="append", default=[], metavar="NAME=1", help=wanted)
  add("--out", required=True, help="the picture to write")
  add("--debug", action="store_true", help="show a traceback")
  args = parser.parse_args(argv)
  try:
    _run(args)
  except (OSError, ValueError, ImportError) as error:
    if args.debug:
      raise
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
  main()
