"""A command in a process that sends itself a signal in a chosen phase.

  python benchmarks/soak_struck.py SIGNAL PHASE COUNT DELAY MODULE [options]

The signal comes DELAY seconds after the phase has begun for the COUNTth time;
PHASES says what begins one. `python benchmarks/soak.py strikes` starts it.
"""

import os
import pathlib
import runpy
import signal
import sys
import threading

ROOT = pathlib.Path(__file__).parents[1]
# Phase -> what its every beginning is: a function that is called, a file that
# gets its name, or an event of JAX; nothing is the start of the process.
PHASES = {
  "start-up": None,
  "data": ("akd_jax.data.pipeline", "open_source"),
  "compile": "/jax/compilation_cache/compile_requests_use_cache",
  "training": ("akd_jax.training.window", "Window.add"),
  "checkpoint": ("akd_jax.training.checkpoint", "Checkpoints.save"),
  "commit": "checkpoints/",
  "writing": "/",
  # Pictures through a trained network: of an evaluation, a score or a sheet.
  "evaluation": ("akd_jax.inference.translator", "_program"),
}


class Striker:
  """Counts beginnings of a phase, and strikes after the right one."""

  def __init__(self, number, count, delay):
    self._number, self._left, self._delay = number, count, delay

  def begin(self, *_, **__):
    self._left -= 1
    if self._left == 0:
      if self._delay:
        timer = threading.Timer(self._delay, self._strike)
        timer.daemon = True
        timer.start()
      else:
        self._strike()

  def _strike(self):
    os.kill(os.getpid(), self._number)


def watch_renames(striker, phase):
  """Begins when a file gets its name: a checkpoint, or anything else."""

  def hear(event, arguments):
    if event == "os.rename":
      *folder, name = str(arguments[1]).split("/")
      commits = folder[-1:] == ["checkpoints"] and name.isdigit()
      if commits == (phase == "commit"):
        striker.begin()

  sys.addaudithook(hear)


def watch_when_loaded(module, watch):
  """Calls `watch` with a module as soon as it is there."""
  waits = [True]

  def hear(event, _):
    if event in ("import", "open", "exec", "object.__getattr__") and waits:
      loaded = sys.modules.get(module)
      spec = getattr(loaded, "__spec__", None)
      if loaded is not None and not getattr(spec, "_initializing", False):
        waits.clear()
        watch(loaded)

  sys.addaudithook(hear)


def watch_calls(striker, function):
  """Begins whenever a function of a module is called."""

  def watch(module):
    *owners, name = function.split(".")
    owner = module
    for part in owners:
      owner = getattr(owner, part)
    called = getattr(owner, name)

    def call(*args, **kwargs):
      striker.begin()
      return called(*args, **kwargs)

    setattr(owner, name, call)

  return watch


def watch_events(striker, name):
  def watch(jax):
    del jax
    import jax.monitoring

    jax.monitoring.register_event_listener(
      lambda event, **_: striker.begin() if event == name else None
    )

  return watch


def main():
  number, phase, count, delay, module = sys.argv[1:6]
  sys.argv = [module, *sys.argv[6:]]
  sys.path[0] = str(ROOT)
  striker = Striker(signal.Signals[number], int(count), float(delay))
  begins = PHASES[phase]
  if begins is None:
    striker.begin()
  elif isinstance(begins, tuple):
    watch_when_loaded(begins[0], watch_calls(striker, begins[1]))
  elif phase == "compile":
    watch_when_loaded("jax", watch_events(striker, begins))
  else:
    watch_renames(striker, phase)
  runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
  main()
