"""Exported generators as ONNX: the same program, another program's operators.

What `numpy_program` runs step by step becomes a graph of opset 17, pictures as
[batch, channels, height, width]: any batch, and any sides that the network
can halve.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from akd_jax.interop.numpy_program import Step, takes_own
from akd_jax.interop.onnx_graph import Graph, Shape
from akd_jax.interop.onnx_operators import OPERATORS

if TYPE_CHECKING:
  import onnx

_PICTURE: Shape = ["batch", 3, "height", "width"]
# The coefficients of a label that says what is wanted, and no more.
_AS_WANTED = [1, 0, 0]


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
  graph = Graph()
  label: Shape = ["batch", len(about["attributes"])]
  inputs: dict[str, Shape] = {"image": _PICTURE, "label": label}
  given = _tell(graph, about)
  if takes_own(about):
    inputs |= {"own": label, "edits": label}
  _follow(graph, steps, arrays, {"image": "image", "given": given})
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
  graph = Graph()
  _follow(graph, steps, arrays, {"image": "image"})
  graph.node("Flatten", [graph.last])
  size, classes = about["image_size"], len(about["attributes"])
  inputs: dict[str, Shape] = {"image": ["batch", 3, size, size]}
  return _check(graph.model(inputs, "logits", ["batch", classes], about))


def _tell(graph: Graph, about: Mapping[str, Any]) -> str:
  """Adds what the generator is given; returns its name."""
  of_label, of_own, constant = about.get("given", _AS_WANTED)
  given, further = "label", about.get("test_strength", 1) - 1
  if further:
    # Further than the target, where an attribute was set.
    change = graph.node("Sub", ["label", "own"])
    change = graph.node("Mul", [change, "edits"])
    change = graph.node("Mul", [change, graph.constant(further)])
    given = graph.node("Add", ["label", change])
  if of_label != 1:
    given = graph.node("Mul", [given, graph.constant(of_label)])
  if of_own:
    own = graph.node("Mul", ["own", graph.constant(of_own)])
    given = graph.node("Add", [given, own])
  if constant:
    given = graph.node("Add", [given, graph.constant(constant)])
  return given


def _follow(
  graph: Graph,
  steps: Sequence[Step],
  arrays: Mapping[str, np.ndarray],
  names: dict[str, str],
) -> None:
  """Adds what the steps do.

  A program may give a name anew, a graph may not: `names` are {the program's:
  the graph's}.
  """
  for step in steps:
    start = f"{step.get('at')}/"
    own = {
      name.removeprefix(start): x
      for name, x in arrays.items()
      if name.startswith(start)
    }
    taken = [names[name] for name in step["of"]]
    names[step["to"]] = OPERATORS[step["do"]](graph, taken, own, step)


def _check(model: "onnx.ModelProto") -> "onnx.ModelProto":
  import onnx

  onnx.checker.check_model(model, full_check=True)
  return model
