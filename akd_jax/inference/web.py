"""A folder that any static host serves: a network in a page."""

import functools
import importlib.resources
import io
import json
import os
import pathlib
from typing import IO, TYPE_CHECKING, Any

from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.common.paths import check_folder
from akd_jax.data import is_drawn
from akd_jax.data.photos.frames import Framing
from akd_jax.inference.description import describe
from akd_jax.inference.exports import (
  to_onnx,
  to_onnx_recognizer,
  write_files,
)
from akd_jax.interop import npm

if TYPE_CHECKING:
  from akd_jax.training.run import Run

# Runs ONNX models in a browser.
ONNXRUNTIME = npm.Package(
  "onnxruntime-web",
  "1.30.0",
  "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1Sigq"
  "R4CXAfKYQ==",
)
_RUNTIME = (
  "ort.wasm.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.wasm",
)
_PAGE = (
  "index.html",
  "style.css",
  "app.js",
  "frame.js",
  "photo.js",
  "pixels.js",
)
# What the page reads of its network, and what every version has said there.
_ABOUT = "about.json"
_OURS = {"attributes", "recognizer", "samples", "note"}
# Samples, and their side: larger than a network sees, as photos are.
_SAMPLES, _SIDE = 6, 256


def build_page(
  run: "Run", onnxruntime: str = "", framing: Framing | None = None
) -> dict[str, bytes]:
  """Returns the files of the page, {path inside the folder: content}.

  Only drawn faces become its samples: photos belong to those in them.

  Args:
    run: whose generator is run in the page.
    onnxruntime: onnxruntime-web's tarball, where it cannot be downloaded.
    framing: how the run's photos frame faces; None where nobody knows.

  Raises:
    UserError: the system has no program, a package is missing, or
      onnxruntime-web can neither be downloaded nor read.
  """
  folder = importlib.resources.files("akd_jax.interop") / "web"
  files = {name: (folder / name).read_bytes() for name in _PAGE}
  files["generator.onnx"] = to_onnx(run)
  recognizer = to_onnx_recognizer(run)
  if recognizer is not None:
    files["recognizer.onnx"] = recognizer
  runtime = npm.read_files(
    ONNXRUNTIME, [f"dist/{name}" for name in _RUNTIME], onnxruntime
  )
  files |= {
    name.replace("dist/", "runtime/"): content
    for name, content in runtime.items()
  }
  samples: list[dict[str, Any]] = []
  drawn = is_drawn(run.config.data)
  if drawn:
    samples, pictures = _samples(run)
    files |= pictures
  about = describe(run) | {
    "recognizer": recognizer is not None,
    "samples": samples,
    # Where the training's photos have them: a page finds no face.
    "eyes": framing and framing._asdict(),
    "note": _note(run, drawn, recognizer is not None),
  }
  files[_ABOUT] = json.dumps(about, indent=2).encode()
  return files


def _samples(run: "Run") -> tuple[list[dict[str, Any]], dict[str, bytes]]:
  """People of the test split, with their own labels."""
  from akd_jax.data.avatars import drawing
  from akd_jax.data.avatars.source import open_avatars

  source = open_avatars(run.config.data, "test")
  samples, files = [], {}
  for index in range(min(_SAMPLES, len(source))):
    label = [int(x) for x in source.labels[index]]
    has = [
      name.replace("_", " ")
      for name, on in zip(source.attributes, label, strict=True)
      if on
    ]
    name = f"samples/{index}.png"
    text = f"Drawn face {index + 1}: {', '.join(has) or 'no attribute'}"
    samples.append({"file": name, "label": label, "text": text})
    picture = io.BytesIO()
    drawn = drawing.render(source.person(index), _SIDE)
    Image.fromarray(drawn).save(picture, format="PNG")
    files[name] = picture.getvalue()
  return samples, files


def _note(run: "Run", drawn: bool, recognizes: bool) -> str:
  """What a visitor should know of the network."""
  import jax
  import numpy as np

  count = sum(map(np.size, jax.tree.leaves(run.model.generator)))
  note = (
    f"The network has {count:,} parameters and sees the square that is shown."
  )
  if not recognizes:
    note += (
      " Nothing here sees which attributes a photo has: press those, and then"
      " “The photo is like that”."
    )
  if drawn:
    note += (
      " It has learnt from drawn faces, and makes nothing of a photograph."
      " akd_jax trains such networks on photographs, too."
    )
  return note


def export_web(
  run: "Run", path: str, onnxruntime: str = "", framing: Framing | None = None
) -> list[str]:
  """Writes a folder that any static host serves; see `inference.web`.

  Raises:
    UserError: the folder holds other files.
  """
  check_folder(path)
  kept = os.listdir(path) if os.path.isdir(path) else []
  if kept and not _holds_page(path):
    raise UserError(f"--out={path} holds other files: name another folder")
  return write_files(
    {
      os.path.join(path, name): functools.partial(_put, content)
      for name, content in build_page(run, onnxruntime, framing).items()
    }
  )


def _holds_page(folder: str) -> bool:
  """Whether a folder holds a page that was written here, and may be again."""
  try:
    about = json.loads(pathlib.Path(folder, _ABOUT).read_bytes())
  except (OSError, ValueError):
    return False
  return isinstance(about, dict) and about.keys() >= _OURS


def _put(content: bytes, file: IO[bytes]) -> None:
  file.write(content)
