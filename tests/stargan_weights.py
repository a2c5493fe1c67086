"""Weights of StarGAN for tests: the released code's, and random ones."""

from pathlib import Path

import numpy as np

from akd_jax.interop import torch_stargan

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_NAMES = ("multilabel", "softmax")


def golden(name):
  with np.load(GOLDEN / f"stargan_{name}.npz", allow_pickle=False) as file:
    return dict(file)


def state_dict(arrays, network):
  """The state dict of network "G" or "D"."""
  start = f"{network}/"
  return {k[2:]: v for k, v in arrays.items() if k.startswith(start)}


def random_generator(width, blocks, classes):
  """Parameters by path, norms included, of no special scale."""
  return _random(torch_stargan.list_generator_weights(width, blocks, classes))


def random_discriminator(width, layers, classes, size):
  """Parameters by path, for a last feature map `size` wide."""
  return _random(
    torch_stargan.list_discriminator_weights(width, layers, classes, size)
  )


def _random(weights):
  rng = np.random.default_rng(0)
  return {
    w.path: rng.normal(0, 0.2, w.our_shape()).astype(np.float32)
    for w in weights
  }
