"""Networks for PyTorch: for its released code, or with code of ours."""

import functools
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.inference.description import describe
from akd_jax.inference.exports import (
  arrays_of,
  check_ending,
  pack,
  write_files,
)
from akd_jax.interop import (
  torch_attgan,
  torch_relgan,
  torch_stargan,
  torch_writer,
)
from akd_jax.interop.numpy_program import takes_own

if TYPE_CHECKING:
  from akd_jax.training.run_dir import Run

State = dict[str, np.ndarray]
# A function of (open file, content, note), and the content.
Part = tuple[Callable[[IO[bytes], Any, str], Any], Any]


# What draws a network in PyTorch. It is copied away, and never imported here.
_CODE = pathlib.Path(torch_stargan.__file__).parent / "torch/torch_program.py"
_NETWORK = "network.npz"


class _Release(NamedTuple):
  """The PyTorch code of a system.

  Attributes:
    code: where it is.
    generator: (our arrays by path, config, classes) -> its state dict.
    discriminator: the same.
    constants: {field of the config: the only value that the code has}.
    options: what the code is to be told of a run.
    one_file: whether it keeps both networks in one file, as G and D.
    note: what else people have to know.
  """

  code: str
  generator: Callable[[State, Any, int], State]
  discriminator: Callable[[State, Any, int], State]
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
    # The arrays say all of it.
    lambda flat, config, classes: torch_stargan.generator_to_torch(flat),
    lambda flat, config, classes: torch_stargan.discriminator_to_torch(flat),
    {"generator.output": "image", "generator.label_sets": 1},
    _stargan_options,
    one_file=False,
    note=torch_stargan.EVAL_NOTE,
  ),
  "attgan": _Release(
    "elvisyjlin/AttGAN-PyTorch",
    torch_attgan.generator_to_torch,
    torch_attgan.discriminator_to_torch,
    torch_attgan.CONSTANTS,
    _attgan_options,
    one_file=True,
    note="The code's label is 0.5 and -0.5, and its discriminator has 13\n"
    "attributes and 1,024 channels in its last map, whatever it is told.",
  ),
  "relgan": _Release(
    "elvisyjlin/RelGAN-PyTorch",
    torch_relgan.generator_to_torch,
    torch_relgan.discriminator_to_torch,
    {},
    _relgan_options,
    one_file=True,
    note="The code's vector is what is there less what is wanted; its nn.py\n"
    "says how wide its layers are.",
  ),
}


def export_torch(run: "Run", path: str) -> list[str]:
  """Writes a network for PyTorch.

  State dicts that the released code of its system loads strictly; a path
  without an ending is a directory, for generator and discriminator. A generator
  that such code can not draw is written to a directory, with a file that runs
  it there.

  Raises:
    UserError: that is to go into a file, or the system has no program.
  """
  release, note = _find_release(run), notes(run)
  if isinstance(release, _Release):
    list_parts = _list_both if _is_directory(path) else _list_generator
    parts = list_parts(release, run, path)
  elif _is_directory(path):
    parts = _list_program(run, path)
  else:
    raise UserError(
      f"{release}: name a folder, and it gets a network of its own beside the"
      " code that runs it in PyTorch"
    )
  return write_files(
    {
      name: functools.partial(_write, part, note)
      for name, part in parts.items()
    }
  )


def _is_directory(path: str) -> bool:
  return os.path.isdir(path) or not os.path.splitext(path)[1]


def _write(part: Part, note: str, file: IO[bytes]) -> None:
  write, content = part
  write(file, content, note)


def _write_readme(file: IO[bytes], content: None, note: str) -> None:
  file.write(f"{note}\n".encode())


def _list_generator(
  release: _Release, run: "Run", path: str
) -> dict[str, Part]:
  """Lists what is written to a file, by its path."""
  check_ending(path, (".ckpt", ".pt", ".pth", ".npz"))
  state = release.generator(arrays_of(run), run.config, len(run.attributes))
  if path.endswith(".npz"):
    return {path: (torch_writer.write_npz, state)}
  if release.one_file:
    return {path: (torch_writer.write_checkpoint, {"G": state})}
  return {path: (torch_writer.write_state_dict, state)}


def _list_both(release: _Release, run: "Run", folder: str) -> dict[str, Part]:
  """Lists what is written to a directory, by the paths of the files."""
  from flax import traverse_util

  about = run.config, len(run.attributes)
  flat = traverse_util.flatten_dict(run.model.discriminator, sep="/")
  states = {
    "G": release.generator(arrays_of(run), *about),
    "D": release.discriminator(flat, *about),
  }
  start = os.path.join(folder, "weights." * release.one_file + str(run.step))
  readme: dict[str, Part] = {f"{start}-README.txt": (_write_readme, None)}
  if release.one_file:
    return readme | {f"{start}.pth": (torch_writer.write_checkpoint, states)}
  return readme | {
    f"{start}-{name}.ckpt": (torch_writer.write_state_dict, state)
    for name, state in states.items()
  }


def _list_program(run: "Run", folder: str) -> dict[str, Part]:
  """Lists what PyTorch runs without released code, by its path."""
  content = pack(run, "torch", with_program=True)
  return {
    os.path.join(folder, _NETWORK): (_write_arrays, content),
    os.path.join(folder, _CODE.name): (_write_code, None),
  }


def _write_arrays(file: IO[bytes], content: Any, note: str) -> None:
  del note
  np.savez(file, **content)


def _write_code(file: IO[bytes], content: None, note: str) -> None:
  del content, note
  file.write(_CODE.read_bytes())


def notes(run: "Run") -> str:
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
  flags = " ".join(
    f"--{x}={value}" for x, value in release.options(run).items()
  )
  return f"""\
For the code of github.com/{release.code} with
  {flags}
The label's attributes, in order: {", ".join(run.attributes)}.

{release.note}"""


def _find_release(run: "Run") -> _Release | str:
  """Returns the code that a run's networks are for, or why there is none."""
  from akd_jax.systems import system_of

  network = system_of(run.config).network
  if network not in _RELEASES:
    return f"there is no released PyTorch code of {run.config.system}"
  release = _RELEASES[network]
  for field, value in release.constants.items():
    section, name = field.split(".")
    found = run.config[section][name]
    if found != value:
      return (
        f"config.{field} is {found!r}, and the released {release.code} knows"
        f" {value!r} alone"
      )
  return release
