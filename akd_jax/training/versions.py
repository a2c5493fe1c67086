"""Which versions of programs a run was trained with: WORKDIR/versions.json.

A list, oldest first: {"from_step": the step after which these began, and of
each package its version}. A run that goes on with the same ones adds nothing.
"""

import importlib.metadata
import json
import pathlib
import platform
from typing import Any

from akd_jax.common.errors import UserError, reason_of
from akd_jax.common.files import write_whole
from akd_jax.common.json_text import parse

# What computes a step, or decides what goes into it.
PACKAGES = (
  "jax", "jaxlib", "flax", "optax", "numpy", "grain", "pillow",
  "dicebear-core", "dicebear-styles", "resvg-py",
)  # fmt: skip
_FILE = "versions.json"
_STEP = "from_step"


def list_versions() -> dict[str, str]:
  """Returns the versions of Python and of PACKAGES, by name."""
  return {
    "python": platform.python_version(),
    **{name: importlib.metadata.version(name) for name in PACKAGES},
  }


def note(workdir: str, step: int) -> None:
  """Notes the versions with which a run begins, or goes on.

  Args:
    workdir: the run's directory.
    step: that are done.

  Raises:
    UserError: WORKDIR/versions.json is damaged.
  """
  known = read(workdir)
  ours = {"akd_jax": importlib.metadata.version("akd_jax")} | list_versions()
  if known and {k: x for k, x in known[-1].items() if k != _STEP} == ours:
    return
  with write_whole(pathlib.Path(workdir, _FILE)) as path:
    path.write_text(json.dumps([*known, {_STEP: step} | ours], indent=2) + "\n")


def read(workdir: str) -> list[dict[str, Any]]:
  """Reads WORKDIR/versions.json; of earlier versions' runs there is none.

  Raises:
    UserError: it is damaged.
  """
  path = pathlib.Path(workdir, _FILE)
  if not path.exists():
    return []
  try:
    known = parse(path.read_text())
  except (OSError, ValueError) as error:
    raise UserError(f"cannot read {path}: {reason_of(error)}") from None
  if not isinstance(known, list) or not all(map(_is_entry, known)):
    raise UserError(f"{path} is no list of versions: remove it")
  return known


def _is_entry(entry: Any) -> bool:
  return isinstance(entry, dict) and all(
    isinstance(value, int if name == _STEP else str)
    for name, value in entry.items()
  )


def describe(workdir: str) -> str:
  """Returns the versions of a run in one line; "" where it has noted none.

  Raises:
    UserError: WORKDIR/versions.json is damaged.
  """
  return "; then ".join(
    ", ".join(f"{k} {x}" for k, x in entry.items() if k != _STEP)
    for entry in read(workdir)
  )
