"""What a run can be written as, for use elsewhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from akd_jax.inference.exports import (
  export_numpy,
  export_onnx,
  export_run,
  export_safetensors,
)
from akd_jax.inference.stablehlo import export_stablehlo
from akd_jax.inference.torch_exports import export_torch
from akd_jax.inference.web import export_web

if TYPE_CHECKING:
  from akd_jax.training.run import Run

# {format: (run, path) -> the files written}.
FORMATS: dict[str, Callable[["Run", str], list[str]]] = {
  "numpy": export_numpy,
  "torch": export_torch,
  "onnx": export_onnx,
  "safetensors": export_safetensors,
  "stablehlo": export_stablehlo,
  "web": export_web,
  "run": export_run,
}
