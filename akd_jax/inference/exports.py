"""Generators in the formats that other programs read, weights included."""

import contextlib
import functools
import json
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.common.files import write_whole
from akd_jax.common.paths import check_ending, check_file
from akd_jax.inference.description import describe, is_first_format

if TYPE_CHECKING:
  from akd_jax.systems.system import NetworkProgram
  from akd_jax.training.run import Run


def write_files(files: dict[str, Callable[[IO[bytes]], Any]]) -> list[str]:
  """Writes {path: writer of an open file}.

  All are written before the first takes its name.

  Raises:
    UserError: a path is a folder, or a run's own file.
  """
  from akd_jax.training.run_dir import is_own_file

  for path in files:
    check_file(path)
    if is_own_file(path):
      raise UserError(f"{path} is the run's own: name another --out")
  with contextlib.ExitStack() as whole:
    for path, write in files.items():
      temporary = whole.enter_context(write_whole(path))
      with open(temporary, "w+b") as file:
        write(file)
  return list(files)


def arrays_of(run: "Run") -> dict[str, np.ndarray]:
  """Returns the generator's parameters, and its norms' statistics, by path.

  Of a resize-convolution the transposed one that it equals.
  """
  from flax import traverse_util

  from akd_jax.models.layers import without_resizing

  arrays = traverse_util.flatten_dict(
    without_resizing(run.model.generator), sep="/"
  )
  # A norm's statistics have other names than its parameters.
  statistics = traverse_util.flatten_dict(run.model.statistics or {}, sep="/")
  return {
    name: np.asarray(x, np.float32) for name, x in (arrays | statistics).items()
  }


def program_of(run: "Run", name: str) -> "NetworkProgram":
  """Returns the generator of a run as steps, for --format=`name`.

  Raises:
    UserError: its system has none.
  """
  from akd_jax.systems import system_of

  program = system_of(run.config).program
  if program is None:
    raise UserError(
      f"--format={name} has no program for a generator of {run.config.system}:"
      " choose another format"
    )
  return program(run.model.networks.generator)


def to_onnx(run: "Run") -> bytes:
  """Returns an ONNX model: see `interop.onnx_model.build_generator`.

  Raises:
    UserError: the system has no program.
  """
  from akd_jax.interop import onnx_model

  steps = program_of(run, "onnx").steps
  model = onnx_model.build_generator(steps, arrays_of(run), describe(run))
  return model.SerializeToString()


def to_onnx_recognizer(run: "Run") -> bytes | None:
  """Returns an ONNX model of what the discriminator recognizes.

  None of a system whose discriminator has no program.
  """
  from flax import traverse_util

  from akd_jax.interop import onnx_model
  from akd_jax.systems import system_of

  recognizer = system_of(run.config).recognizer
  if recognizer is None:
    return None
  arrays = traverse_util.flatten_dict(run.model.discriminator, sep="/")
  steps = recognizer(run.model.networks.discriminator)
  model = onnx_model.build_recognizer(steps, arrays, describe(run))
  return model.SerializeToString()


def to_safetensors(run: "Run") -> bytes:
  """Returns arrays by parameter path; the metadata as JSON, under "akd_jax"."""
  from safetensors.numpy import save

  about = {"akd_jax": json.dumps(describe(run))}
  arrays = {k: np.ascontiguousarray(x) for k, x in arrays_of(run).items()}
  return save(arrays, about)


def export_numpy(run: "Run", path: str) -> list[str]:
  """Writes arrays named by parameter path, and `metadata`, a JSON string.

  Returns:
    The files written, here and in the other formats.
  """
  check_ending(path, (".npz",))
  content = pack(run, "numpy", with_program=not is_first_format(run))
  return write_files({path: lambda file: np.savez(file, **content)})


def pack(run: "Run", name: str, with_program: bool) -> dict[str, Any]:
  """Returns what a .npz holds: arrays, and `metadata`, a JSON string.

  Args:
    run: whose generator.
    name: of the format.
    with_program: whether the metadata say step by step what to do.

  Raises:
    UserError: its system has no program.
  """
  arrays = arrays_of(run)
  about = describe(run, with_program)
  if with_program:
    written = program_of(run, name)
    about |= {
      "program": written.steps,
      "multiple": written.multiple,
      "numbers": sum(x.size for x in arrays.values()),
    }
  return {**arrays, "metadata": np.array(json.dumps(about))}


def export_onnx(run: "Run", path: str) -> list[str]:
  """Writes an ONNX model, as `interop.onnx_model` makes it."""
  check_ending(path, (".onnx",))
  model = to_onnx(run)
  return write_files({path: lambda file: file.write(model)})


def export_safetensors(run: "Run", path: str) -> list[str]:
  """Writes the generator's arrays by parameter path, with the metadata."""
  check_ending(path, (".safetensors",))
  arrays = to_safetensors(run)
  return write_files({path: lambda file: file.write(arrays)})


def export_run(run: "Run", path: str, half: bool = True) -> list[str]:
  """Writes generator and discriminator, for another's `config.teacher`."""
  from akd_jax.training import run_file

  check_ending(path, (".npz",))
  return write_files(
    {path: functools.partial(run_file.write_run, run, half=half)}
  )


def export_whole(run: "Run", path: str) -> list[str]:
  """Writes a run in full precision: see `export_run`.

  One without a discriminator is written as `export_numpy` does it.
  """
  if run.model.discriminator is None:
    return export_numpy(run, path)
  return export_run(run, path, half=False)
