"""akd_jax.main in a process that sends itself a signal at a chosen moment.

  python -m tests.struck SIGNAL step=N|commit=N [options of akd_jax.main]

step=N: when training step N has been sent to the device; commit=N: when
checkpoint N has been written, just before it gets its name.
"""

import os
import signal
import sys
from typing import Any

from tests import without_tensorboard  # noqa: F401 - nobody reads its files


def main() -> None:
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  number = signal.Signals[sys.argv[1]]
  moment, _, step = sys.argv[2].partition("=")
  del sys.argv[1:3]
  if moment == "commit":
    strike_at_commit(number, step)
  else:
    strike_at_step(number, int(step))

  from akd_jax import main as command
  from akd_jax.common import cli

  command.define_flags()
  cli.run(command.main)


def strike_at_step(number: int, step: int) -> None:
  from akd_jax.training.window import Window

  add = Window.add

  def strike(window: Window, now: int, metrics: Any) -> None:
    add(window, now, metrics)
    if now == step and not struck:
      struck.append(now)
      os.kill(os.getpid(), number)

  struck: list[int] = []
  Window.add = strike  # type: ignore[method-assign]


def strike_at_commit(number: int, step: str) -> None:
  def strike(event: str, arguments: tuple) -> None:
    if event == "os.rename" and str(arguments[1]).endswith(f"points/{step}"):
      os.kill(os.getpid(), number)

  sys.addaudithook(strike)


if __name__ == "__main__":
  main()
