"""Arrays that are kept in the user's cache, with a description, in one .npz."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from akd_jax.common import npz
from akd_jax.common.errors import UserError, reason_of
from akd_jax.common.files import write_whole


def write(path: Path, arrays: Mapping[str, np.ndarray], metadata: Any) -> None:
  """Writes arrays and `metadata`, plain JSON, whole or not at all."""
  every: dict[str, Any] = {"metadata": np.array(json.dumps(metadata)), **arrays}
  with write_whole(path) as partial, open(partial, "wb") as file:
    np.savez(file, **every)


def read(path: Path) -> tuple[dict[str, np.ndarray], Any]:
  """Reads what `write` wrote: the arrays by name, and the metadata.

  Raises:
    UserError: the file is damaged.
  """
  try:
    with zipfile.ZipFile(path) as archive:
      arrays = npz.read_every_array(archive)
    metadata = json.loads(str(arrays.pop("metadata")))
  except npz.DAMAGED as error:
    raise _damaged(path, error) from error
  return arrays, metadata


def read_metadata(path: Path) -> Any:
  """Reads the metadata of what `write` wrote, and none of its arrays.

  Raises:
    UserError: the file is damaged.
  """
  try:
    with zipfile.ZipFile(path) as archive:
      npz.check(archive)
      return json.loads(npz.read_text(archive, "metadata"))
  except npz.DAMAGED as error:
    raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UserError:
  return UserError(f"{path} is damaged ({reason_of(error)}): delete it")
