"""How a run's pictures frame faces, so that a photo is framed as they are."""

from typing import Any

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.data import dataset_of, pipeline
from akd_jax.data.photos.frames import CELEBA, Framing
from akd_jax.evaluation import kept_measures
from akd_jax.evaluation.kept_measures import PicturesMissing
from akd_jax.evaluation.selection import spread_evenly
from akd_jax.interop.dlib_faces import (
  has_faces,
  load_finder,
  middles_of_eyes,
)
from akd_jax.training.run_dir import Run

# Of the validation split, how many are looked at; of how many a face has to be
# found.
COUNT, FOUND = 60, 0.5


def find_framing(run: Run) -> Framing:
  """Returns how a run's validation pictures frame faces: their median.

  Where they are not at hand it is CelebA's.

  Raises:
    UserError: the pictures are drawn, or show no faces that are found; or a
      package is missing.
  """
  data, finder = run.config.data, load_finder()
  if dataset_of(data).drawn:
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

  try:
    known = kept_measures.load_or_measure(
      data, "framing", (COUNT, FOUND), measure
    )
  except PicturesMissing:
    return CELEBA
  return Framing("the run's validation photos", **known)


def known_framing(run: Run) -> Framing | None:
  """Returns how a run's pictures frame faces, as far as that is known here.

  CelebA's where the packages are missing and they are of CelebA; None of other
  pictures then, of drawn faces, and where no faces are found.
  """
  data = run.config.data
  if not has_faces():
    return CELEBA if data.name == "celeba" else None
  try:
    return find_framing(run)
  except UserError:
    return None


def _median(eyes: np.ndarray) -> dict[str, float]:
  """Returns the median framing of eyes [N, 2, 2], the sides being 1."""
  apart = np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1)
  x, y = np.median(eyes.mean(1), axis=0).tolist()
  return {"x": x, "y": y, "apart": float(np.median(apart))}
