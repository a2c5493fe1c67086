"""Exported generators as ONNX: the same program, another program's operators.

What `numpy_program` runs step by step becomes a graph of opset 17, pictures as
[batch, channels, height, width], any batch and any size that the network takes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from akd_jax.interop.numpy_program import Step

if TYPE_CHECKING:
  import onnx

OPSET = 17
# Of the oldest ONNX that has this opset.
_IR_VERSION = 8
Shape = Sequence[str | int | None]
_PICTURE: Shape = ["batch", 3, "height", "width"]


def build_generator(
  steps: Sequence[Step],
  arrays: Mapping[str, np.ndarray],
  about: Mapping[str, Any],
) -> "onnx.ModelProto":
  """Builds a model of a generator, and checks it.

  Its inputs are float32: `image`, [batch, 3, height, width] in [-1, 1];
  `label`, [batch, C], which attributes are wanted; and for systems that are
  told what is there, too, `own`, which there are, and `edits`, 1 where one was
  set and 0 where it changes because of another. Its output is `picture`, as
  `image`.

  Args:
    steps: the network's program.
    arrays: parameters by path, as JAX has them.
    about: what `description.describe` returns; the model carries it as JSON,
      under "akd_jax" in its metadata.

  Raises:
    onnx.checker.ValidationError: a step has no such model.
  """
  graph = _Graph(arrays)
  label: Shape = ["batch", len(about["attributes"])]
  inputs: dict[str, Shape] = {"image": _PICTURE, "label": label}
  if graph.tell(about):
    inputs |= {"own": label, "edits": label}
  for step in steps:
    graph.add(step)
  return _check(graph.model(inputs, "picture", _PICTURE, about))


def build_recognizer(
  steps: Sequence[Step],
  arrays: Mapping[str, np.ndarray],
  about: Mapping[str, Any],
) -> "onnx.ModelProto":
  """Builds a model of a discriminator's class head, and checks it.

  Its input is `image`, float32 [batch, 3, S, S] in [-1, 1], its output
  `logits`, [batch, C].

  Args:
    steps, arrays, about: as for `build_generator`.
  """
  graph = _Graph(arrays)
  for step in steps:
    graph.add(step)
  graph.node("Flatten", [graph.last])
  size, classes = about["image_size"], len(about["attributes"])
  inputs: dict[str, Shape] = {"image": ["batch", 3, size, size]}
  return _check(graph.model(inputs, "logits", ["batch", classes], about))


def _check(model: "onnx.ModelProto") -> "onnx.ModelProto":
  import onnx

  onnx.checker.check_model(model, full_check=True)
  return model


class _Graph:
  """Nodes and constants, as they are added.

  Attributes:
    nodes: in the order of the data flow.
    constants: arrays.
  """

  def __init__(self, arrays: Mapping[str, np.ndarray]):
    self._arrays = arrays
    # A program may give a name anew; a graph may not: {the program's: ours}.
    self._names = {"image": "image"}
    self.nodes: list[onnx.NodeProto] = []
    self.constants: list[onnx.TensorProto] = []

  def tell(self, about: Mapping[str, Any]) -> bool:
    """Adds what the generator is given: whether it depends on what is there."""
    of_label, of_own, constant = about.get("given", (1, 0, 0))
    further = about.get("test_strength", 1) - 1
    given, differs = "label", bool(of_own or further)
    if further:
      # Further than the target, where an attribute was set.
      change = self.node("Sub", ["label", "own"])
      change = self.node("Mul", [change, "edits"])
      change = self.node("Mul", [change, self.constant(further)])
      given = self.node("Add", ["label", change])
    if of_label != 1:
      given = self.node("Mul", [given, self.constant(of_label)])
    if of_own:
      own = self.node("Mul", ["own", self.constant(of_own)])
      given = self.node("Add", [given, own])
    if constant:
      given = self.node("Add", [given, self.constant(constant)])
    self._names["given"] = given
    return differs

  def add(self, step: Step) -> None:
    """Adds what a step does."""
    taken = [self._names[name] for name in step["of"]]
    start = f"{step.get('at')}/"
    own = {
      name.removeprefix(start): x
      for name, x in self._arrays.items()
      if name.startswith(start)
    }
    made = _OPERATORS[step["do"]](self, taken, own, step)
    self._names[step["to"]] = made

  @property
  def last(self) -> str:
    """Returns the name of what was made last."""
    return self.nodes[-1].output[0]

  def model(
    self,
    inputs: Mapping[str, Shape],
    output: str,
    shape: Shape,
    about: Mapping[str, Any],
  ) -> "onnx.ModelProto":
    """Returns all of it; what was made last is the output."""
    from onnx import TensorProto, helper

    def describe(name: str, shape: Shape) -> "onnx.ValueInfoProto":
      return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    self.nodes[-1].output[0] = output
    model = helper.make_model(
      helper.make_graph(
        self.nodes,
        about["architecture"]["name"],
        [describe(*pair) for pair in inputs.items()],
        [describe(output, shape)],
        self.constants,
      ),
      producer_name="akd_jax",
      opset_imports=[helper.make_opsetid("", OPSET)],
      ir_version=_IR_VERSION,
    )
    helper.set_model_props(model, {"akd_jax": json.dumps(about)})
    return model

  def node(self, operator: str, taken: Sequence[str], **options: Any) -> str:
    """Adds an operator; returns the name of what it makes."""
    from onnx import helper

    made = f"{operator}_{len(self.nodes)}"
    self.nodes.append(
      helper.make_node(operator, taken, [made], made, **options)
    )
    return made

  def constant(self, value: Any, kind: Any = np.float32) -> str:
    """Adds a constant; returns its name."""
    from onnx import numpy_helper

    name = f"constant_{len(self.constants)}"
    array = np.asarray(value, kind)
    self.constants.append(numpy_helper.from_array(array, name))
    return name


Operator = Callable[[_Graph, list[str], Mapping[str, np.ndarray], Step], str]


def _tile(graph: _Graph, taken: list[str], own: Any, step: Step) -> str:
  label, of_size = taken
  flat = graph.node("Unsqueeze", [label, graph.constant([2, 3], np.int64)])
  shape = graph.node("Shape", [of_size], start=2)
  ones = graph.constant([1, 1], np.int64)
  shape = graph.node("Concat", [ones, shape], axis=0)
  return graph.node("Expand", [flat, shape])


def _weights(graph: _Graph, own: Mapping[str, np.ndarray]) -> Iterator[str]:
  yield graph.constant(np.transpose(own["kernel"], (3, 2, 0, 1)))
  if "bias" in own:
    yield graph.constant(own["bias"])


def _convolve(graph: _Graph, taken: list[str], own: Any, step: Step) -> str:
  pad = step.get("pad", (len(own["kernel"]) - 1) // 2)
  stride = step.get("stride", 1)
  weights = _weights(graph, own)
  return graph.node(
    "Conv", [*taken, *weights], pads=[pad] * 4, strides=[stride] * 2
  )


def _upsample(graph: _Graph, taken: list[str], own: Any, step: Step) -> str:
  weights = _weights(graph, own)
  return graph.node(
    "ConvTranspose", [*taken, *weights], pads=[1] * 4, strides=[2] * 2
  )


def _normalize(graph: _Graph, taken: list[str], own: Any, step: Step) -> str:
  affine = [graph.constant(own[name]) for name in ("scale", "bias")]
  if "mean" not in own:
    return graph.node("InstanceNormalization", [*taken, *affine], epsilon=1e-5)
  running = [graph.constant(own[name]) for name in ("mean", "var")]
  return graph.node(
    "BatchNormalization",
    [*taken, *affine, *running],
    epsilon=step.get("epsilon", 1e-5),
  )


def _take(graph: _Graph, taken: list[str], own: Any, step: Step) -> str:
  ends = [graph.constant([step[x]], np.int64) for x in ("first", "last")]
  return graph.node("Slice", [*taken, *ends, graph.constant([1], np.int64)])


def _mix(graph: _Graph, taken: list[str], own: Any, step: Step) -> str:
  mask, first, second = taken
  # m a + (1 - m) b = b + m (a - b)
  change = graph.node("Sub", [first, second])
  return graph.node("Add", [second, graph.node("Mul", [mask, change])])


def _simple(operator: str, **options: Any) -> Operator:
  return lambda graph, taken, own, step: graph.node(operator, taken, **options)


def _relu(graph: _Graph, taken: list[str], own: Any, step: Step) -> str:
  return graph.node("LeakyRelu", taken, alpha=float(step.get("slope", 0)))


# As `numpy_program.OPERATIONS`.
_OPERATORS: dict[str, Operator] = {
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
