"""Means of metrics between two looks at them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Window:
  """Means of metrics since the last look, kept as sums on the device.

  Steps in which the discriminator does not learn have fewer metrics: each
  mean is over the steps that have it.
  """

  def __init__(self) -> None:
    # By the names of the metrics, with the number of steps.
    self._kept: dict[tuple[str, ...], tuple[_Sums, int]] = {}

  def add(self, step: int, metrics: Mapping[str, Any]) -> None:
    """Adds the metrics of a step without waiting for them."""
    names = tuple(sorted(metrics))
    if names in self._kept:
      sums, count = self._kept[names]
      self._kept[names] = _add(sums, dict(metrics), step), count + 1
    else:
      sums = _start(dict(metrics), step)
      # So that nothing is left to compile in the second step.
      _add(sums, dict(metrics), step)
      self._kept[names] = sums, 1

  def take(self) -> dict[str, float]:
    """Returns the means since the last call.

    Raises:
      FloatingPointError: one was not finite; the message has its step.
    """
    kept = [(jax.device_get(sums), n) for sums, n in self._kept.values()]
    self._kept = {}
    wrong = [
      (int(step), name, sums.value[name])
      for sums, _ in kept
      for name, step in sums.wrong.items()
      if step >= 0
    ]
    if wrong:
      step, name, value = min(wrong, key=lambda found: found[0])
      raise FloatingPointError(f"{name} became {value} in step {step}")
    totals: dict[str, float] = {}
    counts: dict[str, int] = {}
    for sums, count in kept:
      for name, total in sums.total.items():
        totals[name] = totals.get(name, 0.0) + float(total)
        counts[name] = counts.get(name, 0) + count
    return {name: total / counts[name] for name, total in totals.items()}


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
  # A sum of many in half precision would stop growing.
  wide = jax.tree.map(lambda x: x.astype(jnp.float32), metrics)
  return _Sums(wide, wrong, wide)


@jax.jit
def _add(sums: _Sums, metrics: dict[str, jax.Array], step: int) -> _Sums:
  new = _start(metrics, step)
  fine = {name: first < 0 for name, first in sums.wrong.items()}
  return _Sums(
    {name: total + metrics[name] for name, total in sums.total.items()},
    jax.tree.map(jnp.where, fine, new.wrong, sums.wrong),
    jax.tree.map(jnp.where, fine, new.value, sums.value),
  )
