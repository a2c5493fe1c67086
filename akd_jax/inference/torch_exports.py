"""Networks for PyTorch: for its released code, or with code of ours."""

import os
import pathlib
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.common.paths import check_ending
from akd_jax.inference.description import describe
from akd_jax.inference.exports import arrays_of, pack, write_files
from akd_jax.interop import releases, torch_writer
from akd_jax.interop.numpy_program import takes_own
from akd_jax.interop.releases import RELEASES, Release

if TYPE_CHECKING:
  from akd_jax.training.run import Run

# {path: what writes the file there, once it is open}.
Parts = dict[str, Callable[[IO[bytes]], Any]]

# What draws a network in PyTorch. It is copied away, and never imported here.
_CODE = pathlib.Path(releases.__file__).parent / "torch/torch_program.py"
_NETWORK = "network.npz"


def export_torch(run: "Run", path: str) -> list[str]:
  """Writes a network for PyTorch.

  State dicts that the released code of its system loads strictly; a path
  without an ending is a directory, for generator and discriminator. A generator
  that such code can not draw is written to a directory, with a file that runs
  it there.

  Raises:
    UserError: that is to go into a file, or the system has no program.
  """
  release = _find_release(run)
  if isinstance(release, Release):
    list_parts = _list_both if _is_directory(path) else _list_generator
    return write_files(list_parts(release, run, path))
  if _is_directory(path):
    return write_files(_list_program(run, path))
  raise UserError(
    f"{release}: name a folder, and it gets a network of its own beside the"
    " code that runs it in PyTorch"
  )


def _is_directory(path: str) -> bool:
  return os.path.isdir(path) or not os.path.splitext(path)[1]


def _list_generator(release: Release, run: "Run", path: str) -> Parts:
  """Lists what is written to a file, by its path."""
  check_ending(path, (".ckpt", ".pt", ".pth", ".npz"))
  state = release.generator(arrays_of(run), run.config, len(run.attributes))
  note = say_notes(run)
  if path.endswith(".npz"):
    return {path: lambda file: torch_writer.write_npz(file, state, note)}
  if release.one_file:
    return {path: _checkpoint({"G": state}, note)}
  return {path: _state_dict(state, note)}


def _list_both(release: Release, run: "Run", folder: str) -> Parts:
  """Lists what is written to a directory, by the paths of the files."""
  from flax import traverse_util

  about = run.config, len(run.attributes)
  flat = traverse_util.flatten_dict(run.model.discriminator, sep="/")
  states = {
    "G": release.generator(arrays_of(run), *about),
    "D": release.discriminator(flat, *about),
  }
  start = os.path.join(folder, "weights." * release.one_file + str(run.step))
  note = say_notes(run)
  readme = f"{note}\n".encode()
  parts: Parts = {f"{start}-README.txt": lambda file: file.write(readme)}
  if release.one_file:
    return parts | {f"{start}.pth": _checkpoint(states, note)}
  return parts | {
    f"{start}-{name}.ckpt": _state_dict(state, note)
    for name, state in states.items()
  }


def _checkpoint(states: Any, note: str) -> Callable[[IO[bytes]], Any]:
  return lambda file: torch_writer.write_checkpoint(file, states, note)


def _state_dict(state: Any, note: str) -> Callable[[IO[bytes]], Any]:
  return lambda file: torch_writer.write_state_dict(file, state, note)


def _list_program(run: "Run", folder: str) -> Parts:
  """Lists what PyTorch runs without released code, by its path."""
  content = pack(run, "torch", with_program=True)
  return {
    os.path.join(folder, _NETWORK): lambda file: np.savez(file, **content),
    os.path.join(folder, _CODE.name): lambda file: file.write(
      _CODE.read_bytes()
    ),
  }


def say_notes(run: "Run") -> str:
  """Returns what people who load this in PyTorch have to know."""
  release = _find_release(run)
  if isinstance(release, str):
    told = takes_own(describe(run, with_program=True))
    own = ", own" if told else ""
    return f"""\
In the folder, where {_CODE.name} is:
  from {_CODE.stem} import load
  network = load("{_NETWORK}")
  translated = network(image, label{own})
The label's attributes, in order: {", ".join(run.attributes)}."""
  options = release.options(run.config, len(run.attributes), run.step)
  flags = " ".join(f"--{x}={value}" for x, value in options.items())
  return f"""\
For the code of github.com/{release.code} with
  {flags}
The label's attributes, in order: {", ".join(run.attributes)}.

{release.note}"""


def _find_release(run: "Run") -> Release | str:
  """Returns the code that a run's networks are for, or why there is none."""
  from akd_jax.systems import system_of

  network = system_of(run.config).network
  if network not in RELEASES:
    return f"there is no released PyTorch code of {run.config.system}"
  release = RELEASES[network]
  for field, value in release.constants.items():
    section, name = field.split(".")
    found = run.config[section][name]
    if found != value:
      return (
        f"config.{field} is {found!r}, and the released {release.code} knows"
        f" {value!r} alone"
      )
  return release
