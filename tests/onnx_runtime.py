"""Exported ONNX models, run by ONNX Runtime."""

import numpy as np
import onnxruntime

from akd_jax.models.pixels import to_uint8, to_unit


def run(path, image, **others):
  """Runs a model: image [B, H, W, 3] in [-1, 1] -> the same."""
  session = onnxruntime.InferenceSession(
    path, providers=["CPUExecutionProvider"]
  )
  (picture,) = session.run(
    ["picture"], {"image": image.transpose(0, 3, 1, 2), **others}
  )
  return picture.transpose(0, 2, 3, 1)


def translate(path, images, wanted):
  """Translates uint8 [B, H, W, 3] as `RunNetwork.translate` does."""
  session = onnxruntime.InferenceSession(
    path, providers=["CPUExecutionProvider"]
  )
  names = {x.name for x in session.get_inputs()}
  target, own, edits = (np.asarray(x, np.float32) for x in wanted)
  given = {"label": target, "own": own, "edits": edits}
  return np.asarray(
    to_uint8(
      run(
        path,
        np.asarray(to_unit(images)),
        **{name: x for name, x in given.items() if name in names},
      )
    )
  )
