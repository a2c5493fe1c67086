"""A run in one file: written, and checked before anything is read of it."""

import pathlib
import zipfile
from typing import Any, BinaryIO

import numpy as np
from flax import traverse_util
from ml_collections import ConfigDict

from akd_jax.common import npz
from akd_jax.common.config import read as read_config
from akd_jax.common.errors import UserError, reason_of
from akd_jax.common.files import join_parts, write_whole
from akd_jax.training.run import Run
from akd_jax.training.shapes import parameter_shapes

PRETRAINED = pathlib.Path(__file__).parents[1] / "pretrained"
_SHIPPED = "pretrained:"
# Bytes of a number.
_NUMBER = 8


def is_shipped(name: str) -> bool:
  """Whether a name is that of weights which come with the package."""
  return name.startswith(_SHIPPED)


def read(name: str) -> tuple[ConfigDict, dict[str, Any], int]:
  """Reads a file that `save_run` wrote, or that is shipped.

  Of its arrays nothing is read before its config has said how large they are.

  Args:
    name: a path, or pretrained:NAME.

  Returns:
    The config, resolved; "generator" and "discriminator", parameters in
    float32, and "statistics" of a generator that has any; steps done.

  Raises:
    UserError: there is no such file, it is damaged, or it is something else.
  """
  path = pathlib.Path(name)
  if is_shipped(name):
    path = PRETRAINED / f"{name.removeprefix(_SHIPPED)}.npz"
  try:
    with zipfile.ZipFile(join_parts(path)) as archive:
      return _read(archive, path)
  except FileNotFoundError:
    shipped = ", ".join(sorted(p.stem for p in PRETRAINED.glob("*.npz")))
    raise UserError(
      f"there is no {path}; pretrained: offers {shipped or 'nothing'}"
    ) from None
  except UserError:
    raise
  except npz.DAMAGED as error:
    raise UserError(
      f"{path} is not a run saved as .npz, or damaged: {reason_of(error)}"
    ) from None


def _read(
  archive: zipfile.ZipFile, path: pathlib.Path
) -> tuple[ConfigDict, dict[str, Any], int]:
  npz.check(archive)
  found = npz.list_names(archive)
  if not {"config", "step"} <= found:
    raise UserError(
      f"{path} is not a run saved with --format=run: it has no config"
    )
  config = read_config(npz.read_text(archive, "config"), str(path))
  step = npz.read_array(archive, "step", _NUMBER)
  if step.shape or step.dtype.kind not in "iu" or step < 0:
    raise UserError(f"{path} is of step {step}")
  shapes = parameter_shapes(config, str(path))
  arrays = npz.read_arrays(archive, shapes, also=("config", "step"))
  networks = traverse_util.unflatten_dict(
    {name: x.astype(np.float32) for name, x in arrays.items()}, sep="/"
  )
  return config, networks, int(step)


def save_run(run: Run, path: str, half: bool = True) -> None:
  """Writes `write_run` to a file, whole or not at all."""
  with write_whole(path) as temporary, open(temporary, "wb") as file:
    write_run(run, file, half)


def write_run(run: Run, file: BinaryIO, half: bool = True) -> None:
  """Writes generator and discriminator as one .npz, in `half` precision or not.

  Running statistics are never: they may be too small for it, or too large; nor
  are weights that are too large.
  """

  def narrowed(array: np.ndarray) -> Any:
    if half:
      with np.errstate(over="ignore"):
        narrow = array.astype(np.float16)
      if np.isfinite(narrow).all():
        return narrow
    return array.astype(np.float32)

  model = run.model
  parameters = traverse_util.flatten_dict(
    {"generator": model.generator, "discriminator": model.discriminator},
    sep="/",
  )
  statistics = traverse_util.flatten_dict(
    {"statistics": model.statistics or {}}, sep="/"
  )
  np.savez_compressed(
    file,
    config=np.array(run.config.to_json_best_effort()),
    step=np.array(run.step),
    **{name: narrowed(x) for name, x in parameters.items()},
    **statistics,
  )
