"""StarGAN's networks as programs, which other programs run."""

from typing import Any

from akd_jax.interop.numpy_program import Step
from akd_jax.models.stargan import Discriminator, Generator
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

  if generator.second is not None:
    # A file is of one of the two sets.
    of_second = int(generator.second > 0)
    add("append", "given", "given", numbers=[1 - of_second, of_second])
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


def write_recognizer(discriminator: Discriminator) -> list[Step]:
  """Returns how `models.stargan.Discriminator` recognizes classes."""
  steps: list[Step] = []
  name = "image"
  for i in range(discriminator.layers):
    steps += [
      {"do": "conv", "of": [name], "to": "x", "at": f"layer_{i}", "stride": 2},
      {"do": "relu", "of": ["x"], "to": "x", "slope": 0.01},
    ]
    name = "x"
  # It sees the whole map at once.
  last = {"do": "conv", "of": [name], "to": "x", "at": "classifier", "pad": 0}
  return [*steps, last]
