"""Networks as state dicts that the released PyTorch code loads."""

import functools
import os
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.inference.exports import arrays_of, check_ending, write_files
from akd_jax.interop import (
  torch_attgan,
  torch_relgan,
  torch_stargan,
  torch_writer,
)

if TYPE_CHECKING:
  from akd_jax.training.run_dir import Run

States = Mapping[str, Mapping[str, np.ndarray]]


class _Release(NamedTuple):
  """The PyTorch code of a system.

  Attributes:
    code: where it is.
    states: (generator, discriminator, config, classes) -> both state dicts.
    constants: {field of the config: the only value that the code has}.
    options: what the code is to be told of a run.
    one_file: whether it keeps both networks in one file, as G and D.
    note: what else people have to know.
  """

  code: str
  states: Callable[..., dict[str, dict[str, np.ndarray]]]
  constants: Mapping[str, Any]
  options: Callable[["Run"], dict[str, Any]]
  one_file: bool
  note: str


def _stargan_options(run: "Run") -> dict[str, Any]:
  generator, discriminator = run.config.generator, run.config.discriminator
  return {
    "image_size": run.config.data.image_size,
    "c_dim": len(run.attributes),
    "g_conv_dim": generator.width,
    "g_repeat_num": generator.blocks,
    "d_conv_dim": discriminator.width,
    "d_repeat_num": discriminator.layers,
    "test_iters": run.step,
  }


def _attgan_options(run: "Run") -> dict[str, Any]:
  generator, discriminator = run.config.generator, run.config.discriminator
  return {
    "img_size": run.config.data.image_size,
    "shortcut_layers": generator.shortcut,
    "inject_layers": generator.inject,
    "enc_dim": generator.width,
    "dec_dim": generator.width,
    "enc_layers": generator.layers,
    "dec_layers": generator.layers,
    "dis_dim": discriminator.width,
    "dis_layers": discriminator.layers,
    "dis_fc_dim": discriminator.hidden,
  }


def _relgan_options(run: "Run") -> dict[str, Any]:
  return {"image_size": run.config.data.image_size}


_RELEASES = {
  "stargan": _Release(
    "yunjey/stargan",
    torch_stargan.write,
    {"generator.output": "image"},
    _stargan_options,
    one_file=False,
    note=torch_stargan.EVAL_NOTE,
  ),
  "attgan": _Release(
    "elvisyjlin/AttGAN-PyTorch",
    torch_attgan.write,
    torch_attgan.CONSTANTS,
    _attgan_options,
    one_file=True,
    note="The code's label is 0.5 and -0.5, and its discriminator has 13\n"
    "attributes and 1,024 channels in its last map, whatever it is told.",
  ),
  "relgan": _Release(
    "elvisyjlin/RelGAN-PyTorch",
    torch_relgan.write,
    {},
    _relgan_options,
    one_file=True,
    note="The code's vector is what is there less what is wanted; its nn.py\n"
    "says how wide its layers are.",
  ),
}


def export_torch(run: "Run", path: str) -> list[str]:
  """Writes state dicts that the released code of a system loads strictly.

  A path without an ending is a directory, for generator and discriminator.

  Raises:
    UserError: the released generator can not draw what this one draws.
  """
  from flax import traverse_util

  release = _release_of(run)
  discriminator = traverse_util.flatten_dict(run.model.discriminator, sep="/")
  states = release.states(
    arrays_of(run), discriminator, run.config, len(run.attributes)
  )
  write = _write_both if _is_directory(path) else _write_generator
  return write(release, states, path, run)


def _is_directory(path: str) -> bool:
  return os.path.isdir(path) or not os.path.splitext(path)[1]


def _write_generator(
  release: _Release, states: States, path: str, run: "Run"
) -> list[str]:
  check_ending(path, (".ckpt", ".pt", ".pth", ".npz"))
  note = notes(run)
  content: Any = states["G"]
  write: Callable[..., None] = torch_writer.write_state_dict
  if path.endswith(".npz"):
    write = torch_writer.write_npz
  elif release.one_file:
    write, content = torch_writer.write_checkpoint, {"G": content}
  return write_files(
    {path: functools.partial(_write_part, write, content, note)}
  )


def _write_both(
  release: _Release, states: States, folder: str, run: "Run"
) -> list[str]:
  note = notes(run)
  start = os.path.join(folder, "weights." * release.one_file + str(run.step))
  parts: dict[str, tuple[Callable[..., None], Any]] = {
    f"{start}-{name}.ckpt": (torch_writer.write_state_dict, state)
    for name, state in states.items()
  }
  if release.one_file:
    parts = {f"{start}.pth": (torch_writer.write_checkpoint, states)}
  return write_files(
    {f"{start}-README.txt": lambda file: file.write(f"{note}\n".encode())}
    | {
      path: functools.partial(_write_part, *part, note)
      for path, part in parts.items()
    }
  )


def _write_part(
  write: Callable[..., None], content: Any, note: str, file: IO[bytes]
) -> None:
  write(file, content, note)


def notes(run: "Run") -> str:
  """Returns what people who load these state dicts have to know."""
  release = _release_of(run)
  flags = " ".join(
    f"--{x}={value}" for x, value in release.options(run).items()
  )
  return f"""\
For the code of github.com/{release.code} with
  {flags}
The label's attributes, in order: {", ".join(run.attributes)}.

{release.note}"""


def _release_of(run: "Run") -> _Release:
  """Returns the code that a run's networks are for.

  Raises:
    UserError: no released code has such networks.
  """
  from akd_jax.systems import system_of

  network = system_of(run.config).network
  if network not in _RELEASES:
    raise UserError(
      f"--format=torch has no released PyTorch code of {run.config.system} to"
      " write for: choose another format"
    )
  release = _RELEASES[network]
  for field, value in release.constants.items():
    section, name = field.split(".")
    found = run.config[section][name]
    if found != value:
      raise UserError(
        f"config.{field}={found!r}, but --format=torch writes for"
        f" {release.code}, which has {value!r} there: choose another format"
      )
  return release
