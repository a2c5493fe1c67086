"""Means of metrics between two looks at them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Window:
  """Means of metrics since the last look, kept as sums on the device."""

  def __init__(self) -> None:
    self._kept: _Sums | None = None
    self._count = 0

  def add(self, step: int, metrics: Mapping[str, Any]) -> None:
    """Adds the metrics of a step without waiting for them."""
    if self._kept is None:
      self._kept = _start(dict(metrics), step)
      # So that nothing is left to compile in the second step.
      _add(self._kept, dict(metrics), step)
    else:
      self._kept = _add(self._kept, dict(metrics), step)
    self._count += 1

  def take(self) -> dict[str, float]:
    """Returns the means since the last call.

    Raises:
      FloatingPointError: one was not finite; the message has its step.
    """
    if self._kept is None:
      return {}
    kept, count = jax.device_get(self._kept), self._count
    self._kept, self._count = None, 0
    steps = {name: int(step) for name, step in kept.wrong.items()}
    wrong = {name: step for name, step in steps.items() if step >= 0}
    if wrong:
      name, step = min(wrong.items(), key=lambda item: item[1])
      raise FloatingPointError(
        f"{name} became {kept.value[name]} in step {step}"
      )
    return {name: float(total) / count for name, total in kept.total.items()}


class _Sums(NamedTuple):
  """What a window keeps of each metric.

  Attributes:
    total: its sum.
    wrong: the first step in which it was not finite; -1 without one.
    value: what it was there.
  """

  total: dict[str, jax.Array]
  wrong: dict[str, jax.Array]
  value: dict[str, jax.Array]


@jax.jit
def _start(metrics: dict[str, jax.Array], step: int) -> _Sums:
  wrong = {k: jnp.where(jnp.isfinite(x), -1, step) for k, x in metrics.items()}
  return _Sums(metrics, wrong, metrics)


@jax.jit
def _add(sums: _Sums, metrics: dict[str, jax.Array], step: int) -> _Sums:
  new = _start(metrics, step)
  fine = {name: first < 0 for name, first in sums.wrong.items()}
  return _Sums(
    {name: total + metrics[name] for name, total in sums.total.items()},
    jax.tree.map(jnp.where, fine, new.wrong, sums.wrong),
    jax.tree.map(jnp.where, fine, new.value, sums.value),
  )
