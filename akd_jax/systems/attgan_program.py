"""AttGAN's and STGAN's generators as programs that NumPy runs."""

from collections.abc import Sequence
from typing import Any

from akd_jax.interop.numpy_program import Step
from akd_jax.models import attgan, stgan
from akd_jax.systems.system import NetworkProgram


def write_attgan(generator: attgan.Generator) -> NetworkProgram:
  """Returns what `models.attgan.Generator` does, step by step."""
  layers = generator.layers
  skips = [f"encode_{layers - 2 - i}" for i in range(generator.shortcut)]
  steps = [*_encode(generator), *_decode(generator, skips)]
  return NetworkProgram(steps, multiple=2**layers)


def write_stgan(generator: stgan.Generator) -> NetworkProgram:
  """Returns what `models.stgan.Generator` does, step by step."""
  layers, units = generator.layers, generator.shortcut
  steps = _encode(generator)
  state = f"encode_{layers - 1}"
  for i in range(units):
    encoding = f"encode_{layers - 2 - i}"
    if i <= generator.unit_inject:
      steps += _append_label(state, "state")
      state = "state"
    steps += _select(f"unit_{i}", encoding, state, f"skip_{i}")
    state = {"stu": "kept", "gru": f"skip_{i}", "direct": "before"}[
      generator.unit_state
    ]
  skips = [f"skip_{i}" for i in range(units)]
  steps += _decode(generator, skips)
  return NetworkProgram(steps, multiple=2**layers)


def _encode(generator: attgan.Generator) -> list[Step]:
  steps, x = [], "image"
  for i in range(generator.layers):
    path, encoding = f"encoder/layer_{i}", f"encode_{i}"
    steps += [
      _step("conv", x, encoding, f"{path}/conv", stride=2),
      _norm(generator, encoding, path),
      _step("relu", encoding, encoding, slope=generator.slope),
    ]
    x = encoding
  return steps


def _decode(generator: attgan.Generator, skips: Sequence[str]) -> list[Step]:
  steps = _append_label(f"encode_{generator.layers - 1}", "x")
  for i in range(generator.layers - 1):
    path = f"decoder/layer_{i}"
    steps += [
      _step("up", "x", "x", f"{path}/conv"),
      _norm(generator, "x", path),
      _step("relu", "x", "x"),
    ]
    if i < len(skips):
      steps.append(_step("concat", f"x {skips[i]}", "x"))
    if i < generator.inject:
      steps += _append_label("x", "x")
  return [
    *steps,
    _step("up", "x", "x", "decoder/output"),
    _step("tanh", "x", "picture"),
  ]


def _select(unit: str, encoding: str, state: str, skip: str) -> list[Step]:
  """A unit, which leaves "before", "kept" and its skip."""
  return [
    _step("up", state, "before", f"{unit}/upsample"),
    _step("concat", f"{encoding} before", "both"),
    _step("conv", "both", "reset", f"{unit}/reset"),
    _step("sigmoid", "reset", "reset"),
    _step("conv", "both", "update", f"{unit}/update"),
    _step("sigmoid", "update", "update"),
    _step("multiply", "reset before", "kept"),
    _step("concat", f"{encoding} kept", "both"),
    _step("conv", "both", "new", f"{unit}/hidden"),
    _step("tanh", "new", "new"),
    _step("mix", "update new before", skip),
  ]


def _norm(generator: attgan.Generator, x: str, path: str) -> Step:
  return _step("norm", x, x, f"{path}/norm", epsilon=generator.epsilon)


def _append_label(of: str, to: str) -> list[Step]:
  return [
    _step("tile", f"given {of}", "planes"),
    _step("concat", f"{of} planes", to),
  ]


def _step(do: str, of: str, to: str, at: str = "", **options: Any) -> Step:
  return {"do": do, "of": of.split(), "to": to, "at": at, **options}
