"""Whether a generator draws checkerboards: energy at the highest frequency."""

from typing import Any

import numpy as np

from akd_jax.evaluation.metrics.metric import PERCENT, Metric, read_rows
from akd_jax.evaluation.metrics.outcome import Outcome


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
  power = np.abs(np.fft.fft2(images.mean(-1))) ** 2
  power[:, 0, 0] = 0
  half = size // 2
  # Their corner is in both.
  highest = power[:, half].sum(1) + power[:, :, half].sum(1)
  highest -= power[:, half, half]
  # Of a single colour nothing is left but rounding.
  return float(np.mean(highest / np.maximum(power.sum((1, 2)), 1e-6)))


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
