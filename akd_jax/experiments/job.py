"""What a job of a cluster does with its run. Little is imported to say so."""

import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

from akd_jax.common.errors import Stopped, UserError, WriteError


def attempt(do: Callable[[Any], Any], run: Any) -> str:
  """Does a run; returns one line where it cannot be done, else "".

  A run that is asked to make way, or whose time is nearly up (SIGUSR2, from
  submitit), saves as it does on SIGTERM.

  Args:
    do: is given the run.
    run: see `plan.PlannedRun`.
  """
  signal.signal(signal.SIGUSR2, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
  try:
    do(run)
  except Stopped as stopped:
    print(stopped, flush=True)
  except (UserError, WriteError, FloatingPointError) as error:
    return str(error)
  except Exception as error:  # noqa: BLE001 - what it is, the log says
    traceback.print_exc()
    return f"{type(error).__name__}: {error}"
  return ""
