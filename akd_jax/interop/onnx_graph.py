"""An ONNX graph, as it is written."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
  import onnx

OPSET = 17
# Of the oldest ONNX that has this opset.
_IR_VERSION = 8
# Numbers, and names of what may be any number.
Shape = Sequence[str | int | None]


class Graph:
  """Nodes and constants, as they are added.

  Attributes:
    nodes: in the order of the data flow.
    constants: arrays.
  """

  def __init__(self) -> None:
    self.nodes: list[onnx.NodeProto] = []
    self.constants: list[onnx.TensorProto] = []

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
