"""Where on a photo an attribute is, by the 68 landmarks of its face.

Drawn faces know which pixels an attribute owns. Photos do not: this is where
CelebA's attributes are looked for by their names, with the margin that glasses,
a smile or a beard may take. A landmark's number is 300-W's: the jaw is 0 to 16,
from ear to ear as the picture shows it, the brows are 17 to 26, the nose 27 to
35, the eyes 36 to 47, the mouth 48 to 67.
"""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

# Landmarks [68, 2] and a side S, in the same unit -> bool [S, S].
Region = Callable[[np.ndarray, int], np.ndarray]

_JAW = tuple(range(17))
_BROWS = tuple(range(26, 16, -1))
_NOSE_BRIDGE, _CHIN = 27, 8
# How far above the brows the forehead goes, and hair around the head: the
# lower part of the face, from the bridge of the nose to the chin, is 1.
_FOREHEAD = 0.35
_HAIR = 1.3
# How many times larger than the photo polygons are drawn.
_FINE = 4


def _outline(margin: float, *outlines: Sequence[int]) -> Region:
  """Returns what is within outlines, each by its landmarks in their order.

  Args:
    margin: how far it goes beyond them, where the eyes are 1 apart.
  """

  def region(landmarks: np.ndarray, side: int) -> np.ndarray:
    eyes = landmarks[36:42].mean(0) - landmarks[42:48].mean(0)
    beyond = margin * float(np.hypot(*eyes))
    inside = np.zeros((side, side), bool)
    for outline in outlines:
      inside |= _within(landmarks[list(outline)], side, beyond)
    return inside

  return region


def _within(points: np.ndarray, side: int, beyond: float = 0.0) -> np.ndarray:
  """Returns the pixels [S, S] in a polygon, or no farther than `beyond`.

  Drawn larger than it is, since Pillow's lines are whole pixels wide.
  """
  picture = Image.new("1", (_FINE * side, _FINE * side))
  draw = ImageDraw.Draw(picture)
  # Pillow's pixels have whole numbers where ours have their centres.
  corners = [(x - 0.5, y - 0.5) for x, y in (_FINE * points).tolist()]
  draw.polygon(corners, fill=1)
  if beyond:
    width = round(2 * _FINE * beyond)
    draw.line([*corners, *corners[:2]], 1, width, "curve")
  parts = np.array(picture).reshape(side, _FINE, side, _FINE)
  return parts.mean((1, 3)) >= 0.5


def _face(landmarks: np.ndarray, side: int) -> np.ndarray:
  """Returns the face with its forehead."""
  up = landmarks[_NOSE_BRIDGE] - landmarks[_CHIN]
  forehead = landmarks[list(_BROWS)] + _FOREHEAD * up
  return _within(np.concatenate([landmarks[list(_JAW)], forehead]), side)


def _head(landmarks: np.ndarray, side: int, lowest: np.ndarray) -> np.ndarray:
  """Returns the head and the hair around it, above a point: an ellipse.

  Eyes are half-way up a head, so that its middle is the bridge of the nose.
  """
  middle = landmarks[_NOSE_BRIDGE]
  down = landmarks[_CHIN] - middle
  across = (landmarks[16] - landmarks[0]) / 2
  turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
  around = np.outer(np.cos(turn), across) + np.outer(np.sin(turn), down)
  y, x = np.mgrid[:side, :side] + 0.5 - lowest[::-1, None, None]
  above = x * down[0] + y * down[1] < 0
  return _within(middle + _HAIR * around, side) & above


def _hair(landmarks: np.ndarray, side: int) -> np.ndarray:
  """Returns the head above the chin, without the face below the brows."""
  below = _within(landmarks[[*_JAW, *_BROWS]], side)
  return _head(landmarks, side, landmarks[_CHIN]) & ~below


def _above_brows(landmarks: np.ndarray, side: int) -> np.ndarray:
  """Returns the forehead and the hair above it."""
  return _head(landmarks, side, landmarks[list(_BROWS)].mean(0))


_EYES = _outline(0.35, (*range(36, 40), *range(42, 48), 40, 41))
_EYEBROWS = _outline(0.12, range(17, 22), range(22, 27))
_NOSE = _outline(0.15, (27, *range(31, 36)))
_MOUTH = _outline(0.2, range(48, 60))
_UPPER_LIP = _outline(0.1, (*range(31, 36), *range(54, 47, -1)))
_LOWER_FACE = _outline(0.1, (*range(4, 13), *range(54, 60), 48))

# By CelebA's name of an attribute.
REGIONS: dict[str, Region] = {
  "Arched_Eyebrows": _EYEBROWS,
  "Bald": _above_brows,
  "Bangs": _above_brows,
  "Big_Lips": _MOUTH,
  "Big_Nose": _NOSE,
  "Black_Hair": _hair,
  "Blond_Hair": _hair,
  "Brown_Hair": _hair,
  "Bushy_Eyebrows": _EYEBROWS,
  "Eyeglasses": _EYES,
  "Goatee": _LOWER_FACE,
  "Gray_Hair": _hair,
  "Heavy_Makeup": _face,
  "Male": _face,
  "Mouth_Slightly_Open": _MOUTH,
  "Mustache": _UPPER_LIP,
  "No_Beard": _LOWER_FACE,
  "Pale_Skin": _face,
  "Pointy_Nose": _NOSE,
  "Receding_Hairline": _above_brows,
  "Rosy_Cheeks": _face,
  "Smiling": _MOUTH,
  "Straight_Hair": _hair,
  "Wavy_Hair": _hair,
  "Wearing_Lipstick": _MOUTH,
  "Young": _face,
}


def draw_region(attribute: str, landmarks: np.ndarray, side: int) -> np.ndarray:
  """Draws where an attribute is on a photo.

  Args:
    attribute: one of REGIONS.
    landmarks: [68, 2], x and y, where the photo's sides are 1.
    side: S, of the photo in pixels.

  Returns:
    bool [S, S].
  """
  return REGIONS[attribute](landmarks * side, side)
