"""The chart of sizes shows the numbers that the experiment has written."""

import csv
import importlib

import numpy as np
import pytest
from PIL import Image

from tests.small_runs import ROOT

VALUES = {
  "untaught, w 8 n 3": (80e3, 70.0, 40.0, 90.0),
  "that pays, w 8 n 3": (81e3, 91.0, 88.0, 30.0),
  "that pays, w 4 n 3": (22e3, 85.0, 84.0, 45.0),
  "that pays, w 4 n 1": (15e3, 75.0, 80.0, 60.0),
  "teacher": (500e3, 95.0, 81.0, 18.0),
}
METRICS = ("parameters", "accuracy", "identity", "fd_classifier")


@pytest.fixture(name="sizes")
def fixture_sizes(monkeypatch):
  monkeypatch.syspath_prepend(ROOT / "docs")
  return importlib.import_module("sizes")


def test_a_line_goes_through_the_widths_of_a_recipe(sizes):
  found = {
    name: dict(zip(METRICS, x, strict=True)) for name, x in VALUES.items()
  }
  panel = sizes.draw(found).axes[0]
  lines = {x.get_label(): x.get_xydata().tolist() for x in panel.lines}
  assert lines["that pays, 3 blocks"] == [[22e3, 85], [81e3, 91]]
  assert lines["that pays, 1 block"] == [[15e3, 75]]
  assert lines["untaught, 3 blocks"] == [[80e3, 70]]
  (teacher,) = (x for x in panel.lines if x.get_label().startswith("_"))
  assert set(teacher.get_ydata()) == {95.0}


def test_the_picture_is_drawn_of_the_seeds_numbers(sizes, tmp_path):
  results, picture = tmp_path / "sizes.csv", tmp_path / "sizes.png"
  with results.open("w", newline="") as file:
    lines = csv.writer(file)
    lines.writerow(["variant", "seed", "metric", "attribute", "value"])
    for variant, values in VALUES.items():
      for metric, value in zip(METRICS, values, strict=True):
        lines.writerow([variant, 0, metric, "", value])
  sizes.main(results, picture)
  with Image.open(picture) as image:
    colours = set(map(tuple, np.asarray(image.convert("RGB")).reshape(-1, 3)))
  # matplotlib's blue and orange.
  assert {(31, 119, 180), (255, 127, 14)} <= colours
