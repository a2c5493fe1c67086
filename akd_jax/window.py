"""Metrics between two looks at them, and whether all of them are finite."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


class Window:
  """Metrics since the last look, kept on the device until they are needed."""

  def __init__(self) -> None:
    self._rows: list[tuple[int, Mapping[str, Any]]] = []

  def add(self, step: int, metrics: Mapping[str, Any]) -> None:
    """Keeps the metrics of a step without waiting for them."""
    self._rows.append((step, metrics))

  def take(self) -> dict[str, float]:
    """Means since the last call.

    Raises:
      FloatingPointError: one was not finite; the message has its step.
    """
    rows, self._rows = jax.device_get(self._rows), []
    for step, metrics in rows:
      for name, value in metrics.items():
        if not np.isfinite(value):
          raise FloatingPointError(f"{name} became {value} in step {step}")
    if not rows:
      return {}
    return {
      name: float(np.mean([metrics[name] for _, metrics in rows]))
      for name in rows[0][1]
    }
