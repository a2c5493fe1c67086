"""The rule behind the golden features of the evaluators."""

import zlib

import numpy as np


def weights_by_rule(name, shape):
  """Weights that need no weight file: the golden features were made so."""
  rng = np.random.default_rng(zlib.crc32(name.encode()))
  if name.endswith("running_mean"):
    return rng.normal(0, 0.1, shape)
  if name.endswith("running_var"):
    return rng.uniform(0.5, 1.5, shape)
  if len(shape) > 1:
    return rng.normal(0, 1, shape) * np.sqrt(2 / np.prod(shape[1:]))
  if name.endswith("weight"):
    return rng.uniform(0.5, 1.5, shape)
  return rng.normal(0, 0.1, shape)
