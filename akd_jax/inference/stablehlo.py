"""A generator as StableHLO, which any of XLA's devices runs."""

import contextlib
import functools
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from akd_jax.inference.description import describe
from akd_jax.inference.exports import write_files
from akd_jax.interop.numpy_program import takes_own

if TYPE_CHECKING:
  from akd_jax.training.run import Run


def export_stablehlo(run: "Run", path: str) -> list[str]:
  """Writes (image [B, S, S, 3], label [B, C]) -> image, weights included.

  A system that is told what is there, too, takes `own` and `edits` besides,
  [B, C].
  """
  import jax
  import jax.numpy as jnp
  from jax import export

  about = describe(run)
  (batch,) = export.symbolic_shape("batch")
  size, classes = about["image_size"], len(about["attributes"])
  with _without_source_lines():
    exported = export.export(
      jax.jit(_for_any_platform(run)), platforms=("cpu", "cuda", "tpu")
    )(
      jax.ShapeDtypeStruct((batch, size, size, 3), jnp.float32),
      *(3 if takes_own(about) else 1)
      * [jax.ShapeDtypeStruct((batch, classes), jnp.float32)],
    )
  program, metadata = exported.serialize(), json.dumps(about, indent=2)
  return write_files(
    {
      path: lambda file: file.write(program),
      path + ".json": lambda file: file.write(metadata.encode()),
    }
  )


def _for_any_platform(run: "Run") -> Callable[..., Any]:
  """Returns what draws, in the forms of where it will run."""
  import jax.numpy as jnp
  from jax import lax

  from akd_jax.models import convolutions
  from akd_jax.systems import system_of

  generator = run.model.networks.generator.clone(dtype=jnp.float32)
  system = system_of(run.config)

  def apply(cpu, variables, image, given):
    with convolutions.traced_for(cpu=cpu):
      return generator.apply(variables, image, given)[0]

  def draw(image, label, own=0, edits=0):
    return lax.platform_dependent(
      run.model.variables,
      image,
      system.test_label(label, own, edits),
      cpu=functools.partial(apply, True),
      default=functools.partial(apply, False),
    )

  return draw


@contextlib.contextmanager
def _without_source_lines() -> Iterator[None]:
  """Keeps the paths of our source files out of what is lowered."""
  import jax

  name = "jax_traceback_in_locations_limit"
  before = getattr(jax.config, name)
  jax.config.update(name, 0)
  try:
    yield
  finally:
    jax.config.update(name, before)
