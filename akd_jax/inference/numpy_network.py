"""An exported generator, run with NumPy alone."""

from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.inference.network import Wanted
from akd_jax.interop import numpy_program


class NumpyNetwork(NamedTuple):
  """A `Network` of what `export --format=numpy` wrote.

  Attributes:
    params: by path.
    about: its metadata.
    run, explained: what it does not have.
  """

  params: Mapping[str, np.ndarray]
  about: Mapping[str, Any]
  run: None = None
  explained: str = "nobody"

  def translate(self, images: np.ndarray, wanted: Wanted) -> np.ndarray:
    """Translates uint8 [N, S, S, 3].

    Raises:
      UserError: the network is too large for pictures of that size.
    """
    try:
      return numpy_program.translate(self.params, self.about, images, *wanted)
    except ValueError as error:
      raise UserError(f"the network cannot be run: {error}") from None

  def attend(
    self,
    images: np.ndarray,
    wanted: Wanted,
    columns: np.ndarray,
    block: str | None,
  ) -> np.ndarray:
    """Refuses, as `check_attention` does."""
    self.check_attention(block)

  def check_attention(self, block: str | None) -> NoReturn:
    """Refuses: attention needs a discriminator's gradient.

    Raises:
      UserError: always.
    """
    raise UserError(
      "a file of --format=numpy has no discriminator, which attention is taken"
      " from: give the run's directory, or a file of --format=run"
    )


def is_numpy_export(path: str) -> bool:
  """Whether a path is one of these files, and not a run's."""
  try:
    with np.load(path, allow_pickle=False) as arrays:
      return "metadata" in arrays.files and "config" not in arrays.files
  except Exception:  # noqa: BLE001 - there is no end to what damage may raise.
    return False


def load_numpy(path: str) -> NumpyNetwork:
  """Loads an exported generator.

  Raises:
    UserError: it is none, or of a format that is not known.
  """
  try:
    return NumpyNetwork(*numpy_program.load(path))
  except (OSError, ValueError) as error:
    raise UserError(str(error)) from None
