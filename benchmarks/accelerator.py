"""What a few minutes on an accelerator tell; started by accelerator.sh.

  benchmarks/accelerator.sh [OUT] [--small] [--seconds=460] [--only=TEXT]

What matters most comes first: is it right there; the cycles that the goal is
about, against PyTorch; those against compiled PyTorch; translations; the rest
while time remains. Every row is kept in OUT as soon as it is known, what fails
stops nothing else, and accelerator_tables.py makes tables of the rows.
"""

import argparse
import concurrent.futures
import functools
import os
import queue
import shutil
import signal
import sys

import accelerator_cases as cases
import sides
from session import Session, machine

# At most so many seconds for all that is compared with the reference, and for
# torch.compile of the cases of a stage.
RIGHT_S, COMPILE_S = 150, 90
# Compiled programs that are kept, so that OUT stays at a handful of files.
PROGRAMS = 4


def right(session, scale):
  """Errors on each golden file, and of each convolution that has two forms.

  Side by side: to compile takes far longer than to compute, and nothing is
  timed.
  """
  jobs = [job for job in cases.right(scale) if session.begins("right", job[0])]
  idle = queue.SimpleQueue()
  for _ in range(min(len(jobs), max(1, os.cpu_count() // 2))):
    idle.put(session.worker("right.py"))
  until = session.left() - RIGHT_S

  def work(do, fields):
    process = idle.get()
    try:
      seconds = max(0, session.left() - max(0, until))
      return process.ask(do, seconds, **fields)
    finally:
      idle.put(process if process.alive() else session.worker("right.py"))

  with concurrent.futures.ThreadPoolExecutor(len(jobs) or 1) as pool:
    titles = {pool.submit(work, *job): title for title, *job in jobs}
    for future in concurrent.futures.as_completed(titles):
      session.keep("right", titles[future], lambda x=future: [x.result()])
  session.end_but()


class Cycles:
  """Cycles of training, timed against eager PyTorch, then against compiled.

  Our side of each stays as it is in between, idle.
  """

  def __init__(self, session, scale):
    self.session, self.scale = session, scale
    self.ours, self.programs = {}, 0

  def run(self, stage):
    """Measures {title: case}."""
    for title, case in stage.items():
      self._attempt("cycle", title, self.against_eager, case)
      self.session.end_but(*(side.process for side in self.ours.values()))
    for title in self.ours:
      self._attempt("kernels", title, self.kernels)
    built = sides.compile_all(
      self.session, {title: stage[title] for title in self.ours}, COMPILE_S
    )
    for title, peer in built.items():
      self._attempt("cycle", title, self.against_compiled, *peer)
    self.ours.clear()
    self.session.end_but()

  def _attempt(self, part, title, rows, *args):
    self.session.attempt(part, title, functools.partial(rows, title, *args))

  def against_eager(self, title, case):
    """Yields a row for eager PyTorch, and one for its CUDA graph."""
    session = self.session
    process = session.worker("jax_worker.py", ahead=True)
    # First: cuDNN tries its algorithms alone on the device, as we do next.
    theirs, failure = sides.tried(
      "eager", lambda: sides.eager(session, session.torch(), case)
    )
    if failure:
      yield failure
    self.ours[title] = sides.ours(session, self.scale, process, case)
    yield sides.turns(session, self.scale, self.ours[title], theirs)
    if theirs:
      yield sides.captured(session, self.scale, self.ours[title], theirs)

  def against_compiled(self, title, process, reply):
    """Yields a row for compiled PyTorch, and one for its CUDA graph."""
    ours = self.ours[title]
    theirs, failure = sides.tried(
      "compiled", lambda: sides.compiled(self.session, process, reply)
    )
    yield failure or sides.turns(self.session, self.scale, ours, theirs)
    if theirs:
      yield sides.captured(self.session, self.scale, ours, theirs)

  def kernels(self, title):
    """Yields what takes the device's time; keeps the first programs."""
    process = self.ours[title].process
    row = process.ask("profile", self.session.left(), repeat=3)
    if self.programs < PROGRAMS:
      self.programs += 1
      row["program"] = f"program_{self.programs}.txt.gz"
      text = str(self.session.out / row["program"])
      row |= process.ask("program", self.session.left(), text=text)
    yield row


class Translations:
  """Translations a second, by two workers that take one case after another."""

  def __init__(self, session, scale):
    self.session, self.scale = session, scale
    self.process, self.peer = None, None

  def run(self):
    for title, case in cases.translations(self.scale):
      self.session.attempt(
        "translations", title, functools.partial(self.rows, case)
      )
    self.session.end_but()

  def rows(self, case):
    """Yields a row for PyTorch, and for the network alone as a CUDA graph."""
    session = self.session
    if not (self.process and self.process.alive()):
      self.process = session.worker("jax_worker.py")
    theirs, failure = sides.tried("eager", lambda: self._eager(case))
    if failure:
      yield failure
    ours = sides.ours(session, self.scale, self.process, case)
    yield sides.turns(session, self.scale, ours, theirs)
    if theirs and case["work"] == "forward":
      yield sides.captured(session, self.scale, ours, theirs)

  def _eager(self, case):
    if not (self.peer and self.peer.alive()):
      self.peer = self.session.torch()
    return sides.eager(self.session, self.peer, case)


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("out", nargs="?", default="runs/accelerator")
  parser.add_argument("--small", action="store_true", help="for a CPU")
  parser.add_argument("--seconds", type=float, default=460)
  parser.add_argument("--only", default="", help="what has TEXT in its title")
  options = parser.parse_args()
  torch_python = os.environ.get("TORCH_PYTHON") or sys.executable
  if not shutil.which(torch_python):
    parser.error(f"TORCH_PYTHON={torch_python} is no program")
  # Told to stop, it ends its workers.
  signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
  scale = cases.SMALL if options.small else cases.PAPERS
  with Session(
    options.out, options.seconds, options.only, torch_python
  ) as session:
    session.keep("machine", "here", lambda: [machine(sys.argv[1:])])
    right(session, scale)
    cycles = Cycles(session, scale)
    first, *rest = cases.cycles(scale)
    cycles.run(first)
    Translations(session, scale).run()
    for stage in rest:
      cycles.run(stage)
    session.finish()


if __name__ == "__main__":
  main()
