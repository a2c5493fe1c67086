"""How much of a gradient its mean over pixels keeps, where Grad-CAM takes it.

  python benchmarks/mean_gradient.py RUN [RUN ...] [--images=64]

RUN is the directory of a run, or a file of weights. Grad-CAM weighs a channel
by the mean of its gradient over the pixels of a picture. Prints that mean's
size as a share of the gradient's mean size, over channels, pictures and
attributes, for every activation; beside it what the mean of as many independent
numbers keeps, 1 / sqrt(pixels). Neighbouring gradients are alike, so a mean
keeps more, unless the network cancels what is added to a whole channel: as a
convolution and InstanceNorm do.
"""

import argparse

import jax.numpy as jnp
import numpy as np
from attention import hooked, hooks_of, load, maps_of

from akd_jax.common import cache
from akd_jax.distillation import MAPS
from akd_jax.inference.translator import load_translators

KEPT = "kept by the mean"


def kept(gradient, activation):
  """A constant map [B, h, w]: how much the mean of [B, h, w, K] keeps."""
  means = jnp.sum(jnp.abs(jnp.mean(gradient, axis=(1, 2))), axis=-1)
  sizes = jnp.sum(jnp.mean(jnp.abs(gradient), axis=(1, 2)), axis=-1)
  share = means / jnp.where(sizes > 0, sizes, 1.0)
  return jnp.broadcast_to(share[:, None, None], activation.shape[:3])


def shares(directory, count):
  """{activation: (what the mean keeps, what that of noise would)}."""
  run, test, asked = load(directory, count)
  *_, translator = load_translators(run)
  names = tuple(
    name
    for hook in hooks_of(translator, "grad_cam")
    for name in translator.list_activations(hooked(hook))
  )
  maps = [maps_of(translator, test, case, names, KEPT) for case in asked]
  return {
    name: (
      float(np.mean([found[name].mean() for found in maps])),
      maps[0][name][0].size ** -0.5,
    )
    for name in names
  }


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("runs", nargs="+", metavar="RUN")
  parser.add_argument("--images", type=int, default=64, help="an attribute")
  arguments = parser.parse_args()
  cache.use_persistent_cache()
  MAPS[KEPT] = kept
  print("| run | activation | kept | of noise |\n|---|---|---|---|")
  for directory in arguments.runs:
    for name, (share, noise) in shares(directory, arguments.images).items():
      print(f"| {directory} | {name} | {share:.3f} | {noise:.3f} |", flush=True)


if __name__ == "__main__":
  main()
