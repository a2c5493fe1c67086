"""dlib's faces: where one is, its 68 landmarks, and whose it is.

Needs the packages dlib and face_recognition_models, which has the weights
(`launch/setup.sh faces`). The landmarks were learnt from iBUG 300-W,
whose terms allow research only.
"""

import functools
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from akd_jax.common.errors import UserError

# Two pictures show one person where their descriptors are less apart: dlib's
# own threshold, by which it is right on 99.38 % of the pairs of LFW.
SAME = 0.6

# Every picture is looked at in this size: the smallest face that dlib finds has
# 80 pixels, and a face that is looked at 150.
_SIDE = 256
# Of whole photos, the longer side that is looked at: at most a second's work.
_LONGEST = 1024
# How sure the detector has to be. At 64 pixels it finds 99.2 % of CelebA's
# faces by this, 96.5 % by its own 0, and by neither one where there is none.
_SURE = -0.5
# Of a face as it is looked at: its side, and how much more is cut out.
_CHIP, _PADDING = 150, 0.25


def has_faces() -> bool:
  """Returns whether both packages are installed."""
  names = ("dlib", "face_recognition_models")
  return all(importlib.util.find_spec(name) for name in names)


@functools.cache
def load_finder() -> "FaceFinder":
  """Returns what finds faces, loaded once.

  Raises:
    UserError: a package is missing.
  """
  if not has_faces():
    raise UserError(
      "faces are found by dlib and face_recognition_models, which are not"
      " installed: launch/setup.sh faces"
    )
  return FaceFinder()


def middles_of_eyes(landmarks: np.ndarray) -> np.ndarray:
  """Returns x and y of both eyes, [2, 2], the left of the picture first.

  Args:
    landmarks: [68, 2].
  """
  return np.stack([landmarks[36:42].mean(0), landmarks[42:48].mean(0)])


def _weights(name: str) -> str:
  """Returns the path of a network's weights."""
  # Found, not imported: it asks for a part of setuptools that is gone.
  found = importlib.util.find_spec("face_recognition_models")
  if found is None or found.origin is None:
    raise ImportError("face_recognition_models is not installed")
  return str(Path(found.origin).parent / "models" / f"{name}.dat")


class FaceFinder:
  """Finds faces."""

  def __init__(self) -> None:
    """Loads what finds them: 100 MB.

    Raises:
      ImportError: a package is missing (see `has_faces`).
    """
    import dlib

    self._dlib: Any = dlib
    self._detect = dlib.get_frontal_face_detector()
    self._mark = dlib.shape_predictor(
      _weights("shape_predictor_68_face_landmarks")
    )
    # The detector works in memory of its own.
    self._one_at_a_time = threading.Lock()

  def find(self, image: np.ndarray) -> np.ndarray | None:
    """Finds the face of a picture: of several, the surest.

    Args:
      image: uint8 [S, S, 3].

    Returns:
      [68, 2], the x and y of its landmarks (300-W's), where the picture's sides
      are 1; they may lie beyond. None where there is no face.
    """
    resized = _resize(image)
    with self._one_at_a_time:
      rectangles, scores, _ = self._detect.run(resized, 0, _SURE)
    if not rectangles:
      return None
    best = rectangles[int(np.argmax(scores))]
    return self._landmarks(resized, best) / _SIDE

  def find_all(self, photo: Image.Image) -> list[np.ndarray]:
    """Finds the faces of a photo, the largest first.

    Those that are tilted by no more than 30 degrees, and have 80 pixels where
    the photo has 1,024 on its longer side, or all that it has.

    Args:
      photo: RGB, of any size.

    Returns:
      Of each [68, 2], the x and y of its landmarks in the photo's pixels.
    """
    short, long = sorted(photo.size)
    scale = min(max(_SIDE / short, 1), _LONGEST / long)
    size = [max(1, round(scale * x)) for x in photo.size]
    resized = np.asarray(photo.resize(size, Image.Resampling.BICUBIC))
    with self._one_at_a_time:
      rectangles, _, _ = self._detect.run(resized, 0, 0.0)
    largest = sorted(rectangles, key=lambda x: x.area(), reverse=True)
    whole = np.divide(photo.size, size)
    return [self._landmarks(resized, x) * whole for x in largest]

  def _landmarks(self, picture: np.ndarray, rectangle: Any) -> np.ndarray:
    face = self._mark(picture, rectangle)
    return np.array([(point.x, point.y) for point in face.parts()], float)


class FaceNetwork(FaceFinder):
  """Finds faces, and describes whose they are."""

  def __init__(self) -> None:
    """Loads the networks: a second, and 200 MB of memory.

    Raises:
      ImportError: a package is missing (see `has_faces`).
    """
    super().__init__()
    self._network = self._dlib.face_recognition_model_v1(
      _weights("dlib_face_recognition_resnet_model_v1")
    )

  def describe(
    self, images: np.ndarray, landmarks: Sequence[np.ndarray]
  ) -> np.ndarray:
    """Describes whose face is where landmarks are: 0.08 s each, of a core.

    Args:
      images: uint8 [N, S, S, 3].
      landmarks: [68, 2] of each, as `find` returns them.

    Returns:
      float64 [N, 128]; the distance of two is to be compared with SAME.
    """
    if not len(images):
      return np.zeros((0, 128))
    chips = [
      self._dlib.get_face_chip(
        _resize(image), self._face(points), _CHIP, _PADDING
      )
      for image, points in zip(images, landmarks, strict=True)
    ]
    return np.array(self._network.compute_face_descriptor(chips))

  def _face(self, landmarks: np.ndarray) -> Any:
    """Returns the landmarks as dlib has them; it looks at no rectangle."""
    pixels = np.rint(landmarks * _SIDE).astype(int).tolist()
    points = self._dlib.points([self._dlib.point(x, y) for x, y in pixels])
    return self._dlib.full_object_detection(
      self._dlib.rectangle(0, 0, _SIDE, _SIDE), points
    )


def _resize(image: np.ndarray) -> np.ndarray:
  resized = Image.fromarray(image).resize(
    (_SIDE, _SIDE), Image.Resampling.BICUBIC
  )
  return np.asarray(resized)
