"""How far a device's numbers are from the reference's and from a CPU's.

A worker of accelerator.py. Errors are relative to an array's largest
magnitude; 1e-4 is what the tests ask of a CPU.
"""

import pathlib
import sys
from functools import partial
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import worker

from akd_jax.models import convolutions

# What the tests compare is what is measured here.
sys.path.append(str(pathlib.Path(__file__).parents[1]))

from tests import golden_cycles  # noqa: E402
from tests.golden_arrays import Released, error  # noqa: E402
from tests.models import test_layers  # noqa: E402

TOLERANCE = 1e-4


def largest(ours, reference):
  """Largest error of all arrays of two trees."""
  errors = jax.tree.leaves(jax.tree.map(error, ours, reference))
  return float(np.max(errors))


def golden(name, precision):
  """Our errors on one golden file.

  Args:
    name: of the file, stargan_... or cycle_....
    precision: of products, "highest" or "default", which is TF32 where the
      device has it.
  """
  with jax.default_matmul_precision(precision):
    kind, name = name.split("_")
    errors = released(name) if kind == "stargan" else cycle(name)
  # In weights Adam turns rounding noise into steps: what is asked of them is
  # what tests/systems/test_stargan_golden.py asks.
  far = errors.pop("far_weights", 0.0)
  within = max(errors.values()) <= TOLERANCE and far <= 0.002
  reply = {"largest": max(errors.values()), "within": within, "errors": errors}
  if kind == "cycle":
    reply["far_weights"] = far
  return described(reply)


def released(rule):
  arrays = Released(rule)
  errors = {"outputs": largest(*arrays.outputs())}
  for side in ("discriminator", "generator"):
    ours, reference = getattr(arrays, f"{side}_update")()
    errors[f"{side} losses"] = largest(ours[0], reference[0])
    errors[f"{side} gradient"] = largest(ours[1], reference[1])
  errors["maps"] = largest(*arrays.maps())
  errors["weights of channels"] = largest(*arrays.channel_weights())
  return errors


def cycle(who):
  outcome = getattr(golden_cycles, who)()
  far, weights = 0, 0
  for ours, reference in (outcome.discriminator, outcome.generator):
    for a, b in zip(*map(jax.tree.leaves, (ours, reference)), strict=True):
      far += golden_cycles.far_weights(a, b, TOLERANCE)[0]
      weights += np.size(b)
  return {
    "losses": largest(*outcome.losses),
    "gradient": largest(*outcome.gradient),
    "far_weights": far / weights,
  }


def form(name):
  """A convolution in the accelerator's form, on it, against the CPU's, there.

  Args:
    name: of tests/models/test_layers.py's.
  """
  function, _, *shapes = test_layers.CASES[name]
  rng = np.random.default_rng(0)
  x, kernel = (rng.normal(size=shape) for shape in shapes)
  kernel *= np.prod(kernel.shape[:-1]) ** -0.5

  def run(what, on_cpu):
    device = jax.devices("cpu" if on_cpu else None)[0]
    inputs = (jax.device_put(jnp.asarray(a, "f"), device) for a in (x, kernel))
    with (
      mock.patch.object(convolutions, "on_cpu", lambda: on_cpu),
      jax.default_matmul_precision("highest"),
    ):
      return jax.jit(partial(what, function))(*inputs)

  kinds = {
    "value": test_layers.value,
    "gradients": test_layers.gradients,
    "second derivatives": test_layers.bending,
  }
  errors = {
    kind: largest(run(what, False), run(what, True))
    for kind, what in kinds.items()
  }
  within = max(errors.values()) <= TOLERANCE
  return described(
    {"largest": max(errors.values()), "within": within, "errors": errors}
  )


def described(reply):
  device = jax.devices()[0].device_kind
  return {"jax": jax.__version__, "device": device, **reply}


if __name__ == "__main__":
  worker.serve({"golden": golden, "form": form})
