"""Compiled functions on arrays of any length, a piece at a time."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np


def apply_in_pieces(
  function: Callable[..., Any], size: int, *arrays: np.ndarray
) -> Any:
  """Applies a function to `size` entries of the arrays at a time.

  Every piece has one size, the last one filled up, so that the function is
  compiled once. Pieces run side by side: on a CPU, XLA takes a forward pass
  through one operator after the other, most of them on one core (16 pictures
  through a generator in two pieces: 44 ms instead of 72).

  Args:
    function: of arrays [size, ...], to arrays of as many entries, in any
      nesting.
    size: of a piece.
    arrays: [N, ...] each, with N > 0.

  Returns:
    What the function returns, as NumPy arrays of N entries.
  """

  def piece(start: int) -> Any:
    parts = [x[start : start + size] for x in arrays]
    count = len(parts[0])
    filled = (
      np.pad(x, [(0, size - count), *[(0, 0)] * (x.ndim - 1)]) for x in parts
    )
    return jax.tree.map(lambda x: np.asarray(x)[:count], function(*filled))

  starts = range(0, len(arrays[0]), size)
  if len(starts) == 1:
    return piece(0)
  # Threads that meet a new function together wait for one to compile it.
  with ThreadPoolExecutor(os.cpu_count()) as pool:
    pieces = list(pool.map(piece, starts))
  return jax.tree.map(lambda *x: np.concatenate(x), *pieces)
