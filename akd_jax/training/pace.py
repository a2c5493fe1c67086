"""How long a run will take, said as soon as it can be known."""

import time
from typing import Any

import jax

from akd_jax.training import parallel

# A run that takes no longer needs no warning.
_SHORT = 60.0


class Foretold:
  """Says once how long the rest of a run takes, by its first steps."""

  def __init__(self, name: str, first: int, steps: int, programs: int):
    """Prepares for a run.

    Args:
      name: of the run, which begins the line.
      first: the step that it goes on from.
      steps: those of the whole run.
      programs: after how many steps each program has run, and was compiled.
    """
    self._name = name
    self._steps = steps
    self._warm = first + programs
    self._known = self._warm + max(programs, 2)
    self._began = 0.0

  def __call__(self, step: int, state: Any) -> None:
    """Notes that a step has been given to the device, which may still work."""
    if step not in (self._warm, self._known):
      return
    jax.block_until_ready(state)
    now = time.monotonic()
    if step == self._warm:
      self._began = now
      return
    each = (now - self._began) / (self._known - self._warm)
    left = self._steps - step
    if each * left > _SHORT:
      parallel.say(
        f"{self._name}: about {format_duration(each * left)} for {left:,} steps"
        f" of {each:.2g} s"
      )


def format_duration(seconds: float) -> str:
  """Returns seconds as 1:05:09, or 5:09 under an hour."""
  minutes, seconds = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  if hours:
    return f"{hours}:{minutes:02}:{seconds:02}"
  return f"{minutes}:{seconds:02}"
