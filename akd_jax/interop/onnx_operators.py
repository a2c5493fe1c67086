"""What each step of a network's program is in ONNX, of opset 17."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from akd_jax.interop.numpy_program import Step
from akd_jax.interop.onnx_graph import Graph

Operator = Callable[[Graph, list[str], Mapping[str, np.ndarray], Step], str]


def _append(graph: Graph, taken: list[str], own: Any, step: Step) -> str:
  shape = graph.node("Shape", taken, start=0, end=1)
  count = graph.constant([len(step["numbers"])], np.int64)
  rows = graph.node("Concat", [shape, count], axis=0)
  numbers = graph.node("Expand", [graph.constant(step["numbers"]), rows])
  return graph.node("Concat", [*taken, numbers], axis=1)


def _tile(graph: Graph, taken: list[str], own: Any, step: Step) -> str:
  label, of_size = taken
  flat = graph.node("Unsqueeze", [label, graph.constant([2, 3], np.int64)])
  shape = graph.node("Shape", [of_size], start=2)
  ones = graph.constant([1, 1], np.int64)
  shape = graph.node("Concat", [ones, shape], axis=0)
  return graph.node("Expand", [flat, shape])


def _weights(graph: Graph, own: Mapping[str, np.ndarray]) -> Iterator[str]:
  yield graph.constant(np.transpose(own["kernel"], (3, 2, 0, 1)))
  if "bias" in own:
    yield graph.constant(own["bias"])


def _convolve(graph: Graph, taken: list[str], own: Any, step: Step) -> str:
  pad = step.get("pad", (len(own["kernel"]) - 1) // 2)
  stride = step.get("stride", 1)
  weights = _weights(graph, own)
  return graph.node(
    "Conv", [*taken, *weights], pads=[pad] * 4, strides=[stride] * 2
  )


def _upsample(graph: Graph, taken: list[str], own: Any, step: Step) -> str:
  weights = _weights(graph, own)
  return graph.node(
    "ConvTranspose", [*taken, *weights], pads=[1] * 4, strides=[2] * 2
  )


def _normalize(graph: Graph, taken: list[str], own: Any, step: Step) -> str:
  if "mean_weight" in own:
    return _switch(graph, taken[0], own, step.get("epsilon", 1e-5))
  affine = [graph.constant(own[name]) for name in ("scale", "bias")]
  if "mean" not in own:
    return graph.node("InstanceNormalization", [*taken, *affine], epsilon=1e-5)
  running = [graph.constant(own[name]) for name in ("mean", "var")]
  return graph.node(
    "BatchNormalization",
    [*taken, *affine, *running],
    epsilon=step.get("epsilon", 1e-5),
  )


def _switch(graph: Graph, x: str, own: Any, epsilon: float) -> str:
  """SwitchNorm, as `numpy_program` has it: a mixture of three moments."""
  node = graph.node

  def mean(of: str, *axes: int) -> str:
    return node("ReduceMean", [of], axes=axes)

  def square(of: str) -> str:
    return node("Mul", [of, of])

  def channels(values: np.ndarray) -> str:
    return graph.constant(np.reshape(values, (1, -1, 1, 1)))

  def mix(name: str, moment: str, of_layer: str, running: np.ndarray) -> str:
    weights = np.exp(own[name] - own[name].max())
    first, second, third = weights / weights.sum()
    one = node("Mul", [moment, graph.constant(first)])
    other = node("Mul", [of_layer, graph.constant(second)])
    both = node("Add", [one, other])
    return node("Add", [both, channels(third * running)])

  of_each = mean(x, 2, 3)
  # The variance over n pixels is the unbiased one.
  shape = node("Cast", [node("Shape", [x], start=2)], to=1)
  pixels = node("ReduceProd", [shape])
  one = graph.constant(1)
  others = node("Max", [node("Sub", [pixels, one]), one])
  biased = mean(square(node("Sub", [x, of_each])), 2, 3)
  variance = node("Mul", [biased, node("Div", [pixels, others])])
  of_layer = mean(of_each, 1)
  spread = square(node("Sub", [of_each, of_layer]))
  layer_variance = mean(node("Add", [variance, spread]), 1)
  centre = mix("mean_weight", of_each, of_layer, own["mean"])
  width = mix("var_weight", variance, layer_variance, own["var"])
  deviation = node("Sqrt", [node("Add", [width, graph.constant(epsilon)])])
  factor = node("Div", [channels(own["scale"]), deviation])
  scaled = node("Mul", [node("Sub", [x, centre]), factor])
  return node("Add", [scaled, channels(own["bias"])])


def _take(graph: Graph, taken: list[str], own: Any, step: Step) -> str:
  ends = [graph.constant([step[x]], np.int64) for x in ("first", "last")]
  return graph.node("Slice", [*taken, *ends, graph.constant([1], np.int64)])


def _mix(graph: Graph, taken: list[str], own: Any, step: Step) -> str:
  mask, first, second = taken
  # m a + (1 - m) b = b + m (a - b)
  change = graph.node("Sub", [first, second])
  return graph.node("Add", [second, graph.node("Mul", [mask, change])])


def _simple(operator: str, **options: Any) -> Operator:
  return lambda graph, taken, own, step: graph.node(operator, taken, **options)


def _relu(graph: Graph, taken: list[str], own: Any, step: Step) -> str:
  return graph.node("LeakyRelu", taken, alpha=float(step.get("slope", 0)))


# As `numpy_program.OPERATIONS`.
OPERATORS: dict[str, Operator] = {
  "append": _append,
  "tile": _tile,
  "concat": _simple("Concat", axis=1),
  "take": _take,
  "conv": _convolve,
  "up": _upsample,
  "norm": _normalize,
  "relu": _relu,
  "tanh": _simple("Tanh"),
  "sigmoid": _simple("Sigmoid"),
  "add": _simple("Add"),
  "multiply": _simple("Mul"),
  "mix": _mix,
}
