"""What one must know of a trained generator to run it."""

from typing import TYPE_CHECKING, Any

from akd_jax.interop import numpy_generator

if TYPE_CHECKING:
  from akd_jax.training.run_dir import Run


def describe(run: "Run") -> dict[str, Any]:
  """Returns what one must know to run the generator, ready for JSON."""
  groups = (
    [name for name in group if name in run.attributes]
    for group in run.exclusive
  )
  generator = run.config.generator
  # Of what the first files hold, nothing is to change.
  output = {"output": generator.output} if generator.output != "image" else {}
  return {
    "format": numpy_generator.FORMATS[generator.output],
    "system": run.config.get("system", numpy_generator.SYSTEM),
    "architecture": {
      "name": "stargan",
      "width": generator.width,
      "blocks": generator.blocks,
      **output,
    },
    "image_size": run.config.data.image_size,
    # Avatars are square as they are drawn.
    "crop": (0 if run.config.data.name == "avatars" else run.config.data.crop),
    "attributes": list(run.attributes),
    "label_rule": run.config.data.label_rule,
    "exclusive": [group for group in groups if len(group) > 1],
    "value_range": [-1, 1],
    "step": run.step,
  }
