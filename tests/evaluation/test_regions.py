"""Regions lie where a face has them, on a photo whose landmarks dlib found."""

import pathlib

import numpy as np
import pytest

from akd_jax.data.attributes import CELEBA
from akd_jax.data.photos.images import load_image
from akd_jax.evaluation.metrics.localization import localization
from akd_jax.evaluation.regions import REGIONS, draw_region

LONDON = pathlib.Path(__file__).parent.parent / "london"
# dlib's of 002_neutral.jpg, its centred square in 256 x 256.
FACE = np.array([
  (71, 138), (73, 153), (77, 168), (81, 182), (85, 196), (91, 208), (100, 218),
  (112, 226), (127, 228), (142, 226), (156, 218), (167, 209), (174, 198),
  (179, 184), (182, 169), (186, 154), (189, 138), (77, 121), (84, 114),
  (93, 111), (103, 112), (112, 117), (138, 116), (148, 111), (159, 109),
  (169, 113), (176, 120), (124, 129), (124, 139), (124, 150), (124, 160),
  (115, 167), (119, 169), (124, 171), (129, 169), (134, 166), (88, 135),
  (94, 129), (103, 128), (110, 135), (102, 138), (93, 138), (143, 135),
  (150, 128), (159, 128), (165, 134), (159, 138), (150, 138), (106, 191),
  (112, 183), (119, 179), (125, 181), (131, 179), (139, 183), (146, 190),
  (139, 195), (131, 198), (125, 199), (119, 198), (112, 197), (110, 191),
  (119, 187), (125, 187), (131, 187), (142, 190), (131, 189), (125, 189),
  (119, 189),
]) / 256  # fmt: skip


def test_regions_are_of_celeba_s_attributes():
  assert set(REGIONS) <= set(CELEBA)


@pytest.mark.parametrize("attribute", REGIONS)
def test_a_region_is_a_part_of_the_picture_whatever_its_size(attribute):
  shares = [draw_region(attribute, FACE, side).mean() for side in (32, 64, 256)]
  assert min(shares) > 0.005 and max(shares) < 0.4
  assert max(shares) < 1.7 * min(shares)


def test_regions_lie_one_beneath_the_other():
  order = (
    "Bangs", "Arched_Eyebrows", "Eyeglasses", "Big_Nose", "Mustache",
    "Smiling", "Goatee",
  )  # fmt: skip
  heights = [np.argwhere(draw_region(x, FACE, 64))[:, 0].mean() for x in order]
  assert heights == sorted(heights)


def test_hair_is_around_the_face_and_a_face_has_all_but_hair():
  hair, face, glasses, mouth = (
    draw_region(name, FACE, 64)
    for name in ("Black_Hair", "Young", "Eyeglasses", "Smiling")
  )
  assert not (hair & mouth).any() and not (hair & glasses)[35:].any()
  assert face[glasses].mean() > 0.95 and face[mouth].all()
  chin = int(FACE[8, 1] * 64)
  assert not hair[chin + 1 :].any() and hair[:chin].any(1).sum() > 50


@pytest.mark.parametrize("attribute", REGIONS)
def test_a_region_turns_with_the_face(attribute):
  region = draw_region(attribute, FACE, 128)
  quarter = np.stack([FACE[:, 1], 1 - FACE[:, 0]], axis=1)
  turned = np.rot90(draw_region(attribute, quarter, 128), -1)
  assert (region & turned).sum() > 0.9 * (region | turned).sum()


def test_a_face_beyond_the_picture_has_what_the_picture_shows_of_it():
  aside = draw_region("Smiling", FACE - [0.5, 0], 64)
  assert not aside[:, 10:].any()
  assert not draw_region("Smiling", FACE + [2, 0], 64).any()


def test_a_smile_changes_the_mouth():
  neutral, smiling = (
    load_image(LONDON / f"002_{how}.jpg", 178, 64).astype(int)
    for how in ("neutral", "smiling")
  )
  change = np.abs(smiling - neutral).mean(-1)[None]
  share = {
    name: localization(change, draw_region(name, FACE, 64)[None])["share"]
    for name in ("Smiling", "Eyeglasses")
  }
  # Of one person's two photos: 14.4 % in 2.9 % of the picture.
  assert share["Smiling"]["value"] > 4 * share["Smiling"]["chance"]
  assert share["Eyeglasses"]["value"] < share["Eyeglasses"]["chance"]
