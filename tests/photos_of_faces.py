"""Photos of which a test knows what they show."""

import numpy as np
from PIL import Image

GREY = (60, 60, 60)


class Finder:
  """Finds faces by their two eyes: a pixel of pure red, and of pure green.

  The first in a photo counts as the largest.
  """

  def find_all(self, photo):
    pixels = np.asarray(photo)
    lefts, rights = (
      np.argwhere((pixels == 255 * np.eye(3)[column]).all(-1))[:, ::-1]
      for column in (0, 1)
    )
    faces = []
    for left, right in zip(lefts, rights, strict=True):
      landmarks = np.zeros((68, 2))
      landmarks[36:42], landmarks[42:48] = left + 0.5, right + 0.5
      faces.append(landmarks)
    return faces


def draw_face(path, eyes, size=(60, 40)):
  """Writes a grey photo with faces, the left eye of each first."""
  photo = Image.new("RGB", size, GREY)
  for number, eye in enumerate(eyes):
    photo.putpixel(eye, (0, 255, 0) if number % 2 else (255, 0, 0))
  photo.save(path)
  return path


def draw_detail(width=90, height=70, seed=0):
  """Returns a photo that is smooth, with detail."""
  y, x = np.mgrid[:height, :width]
  smooth = [120 + 60 * np.sin(x / 20), 120 + 60 * np.cos(y / 15), x + y / 2]
  noise = np.random.default_rng(seed).integers(-9, 10, (height, width, 3))
  pixels = np.stack(smooth, -1) + noise
  return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
