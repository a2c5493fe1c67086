"""Whether a generator draws checkerboards: energy at the highest frequency."""

from typing import Any

import numpy as np

from akd_jax.evaluation.metrics.metric import PERCENT, Metric, read_rows
from akd_jax.evaluation.metrics.outcome import Outcome

# Pictures that are transformed at a time: for memory.
_TOGETHER = 256


def nyquist_share(images: np.ndarray) -> float | None:
  """Returns how much of pictures' energy changes sign from pixel to pixel.

  Of the power of the Fourier transform of each picture's brightness without its
  mean: the part in the row and the column of Nyquist's frequency, half a period
  a pixel. A transposed convolution of stride 2 leaves its pattern there (Odena
  et al., Deconvolution and Checkerboard Artifacts, 2016).

  Args:
    images: uint8 [N, S, S, 3], S even.

  Returns:
    The mean over pictures, in [0, 1]; those of a single colour count 0. None
    without pictures.
  """
  if not len(images):
    return None
  size = images.shape[1]
  if size % 2:
    raise ValueError(f"pictures of {size} pixels have no Nyquist frequency")
  pieces = range(0, len(images), _TOGETHER)
  shares = [_shares(images[i : i + _TOGETHER]) for i in pieces]
  return float(np.mean(np.concatenate(shares)))


def _shares(images: np.ndarray) -> np.ndarray:
  """Returns `nyquist_share` of each picture, [N], by Parseval's theorem."""
  brightness = images.mean(-1)
  brightness -= brightness.mean((1, 2), keepdims=True)
  size = brightness.shape[1]
  signs = 1 - 2 * (np.arange(size) % 2)
  # Transformed along one axis at half a period a pixel.
  row, column = signs @ brightness, brightness @ signs
  # Their corner is in both.
  highest = size * (np.square(row).sum(1) + np.square(column).sum(1))
  highest -= np.square(row @ signs)
  power = size**2 * np.square(brightness).sum((1, 2))
  # Of a single colour nothing is left but rounding.
  return np.asarray(highest / np.maximum(power, 1e-6))


def _measure(outcome: Outcome) -> dict[str, Any]:
  return {
    "checkerboard": {
      "value": nyquist_share(outcome.translated),
      "chance": nyquist_share(outcome.sources),
    }
  }


CHECKERBOARD = Metric(
  title="checkerboards",
  explanation=(
    "Share of the pictures' energy that changes sign from pixel to pixel; more"
    " than in the pictures themselves is a pattern of the generator's own."
  ),
  unit=PERCENT._replace(digits=2),
  better="neither",
  chance="the pictures themselves",
  needs=(),
  read=read_rows("checkerboard", "value", chance=("checkerboard", "chance")),
  measure=_measure,
)
