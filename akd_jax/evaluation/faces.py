"""The faces of test photos: found, and described, once each."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from akd_jax.data.dataset import Truth
from akd_jax.evaluation.regions import REGIONS, draw_region
from akd_jax.interop.dlib_faces import FaceNetwork, has_faces


class Network(Protocol):
  """What finds and describes faces, as `dlib_faces.FaceNetwork` does."""

  def find(self, image: np.ndarray) -> np.ndarray | None:
    """Finds the face of a picture.

    Args:
      image: uint8 [S, S, 3].

    Returns:
      [68, 2], the x and y of its landmarks, where the picture's sides are 1;
      None where there is no face.
    """

  def describe(
    self, images: np.ndarray, landmarks: Sequence[np.ndarray]
  ) -> np.ndarray:
    """Describes whose face is where landmarks are.

    Args:
      images: uint8 [N, S, S, 3].
      landmarks: [68, 2] of each, as `find` returns them.

    Returns:
      [N, F]: the closer two are, the more alike are the faces.
    """


class Faces:
  """Compares people, and remembers those whom it has seen."""

  def __init__(self, network: Network):
    self._network = network
    self._landmarks: dict[int, np.ndarray | None] = {}
    self._descriptors: dict[int, np.ndarray] = {}

  def landmarks(
    self, positions: np.ndarray, sources: np.ndarray
  ) -> list[np.ndarray | None]:
    """Finds the faces of test pictures.

    Args:
      positions: [n], which pictures of the test split they are.
      sources: uint8 [n, S, S, 3].

    Returns:
      The landmarks of each, [68, 2]; None where there is no face: see
      `Network.find`.
    """
    for position, image in zip(positions.tolist(), sources, strict=True):
      if position not in self._landmarks:
        self._landmarks[position] = self._network.find(image)
    return [self._landmarks[position] for position in positions.tolist()]

  def regions(
    self, positions: np.ndarray, sources: np.ndarray, attribute: str
  ) -> np.ndarray | None:
    """Draws where an attribute is on test pictures.

    Args:
      positions: [n], which pictures of the test split they are.
      sources: uint8 [n, S, S, 3].
      attribute: its name.

    Returns:
      bool [n, S, S], nowhere true where there is no face; None of an attribute
      that is nowhere in particular.
    """
    if attribute not in REGIONS:
      return None
    masks = np.zeros(sources.shape[:-1], bool)
    found = self.landmarks(positions, sources)
    for mask, landmarks in zip(masks, found, strict=True):
      if landmarks is not None:
        mask[:] = draw_region(attribute, landmarks, len(mask))
    return masks

  def distances(
    self, positions: np.ndarray, sources: np.ndarray, translated: np.ndarray
  ) -> np.ndarray:
    """Compares every translation with every source.

    A translation is looked at where its source's face is: it is the same
    picture otherwise, and what became of the face is the question.

    Args:
      positions: [n], which pictures of the test split the sources are.
      sources: uint8 [n, S, S, 3].
      translated: uint8 [n, S, S, 3].

    Returns:
      [n, n], a line a translation; nan where a source has no face.
    """
    count = len(positions)
    found = self.landmarks(positions, sources)
    seen = [i for i in range(count) if found[i] is not None]
    distances = np.full((count, count), np.nan)
    if seen:
      places: list[Any] = [found[i] for i in seen]
      own = self._describe(positions[seen], sources[seen], places)
      after = self._network.describe(translated[seen], places)
      apart = np.linalg.norm(after[:, None] - own, axis=2)
      distances[np.ix_(seen, seen)] = apart
    return distances

  def _describe(
    self,
    positions: np.ndarray,
    sources: np.ndarray,
    places: Sequence[np.ndarray],
  ) -> np.ndarray:
    """Describes test pictures that have a face: [n, F]."""
    known = self._descriptors
    new = [i for i, x in enumerate(positions.tolist()) if x not in known]
    described = self._network.describe(sources[new], [places[i] for i in new])
    known |= zip(positions[new].tolist(), described, strict=True)
    return np.stack([known[position] for position in positions.tolist()])


def load_faces(truth: Truth | None) -> Faces | None:
  """Returns what finds the faces of photos; None without its packages.

  Args:
    truth: see `pipeline.truth_of`. None, too, where it is known: drawn faces
      are like no person's.
  """
  if truth or not has_faces():
    return None
  return Faces(FaceNetwork())
