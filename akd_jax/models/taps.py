"""Named activations of a network: looked at, and changed by taps.

A *tap* is added to the activation of its name, so that the gradient with
respect to a tap of zeros is the gradient with respect to the activation.
"""

from collections.abc import Mapping

import jax

Activations = dict[str, jax.Array]
Taps = Mapping[str, jax.Array]


class Interceptor:
  """Adds a tap to each named activation and keeps the result."""

  def __init__(self, taps: Taps | None):
    self.taps = dict(taps or {})
    self.activations: Activations = {}

  def __call__(self, name: str, x: jax.Array) -> jax.Array:
    """Returns activation `name` with its tap.

    Raises:
      ValueError: the tap has another shape (it would be broadcast).
    """
    if name in self.taps:
      tap = self.taps[name]
      if tap.shape != x.shape:
        raise ValueError(f"tap {name!r} is {tap.shape}, not {x.shape}")
      x = x + tap.astype(x.dtype)
    self.activations[name] = x
    return x

  def check_all_used(self) -> None:
    """Raises ValueError where a tap has no activation of its name."""
    unknown = set(self.taps) - set(self.activations)
    if unknown:
      raise ValueError(f"no activation {sorted(unknown)}")
