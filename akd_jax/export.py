"""Writes a trained generator for use elsewhere.

  python -m akd_jax.export --workdir=runs/student --format=numpy --out=s.npz

Formats:
  numpy: one .npz, run by akd_jax/interop/numpy_generator.py.
  torch: the state dict of StarGAN's generator as .npz, or as .pt where
    PyTorch is installed.
  stablehlo: what `jax.export.deserialize` reads, for any batch size, and its
    metadata beside it as FILE.json.
  run: generator and discriminator in one .npz, in half precision; a teacher
    that fits in a pocket (`--config.teacher=FILE.npz`).
"""

import json
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from akd_jax.common import cli
from akd_jax.common.errors import UserError
from akd_jax.interop import numpy_generator

if TYPE_CHECKING:
  from akd_jax.training.run_dir import Run


def metadata(run: "Run") -> dict[str, Any]:
  """What one must know to run the generator, ready for JSON."""
  groups = (
    [name for name in group if name in run.attributes]
    for group in run.exclusive
  )
  generator = run.config.generator
  return {
    "format": numpy_generator.FORMAT,
    "architecture": {
      "name": "stargan",
      "width": generator.width,
      "blocks": generator.blocks,
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


def export_numpy(run: "Run", path: str) -> None:
  """Writes arrays named by parameter path, and `metadata`, a JSON string."""
  from flax import traverse_util

  _check_ending(path, (".npz",))
  arrays = traverse_util.flatten_dict(run.model.generator, sep="/")
  np.savez(path, **arrays, metadata=np.array(json.dumps(metadata(run))))


def export_torch(run: "Run", path: str) -> None:
  """Writes the generator's state dict under the names of released StarGAN."""
  from akd_jax.interop import torch_stargan

  _check_ending(path, (".npz", ".pt", ".pth"))
  state = torch_stargan.generator_to_torch(run.model.generator)
  if path.endswith(".npz"):
    np.savez(path, **state)  # type: ignore[arg-type]
    return
  try:
    import torch
  except ImportError:
    raise UserError(
      f"--out={path} needs PyTorch, which is not installed; a name that "
      "ends in .npz does not"
    ) from None
  torch.save({k: torch.from_numpy(v) for k, v in state.items()}, path)


def export_stablehlo(run: "Run", path: str) -> None:
  """Writes (image [B, S, S, 3], label [B, C]) -> image, weights included."""
  import jax
  import jax.numpy as jnp
  from jax import export

  from akd_jax.models.stargan import Generator

  about = metadata(run)
  architecture = about["architecture"]
  generator = Generator(architecture["width"], architecture["blocks"])

  def translate(image: jax.Array, label: jax.Array) -> jax.Array:
    return generator.apply({"params": run.model.generator}, image, label)[0]

  (batch,) = export.symbolic_shape("batch")
  size, classes = about["image_size"], len(about["attributes"])
  exported = export.export(
    jax.jit(translate), platforms=("cpu", "cuda", "tpu")
  )(
    jax.ShapeDtypeStruct((batch, size, size, 3), jnp.float32),
    jax.ShapeDtypeStruct((batch, classes), jnp.float32),
  )
  pathlib.Path(path).write_bytes(exported.serialize())
  pathlib.Path(path + ".json").write_text(json.dumps(about, indent=2))


def export_run(run: "Run", path: str) -> None:
  """Writes generator and discriminator, for another's `config.teacher`."""
  from akd_jax.training import run_dir as runs

  _check_ending(path, (".npz",))
  runs.save_run(run, path)


FORMATS = {
  "numpy": export_numpy,
  "torch": export_torch,
  "stablehlo": export_stablehlo,
  "run": export_run,
}


def _check_ending(path: str, endings: tuple[str, ...]) -> None:
  if not path.endswith(endings):
    raise UserError(f"--out={path} should end in {' or '.join(endings)}")


def define_flags() -> None:
  flags.DEFINE_string("workdir", None, "The run to export.", required=True)
  flags.DEFINE_enum("format", "numpy", list(FORMATS), "What to write.")
  flags.DEFINE_string("out", None, "The file to write.", required=True)
  flags.DEFINE_integer("step", None, "Which checkpoint; the last if not set.")


def main(arguments: Sequence[str]) -> None:
  if arguments:
    raise UserError(f"{arguments[0]!r} is not a flag; try --help")
  import jax  # Here, so that `--help` need not wait for it.

  from akd_jax.training import run_dir as runs

  args = flags.FLAGS
  run = runs.load_run(args.workdir, args.step)
  os.makedirs(os.path.dirname(args.out) or ".", exist_ok=True)
  FORMATS[args.format](run, args.out)
  count = sum(np.size(x) for x in jax.tree.leaves(run.model.generator))
  size = os.path.getsize(args.out) / 1e6
  print(f"{args.out}: {size:.1f} MB, {count:,} parameters, step {run.step}")


if __name__ == "__main__":
  define_flags()
  cli.run(main)
