"""Attention against known regions, worked out by hand."""

import json

import numpy as np
import pytest

from akd_jax.evaluation.metrics.localization import localization

SCORES = ("share", "pointing", "iou")


def region(count=1, size=8, height=4, width=4):
  """The upper left corner."""
  masks = np.zeros((count, size, size), bool)
  masks[:, :height, :width] = True
  return masks


def values(result, level="value"):
  return [result[name][level] for name in SCORES]


def test_a_map_equal_to_the_region_is_perfect():
  masks = region(2)
  result = localization(masks[:, ::2, ::2].astype(np.float32), masks)
  assert values(result) == values(result, "best") == [1, 1, 1]
  assert json.loads(json.dumps(result)) == result


def test_a_uniform_map_is_at_chance():
  masks = region(height=6)
  result = localization(np.full((1, 4, 4), 3e-4, np.float32), masks)
  area = 24 / 64
  expected = pytest.approx([area, area, area / (2 - area)])
  assert values(result) == expected
  assert values(result, "chance") == expected


def test_random_pixels_reach_the_chance_level_on_average():
  rng = np.random.default_rng(0)
  masks = region(3000, size=6, height=4, width=3)
  result = localization(rng.uniform(size=(3000, 6, 6)), masks)
  # The chance of IoU is that of the average overlap: its mean is near it.
  np.testing.assert_allclose(
    values(result), values(result, "chance"), atol=0.03
  )


def test_a_map_elsewhere_scores_nothing():
  maps = np.zeros((1, 4, 4))
  maps[0, 2:, 2:] = 1
  assert values(localization(maps, region())) == [0, 0, 0]


def test_scores_worked_out_by_hand():
  # The region is the upper left quarter: cells 5, 1 / 0, 0 of the map.
  maps = np.array([[[5, 1, 3, 0], [0, 0, 2, 4], [1, 0, 0, 0], [0, 0, 0, 0]]])
  result = localization(maps, region())
  # Of the four largest (5, 4, 3, 2) one lies inside: 1 of 4 + 4 - 1.
  assert values(result) == pytest.approx([6 / 16, 1, 1 / 7])


def test_tied_pixels_share_what_they_hit():
  maps = np.zeros((1, 4, 4))
  maps[0, 0, 0] = maps[0, 3, 3] = 1  # one inside, one outside
  result = localization(maps, region())
  assert result["pointing"]["value"] == 0.5
  # Two of the four cells picked are these; the others are 2 of 14 zeros, of
  # which 3 lie inside.
  overlap = 1 + 2 * 3 / 14
  assert result["iou"]["value"] == pytest.approx(overlap / (8 - overlap))


def test_a_region_finer_than_the_cells_has_a_best_below_one():
  masks = region(height=1, width=3)  # a cell half covered, one a quarter
  maps = np.zeros((1, 4, 4))
  maps[0, 0, 0] = 1
  result = localization(maps, masks)
  assert values(result)[:2] == values(result, "best")[:2] == [0.5, 0.5]
  # Three quarters of a cell are picked, half of them inside.
  overlap = 0.75 * 0.5
  assert result["iou"]["value"] == pytest.approx(overlap / (1.5 - overlap))


@pytest.mark.parametrize("cell", [1, 3, 5])
def test_no_map_beats_the_best(cell):
  rng = np.random.default_rng(cell)
  masks = rng.uniform(size=(40, 15, 15)) > 0.7
  maps = rng.uniform(size=(40, 15 // cell, 15 // cell)).round(1)
  result = localization(maps, masks)
  for name in SCORES:
    assert 0 <= result[name]["value"] <= result[name]["best"] <= 1


def test_the_size_of_a_map_does_not_matter():
  rng = np.random.default_rng(0)
  masks = rng.uniform(size=(5, 8, 8)) > 0.6
  maps = rng.uniform(size=(5, 4, 4)).astype(np.float32)
  once, again = localization(maps, masks), localization(1e-6 * maps, masks)
  np.testing.assert_allclose(values(once), values(again), rtol=1e-5)


def test_a_region_that_is_everything_is_hit():
  result = localization(np.eye(3)[None], np.ones((1, 9, 9), bool))
  for level in ("value", "chance", "best"):
    assert values(result, level) == pytest.approx([1, 1, 1])


def test_empty_maps_and_regions_are_left_out_and_counted():
  masks = region(4)
  maps = masks[:, ::2, ::2].astype(float)
  maps[0] = 0
  masks[1] = masks[2] = False
  result = localization(maps, masks)
  assert values(result) == [1, 1, 1]
  counts = [result[k] for k in ("images", "empty_maps", "empty_masks")]
  assert counts == [1, 1, 2]
  nothing = localization(np.zeros((4, 4, 4)), masks)
  assert values(nothing) == values(nothing, "best") == [None] * 3


def test_what_is_no_attention_map_is_refused():
  for bad in (-1, np.nan, np.inf):
    maps = np.ones((1, 4, 4))
    maps[0, 0, 0] = bad
    with pytest.raises(ValueError, match="negative or no number"):
      localization(maps, region())
  with pytest.raises(ValueError, match="no multiple"):
    localization(np.ones((1, 3, 3)), region())
  with pytest.raises(ValueError, match="are not"):
    localization(np.ones((2, 4, 4)), region())
