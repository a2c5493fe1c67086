"""How a run's pictures frame faces, so that a photo is framed as they are."""

import contextlib
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.array_digest import digest_arrays
from akd_jax.common.errors import UserError
from akd_jax.data import is_drawn, pipeline
from akd_jax.data.dataset import spread_evenly
from akd_jax.data.photos.frames import CELEBA, Framing
from akd_jax.evaluation import kept_measures
from akd_jax.evaluation.kept_measures import PicturesMissing
from akd_jax.interop.dlib_faces import (
  load_finder,
  middles_of_eyes,
)
from akd_jax.training.run import Run

# Pixels of the largest square of CelebA's photos.
_SIDE = 178
# Of the validation split, how many are looked at; of how many a face has to be
# found.
COUNT, FOUND = 60, 0.5


def find_framing(run: Run) -> Framing:
  """Returns how a run's validation pictures frame faces: their median.

  Where they are not at hand it is CelebA's, by the run's crop.

  Raises:
    UserError: the pictures are drawn, or show no faces that are found; or a
      package is missing.
  """
  return _measured(run) or _celebas(run.config.data)


def known_framing(run: Run) -> Framing | None:
  """Returns how a run's pictures frame faces, where that is known here.

  Of CelebA it always is; of drawn faces, and where none are found, never.
  """
  data = run.config.data
  with contextlib.suppress(UserError):
    if measured := _measured(run):
      return measured
  return _celebas(data) if data.name == "celeba" else None


def _measured(run: Run) -> Framing | None:
  """Returns `find_framing` where the pictures are at hand."""
  data, finder = run.config.data, load_finder()
  if is_drawn(data):
    raise UserError("the network has learnt from drawn faces, not from photos")

  def measure(source: Any) -> dict[str, float]:
    chosen = spread_evenly(len(source), COUNT).tolist()
    batches = pipeline.read_in_batches(source, chosen, data.threads)
    found = [finder.find(image) for images, _ in batches for image in images]
    eyes = [middles_of_eyes(x) for x in found if x is not None]
    if len(eyes) < FOUND * len(found):
      raise UserError(
        f"in {len(found) - len(eyes)} of {len(found)} validation photos of the"
        " network no face is found, so that it is not known how to frame one"
      )
    return _median(np.array(eyes))

  # Another run may have had other photos of the same path.
  look = digest_arrays(run.model.discriminator)
  depends = COUNT, FOUND, look
  try:
    known = kept_measures.load_or_measure(data, "framing", depends, measure)
  except PicturesMissing:
    return None
  return Framing("the run's validation photos", **known)


def _celebas(data: ConfigDict) -> Framing:
  """Returns how CelebA's photos frame faces once their centre is cut out."""
  crop = data.crop if data.name == "celeba" else 0
  times = _SIDE / min(crop or _SIDE, _SIDE)
  return CELEBA._replace(
    x=0.5 + times * (CELEBA.x - 0.5),
    y=0.5 + times * (CELEBA.y - 0.5),
    apart=times * CELEBA.apart,
  )


def _median(eyes: np.ndarray) -> dict[str, float]:
  """Returns the median framing of eyes [N, 2, 2], the sides being 1."""
  apart = np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1)
  x, y = np.median(eyes.mean(1), axis=0).tolist()
  return {"x": x, "y": y, "apart": float(np.median(apart))}
