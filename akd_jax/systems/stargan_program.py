"""StarGAN's generator as a program that NumPy runs."""

from typing import Any

from akd_jax.interop.numpy_program import Step
from akd_jax.models.stargan import Generator
from akd_jax.systems.system import NetworkProgram


def write_program(generator: Generator) -> NetworkProgram:
  """Returns what `models.stargan.Generator` does, step by step."""
  steps: list[Step] = []

  def add(
    do: str, of: str, to: str = "x", at: str = "", **options: Any
  ) -> None:
    steps.append({"do": do, "of": of.split(), "to": to, "at": at, **options})

  def block(do: str, name: str, **options: Any) -> None:
    add(do, "x", at=f"{name}/conv", **options)
    add("norm", "x", at=f"{name}/norm")
    add("relu", "x")

  add("tile", "given image", "planes")
  add("concat", "image planes")
  for i, stride in enumerate((1, 2, 2)):
    block("conv", f"encoder_{i}", stride=stride)
  for i in range(generator.blocks):
    add("conv", "x", "y", f"residual_{i}/conv_0")
    add("norm", "y", "y", f"residual_{i}/norm_0")
    add("relu", "y", "y")
    add("conv", "y", "y", f"residual_{i}/conv_1")
    add("norm", "y", "y", f"residual_{i}/norm_1")
    add("add", "x y")
  for i in range(2):
    block("up", f"decoder_{i}")
  add("conv", "x", at="output")
  add("take", "x", "colours", first=0, last=3)
  add("tanh", "colours", "picture")
  if generator.output == "blend":
    add("take", "x", "mask", first=3, last=4)
    add("sigmoid", "mask", "mask")
    add("mix", "mask image picture", "picture")
  return NetworkProgram(steps, multiple=4)
