"""Errors against the true translation, worked out by hand."""

import json

import numpy as np
import pytest

from akd_jax.evaluation.metrics.counterfactual import counterfactual_errors


def scene(count=1, size=4):
  """Grey people whose true translation whitens their upper half."""
  sources = np.full((count, size, size, 3), 55, np.uint8)
  masks = np.zeros((count, size, size), bool)
  masks[:, : size // 2] = True
  truths = sources.copy()
  truths[masks] = 255
  return sources, truths, masks


def test_a_perfect_translation_has_no_error():
  sources, truths, masks = scene(3)
  result = counterfactual_errors(sources, truths, truths, masks)
  assert result == {
    "inside": {"error": 0.0, "nothing": pytest.approx(200 / 255)},
    "outside": {"error": 0.0, "nothing": 0.0, "psnr": None},
    "images": 3,
    "left_out": 0,
  }
  assert json.loads(json.dumps(result)) == result


def test_doing_nothing_has_the_error_of_doing_nothing():
  sources, truths, masks = scene()
  result = counterfactual_errors(sources, sources, truths, masks)
  assert result["inside"]["error"] == result["inside"]["nothing"]
  assert result["outside"]["error"] == result["outside"]["nothing"] == 0


def test_errors_inside_and_outside_are_kept_apart():
  sources, truths, masks = scene()
  translated = truths.copy()
  translated[0, 0, 0] = 204  # 51 too dark, in one of 8 pixels inside
  translated[0, 3, 3, 1] += 102  # in one of 24 numbers outside
  result = counterfactual_errors(sources, translated, truths, masks)
  assert result["inside"]["error"] == pytest.approx(0.2 / 8)
  assert result["outside"]["error"] == pytest.approx(0.4 / 24)
  decibel = -10 * np.log10(0.4**2 / 24)
  assert result["outside"]["psnr"] == pytest.approx(decibel)


@pytest.mark.parametrize("size", [0, 1])
def test_the_largest_error_does_not_overflow(size):
  sources, truths, masks = scene()
  truths[~masks] = 255 * size
  translated = 255 - truths
  outside = counterfactual_errors(sources, translated, truths, masks)["outside"]
  assert outside["error"] == 1
  assert outside["psnr"] == pytest.approx(0)


def test_every_person_counts_alike_however_large_the_region():
  sources, truths, masks = scene(2)
  masks[1] = False
  masks[1, 0, 0] = True
  translated = truths.copy()
  translated[1, 0, 0] = 0  # all that the second person's attribute owns
  result = counterfactual_errors(sources, translated, truths, masks)
  assert result["inside"]["error"] == pytest.approx(0.5)


def test_images_without_an_inside_or_an_outside_are_left_out_and_counted():
  sources, truths, masks = scene(4)
  masks[0], masks[1] = False, True
  translated = truths.copy()
  translated[:2] = 0
  result = counterfactual_errors(sources, translated, truths, masks)
  assert (result["images"], result["left_out"]) == (2, 2)
  assert result["inside"]["error"] == result["outside"]["error"] == 0


def test_no_image_at_all_gives_no_figure():
  sources, truths, masks = scene(2)
  for arrays in (
    (sources, truths, truths, np.zeros_like(masks)),
    tuple(array[:0] for array in (sources, truths, truths, masks)),
  ):
    result = counterfactual_errors(*arrays)
    assert result["inside"] == {"error": None, "nothing": None}
    assert result["outside"]["psnr"] is None and result["images"] == 0


def test_pictures_of_different_sizes_are_refused():
  sources, truths, masks = scene()
  with pytest.raises(ValueError, match="do not fit"):
    counterfactual_errors(sources, truths[:, :2], truths, masks)
  with pytest.raises(ValueError, match="do not fit"):
    counterfactual_errors(sources, truths, truths, masks[:, :2])
