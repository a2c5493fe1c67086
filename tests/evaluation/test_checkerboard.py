"""Checkerboards are what changes sign from pixel to pixel."""

import numpy as np
import pytest

from akd_jax.evaluation.metrics.checkerboard import CHECKERBOARD, nyquist_share
from akd_jax.evaluation.metrics.outcome import Outcome

pytestmark = pytest.mark.quick
ROWS, COLUMNS = np.indices((8, 8))


def picture(brightness):
  return np.broadcast_to(brightness[None, ..., None], (1, 8, 8, 3))


@pytest.mark.parametrize("pattern", [ROWS, COLUMNS, ROWS + COLUMNS])
def test_a_pattern_of_single_pixels_is_all_of_its_energy(pattern):
  stripes = (100 + 50 * (pattern % 2)).astype(np.uint8)
  assert nyquist_share(picture(stripes)) == pytest.approx(1)


def test_slower_patterns_and_single_colours_have_none():
  slower = (100 + 50 * (ROWS // 2 % 2)).astype(np.uint8)
  assert nyquist_share(picture(slower)) == pytest.approx(0, abs=1e-9)
  assert nyquist_share(picture(np.full((8, 8), 7, np.uint8))) == 0


def test_energies_of_patterns_add_up_by_their_squares():
  both = 100 + 30 * (ROWS % 2) + 60 * (COLUMNS // 4)
  # Parseval: variances of the two.
  assert nyquist_share(picture(both.astype(np.uint8))) == pytest.approx(
    15**2 / (15**2 + 30**2)
  )


def test_it_is_the_share_of_a_fourier_transform_of_each_picture():
  rng = np.random.default_rng(0)
  # More than are looked at together.
  pictures = rng.integers(0, 256, (300, 8, 8, 3), dtype=np.uint8)
  power = np.abs(np.fft.fft2(pictures.mean(-1))) ** 2
  power[:, 0, 0] = 0
  highest = power[:, 4].sum(1) + power[:, :, 4].sum(1) - power[:, 4, 4]
  wanted = np.mean(highest / power.sum((1, 2)))
  assert nyquist_share(pictures) == pytest.approx(wanted, rel=1e-12)


def test_of_no_pictures_there_is_none():
  assert nyquist_share(np.zeros((0, 8, 8, 3), np.uint8)) is None


def test_translations_are_compared_with_their_own_pictures():
  stripes, slower = (np.uint8(9 * (ROWS // x % 2)) for x in (1, 2))
  fields = dict.fromkeys(Outcome._fields)
  fields |= {"translated": picture(stripes), "sources": picture(slower)}
  found = CHECKERBOARD.measure(Outcome(**fields))["checkerboard"]
  assert found == pytest.approx({"value": 1, "chance": 0}, abs=1e-9)
