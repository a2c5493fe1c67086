"""Generators in the formats that other programs read, weights included."""

import importlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.inference.description import describe
from akd_jax.systems import system_of

if TYPE_CHECKING:
  from akd_jax.training.run_dir import Run


def arrays_of(run: "Run") -> dict[str, np.ndarray]:
  """Returns the generator's parameters, and its norms' statistics, by path."""
  from flax import traverse_util

  arrays = traverse_util.flatten_dict(run.model.generator, sep="/")
  # A norm's statistics have other names than its parameters.
  statistics = traverse_util.flatten_dict(run.model.statistics or {}, sep="/")
  return {
    name: np.asarray(x, np.float32) for name, x in (arrays | statistics).items()
  }


def to_onnx(run: "Run") -> bytes:
  """Returns an ONNX model: see `interop.onnx_model.build`.

  Raises:
    UserError: the onnx package is missing, or the system has no program.
  """
  _need("onnx", "onnx")
  from akd_jax.interop import onnx_model

  program = system_of(run.config).program
  if program is None:
    raise UserError(
      f"--format=onnx has no program for a generator of {run.config.system}:"
      " choose another format"
    )
  steps = program(run.model.networks.generator).steps
  model = onnx_model.build(steps, arrays_of(run), describe(run))
  return model.SerializeToString()


def to_safetensors(run: "Run") -> bytes:
  """Returns arrays by parameter path; the metadata as JSON, under "akd_jax".

  Raises:
    UserError: the safetensors package is missing.
  """
  save: Any = _need("safetensors.numpy", "safetensors").save
  about = {"akd_jax": json.dumps(describe(run))}
  arrays = {k: np.ascontiguousarray(x) for k, x in arrays_of(run).items()}
  return save(arrays, about)


def _need(module: str, name: str) -> Any:
  try:
    return importlib.import_module(module)
  except ImportError:
    raise UserError(
      f"--format={name} needs the package {name}:"
      f" pip install 'akd_jax[exports]', or {name} alone"
    ) from None
