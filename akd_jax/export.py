"""Writes a trained generator for use elsewhere.

  python -m akd_jax.export --workdir=runs/student --format=numpy --out=s.npz

Formats:
  numpy: one .npz, run by akd_jax/interop/numpy_generator.py, or
    numpy_program.py beside it: of other systems than StarGAN, and of two label
    sets.
  torch: the generator as a state dict (.ckpt, .pt, .pth or .npz) of the code of
    yunjey/stargan, elvisyjlin/AttGAN-PyTorch or elvisyjlin/RelGAN-PyTorch. With
    --out=DIR, generator and discriminator under the names that this code loads,
    and a README. What it cannot draw (a blend, config.generator.output; an
    STGAN; an AttGAN with other slopes and epsilons than the port's) needs
    --out=DIR: network.npz, and torch_program.py, which runs it in PyTorch.
    StarGAN's norms use the statistics of each picture itself. .eval() makes
    the released code use running statistics instead and draw another picture.
    Once the weights are loaded, run these two lines:
      for module in G.modules():
        module.track_running_stats = False
  onnx: a model of opset 17, for any batch and any size that the network can
    halve; its inputs are `image`, float32 [B, 3, H, W] in [-1, 1], and
    `label`, 0 or 1 by attribute. A system that is told what is there, too, has
    the inputs `own` and `edits` besides.
  safetensors: the generator's arrays by parameter path.
  stablehlo: what `jax.export.deserialize` reads, for any batch size, and its
    metadata beside it as FILE.json. It takes image, float32 [B, S, S, 3] in
    [-1, 1], label and, as an ONNX model, own and edits.
  web: with --out=DIR, a folder that any static host serves: a page in which the
    network changes photos, on the visitor's own device. onnxruntime-web is
    downloaded once for it.
  run: generator and discriminator in one .npz, in half precision: a small
    teacher (`--config.teacher=FILE.npz`).

Each file appears whole or not at all.
"""

import functools
import os

import numpy as np
from absl import flags

from akd_jax.common import cli, paths
from akd_jax.common.errors import UserError
from akd_jax.common.files import is_same_place
from akd_jax.inference.formats import FORMATS
from akd_jax.inference.torch_exports import say_notes
from akd_jax.inference.web import export_web


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  paths.define(
    "workdir",
    None,
    "A run's directory, a file of --format=run, or pretrained:NAME.",
    required=True,
  )
  flags.DEFINE_enum("format", "numpy", list(FORMATS), "What to write.")
  paths.define(
    "out",
    None,
    "The file to write, or a directory (torch, web).",
    required=True,
  )
  paths.define(
    "onnxruntime", "", "onnxruntime-web's tarball, where there is no network."
  )
  flags.DEFINE_string(
    "step", None, "The checkpoint: its step, or best; the last if not set."
  )


def main(arguments: list[str]) -> None:
  """Exports, and prints what was written."""
  cli.refuse_arguments(arguments)
  args = flags.FLAGS
  if args.onnxruntime and args.format != "web":
    raise UserError("--onnxruntime belongs to --format=web")
  step = cli.read_step(args.step)
  if not args.out:
    raise UserError("--out is empty: name what to write")
  import jax  # Here, so that `--help` need not wait for it.

  from akd_jax.training import run_dir as runs
  from akd_jax.training.run_file import is_shipped

  # What is shipped lies in no folder of the user's.
  if runs.is_file(args.workdir) and not is_shipped(args.workdir):
    paths.check_kept(args.out, workdir=args.workdir)
    if is_same_place(os.path.dirname(os.path.abspath(args.workdir)), args.out):
      raise UserError(
        f"--out={args.out} is the folder of --workdir={args.workdir}: name"
        " another, or what is written might replace it"
      )
  run = runs.load_run(args.workdir, step)
  write = FORMATS[args.format]
  if args.format == "web":
    from akd_jax.evaluation.framing import known_framing

    write = functools.partial(
      export_web, onnxruntime=args.onnxruntime, framing=known_framing(run)
    )
  size = sum(map(os.path.getsize, write(run, args.out))) / 1e6
  count = sum(np.size(x) for x in jax.tree.leaves(run.model.generator))
  print(f"{args.out}: {size:.1f} MB, {count:,} parameters, step {run.step}")
  if args.format == "torch":
    print(say_notes(run))
  if args.format == "web":
    print(f"see it: python -m http.server --directory {args.out}")


if __name__ == "__main__":
  define_flags()
  cli.run(main)
