"""The leakage matrix, drawn."""

import numpy as np
import pytest
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import CELEBA
from akd_jax.plotting import flip_matrix as matrices


def cell(share):
  return {"flips": share, "images": 10}


def pixels(path):
  with Image.open(path) as image:
    return np.asarray(image).astype(int)


def drawn(matrix, path, **options):
  matrices.draw(matrix, path, **options)
  return pixels(path)


def test_forty_attributes_keep_cells_that_hold_three_digits(tmp_path):
  matrix = {
    target: {name: None if name == target else cell(1.0) for name in CELEBA}
    for target in CELEBA
  }
  image = drawn(matrix, tmp_path / "m.png")
  few = {name: matrix[name] for name in CELEBA[:3]}
  height, width = image.shape[:2]
  assert 40 * 30 < width < 2400 and 40 * 30 < height < 2400
  assert drawn(few, tmp_path / "few.png").shape[0] < height / 3


def test_a_leak_darkens_its_cell(tmp_path):
  def darkness(share):
    matrix = {"Bald": {"Bald": None, "Male": cell(share)}}
    return (255 - drawn(matrix, tmp_path / "m.png")).sum()

  levels = [darkness(share) for share in (0.0, 0.3, 0.6, 1.0)]
  assert levels == sorted(set(levels))


def test_what_was_asked_for_looks_like_no_share(tmp_path):
  pictures = [
    drawn({"Bald": {"Bald": None, "Male": other}}, tmp_path / "m.png")
    for other in (None, cell(None), cell(0.0), cell(0.5))
  ]
  for i, one in enumerate(pictures):
    for other in pictures[i + 1 :]:
      assert one.shape == other.shape and (one != other).any()


def test_colours_do_not_depend_on_the_largest_leak(tmp_path):
  def colours(largest):
    row = {"Bald": None, "Male": cell(0.2), "Young": cell(largest)}
    image = drawn({"Bald": row}, tmp_path / "m.png")
    return {tuple(colour) for colour in image.reshape(-1, 3).tolist()}

  common = colours(0.2) & colours(1.0)
  assert any(np.ptp(colour) > 60 for colour in common)


def test_a_title_is_written_above(tmp_path):
  matrix = {"Bald": {"Bald": None, "Male": cell(0.2)}}
  without = drawn(matrix, tmp_path / "m.png")
  assert (drawn(matrix, tmp_path / "m.png", title="student") != without).any()


def test_an_empty_matrix_is_refused(tmp_path):
  for matrix in ({}, {"Bald": {}}):
    with pytest.raises(UserError, match="is empty"):
      matrices.draw(matrix, tmp_path / "m.png")
  assert not (tmp_path / "m.png").exists()
