"""What a generator costs: parameters, multiply-accumulates, latency.

Paper 2, Table I and paper 1, section 3.2 compare generators by their
parameters.
"""

import contextlib
import functools
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from akd_jax.evaluation.metrics.metric import (
  COUNT,
  MILLIONS,
  MILLISECONDS,
  NO_CHANCE,
  Metric,
  Paths,
  Unit,
  read_network,
)
from akd_jax.evaluation.metrics.outcome import Measured
from akd_jax.models.layers import RESIZE_KERNEL, Conv

_CPUINFO = Path("/proc/cpuinfo")


def parameters(params: Any) -> int:
  """Counts the numbers in parameters; arrays or their shapes."""
  return sum(leaf.size for leaf in jax.tree.leaves(params))


def multiply_accumulates(
  generator: nn.Module, variables: Any, *, size: int, classes: int
) -> int:
  """Counts the multiply-accumulates of one translation.

  They are those of the convolutions that the layers stand for: each entry of a
  kernel once a pixel of the smaller side, padding included; label planes count
  as channels. The forms that models/convolutions.py takes on a CPU do more or
  less than that. Norms and activations are not counted, as is usual, nor are
  dense layers of what is no picture, as a style is.

  Args:
    generator: the network.
    variables: its "params" and whatever else it has, or their shapes.
    size: of the square picture.
    classes: of its labels.
  """
  products, uncounted = 0, False

  def count(call, args, kwargs, context):
    nonlocal products, uncounted
    output = call(*args, **kwargs)
    layer = context.module
    if context.method_name != "__call__":
      return output
    if isinstance(layer, Conv):
      resizes = layer.resample == "resize"
      name = RESIZE_KERNEL if resizes else "kernel"
      kernel: jax.Array = layer.get_variable("params", name)
      # As the one of 4 x 4 that it is computed as.
      merged = resizes or layer.resample == "pool"
      applied = kernel.size * 16 // 9 if merged else kernel.size
      # A transposed convolution meets its kernel at every pixel of its input.
      met = args[0] if layer.resample in ("up", "resize") else output
      products += applied * met.shape[1] * met.shape[2]
    elif not (isinstance(layer, nn.Dense) and args[0].ndim == 2):
      own = layer.variables.get("params", {}).values()
      uncounted |= any(getattr(x, "ndim", 0) > 1 for x in own)
    return output

  with nn.intercept_methods(count):
    jax.eval_shape(
      generator.apply,
      variables,
      jax.ShapeDtypeStruct((1, size, size, 3), np.float32),
      jax.ShapeDtypeStruct((1, classes), np.float32),
    )
  if uncounted:
    raise ValueError("the network has kernels that are not those of a Conv")
  return products


def latency(call: Callable[[], Any], *, calls: int) -> dict[str, Any]:
  """Times `call`, which returns JAX arrays, until they are there.

  Returns:
    {"median", "quartiles", "calls"}, in seconds: of `calls` calls, after three
    that compile and warm up.
  """
  seconds = []
  for _ in range(3 + calls):
    start = time.perf_counter()
    jax.block_until_ready(call())
    seconds.append(time.perf_counter() - start)
  timed = seconds[3:]
  return {
    "median": statistics.median(timed),
    "quartiles": np.quantile(timed, (0.25, 0.75)).tolist(),
    "calls": calls,
  }


def generator_cost(
  generator: nn.Module,
  variables: Any,
  *,
  size: int,
  classes: int,
  batches: Sequence[int] = (1, 16),
  calls: int = 20,
) -> dict[str, Any]:
  """Measures all that a generator costs, on the device at hand.

  Args:
    generator: the network.
    variables: its "params" and whatever else it has.
    size: of the square pictures.
    classes: of their labels.
    batches: how many pictures at a time, for the latency.
    calls: how many of each are timed.

  Returns:
    {"parameters", "macs", "image_size", "device", "latency": {batch as text:
    `latency`}}; the latency is that of a whole batch, already on the device.
  """
  variables = jax.device_put(variables)
  apply = _compiled(generator)
  rng = np.random.default_rng(0)

  def timed(batch: int) -> dict[str, Any]:
    image = rng.uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)
    label = rng.integers(0, 2, (batch, classes)).astype(np.float32)
    inputs = jax.device_put((image, label))
    return latency(lambda: apply(variables, *inputs), calls=calls)

  return {
    "parameters": parameters(variables["params"]),
    "macs": multiply_accumulates(
      generator, variables, size=size, classes=classes
    ),
    "image_size": size,
    "device": name_device(),
    "latency": {str(batch): timed(batch) for batch in batches},
  }


def name_device() -> str:
  """Names what a latency depends on: a CPU by its model and number of cores."""
  kind: str = jax.devices()[0].device_kind
  if kind != "cpu":
    return kind
  model = platform.processor()
  # Where Linux says more than its architecture.
  with contextlib.suppress(OSError):
    found = re.search(r"(?m)^model name\s*:\s*(.+)$", _CPUINFO.read_text())
    model = found[1] if found else model
  # Those that this process may run on.
  ours = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
  return f"{model or kind}, cores: {len(ours(0))}"


# Once, however often its teacher is measured.
@functools.cache
def _compiled(generator: nn.Module) -> Callable[..., jax.Array]:
  return jax.jit(lambda *inputs: generator.apply(*inputs)[0])


def _summarize(measured: Measured) -> dict[str, Any]:
  cost = generator_cost(
    measured.generator,
    measured.variables,
    size=measured.image_size,
    classes=len(measured.names.attributes),
  )
  return {"cost": cost}


def _metric(
  title: str,
  explanation: str,
  unit: Unit,
  *path: str,
  same: Paths = (),
) -> Metric:
  return Metric(
    title=title,
    explanation=explanation,
    unit=unit,
    better="lower",
    chance=NO_CHANCE,
    needs=(),
    read=read_network("cost", *path),
    summarize=_summarize,
    of_training=False,
    same=same,
  )


PARAMETERS = _metric(
  "parameters", "How many numbers the generator has.", COUNT, "parameters"
)
MULTIPLY_ACCUMULATES = _metric(
  "multiply-accumulates",
  "Products that the generator's convolutions compute for one picture.",
  MILLIONS,
  "macs",
)
LATENCY = _metric(
  "latency, 1 picture",
  "Median time of one picture on the machine that evaluated.",
  MILLISECONDS,
  *("latency", "1", "median"),
  same=(("cost", "device"),),
)
