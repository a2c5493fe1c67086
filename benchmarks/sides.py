"""The two sides that accelerator.py measures in turns: ours and PyTorch's."""

from typing import Any, NamedTuple

import worker
from arithmetic import work_flops
from worker import WorkerError


class Side(NamedTuple):
  """A worker that is warm.

  Attributes:
    process: the worker.
    pace: seconds of a unit of its work, about.
    facts: what rows say of it.
  """

  process: worker.Worker
  pace: float
  facts: dict[str, Any]


def ours(session, scale, process, case):
  """A worker of ours that has built a case."""
  facts = {name: case[name] for name in ("work", "size", "batch", "dtype")}
  facts |= process.ask("build", session.left(), case=case)
  pace = process.ask("warm", session.left())["seconds"]
  facts["ours_mib"] = process.ask("memory", session.left())["mib"]
  facts["gflop"] = round(work_flops(case) / 1e9, 3)
  kind = "tf32" if case["dtype"] == "float32" else case["dtype"]
  facts["product_gflop_per_s"] = _product(session, scale, process).get(kind)
  return Side(process, pace, facts)


def _product(session, scale, process):
  """GFLOP/s of the device's matrix products; measured once, then known."""
  if session.product is None:
    session.product = {}

    def rows():
      side, repeat = scale.product
      rates = process.ask("rates", session.left(), side=side, repeat=repeat)
      session.product = {name: round(x / 1e9, 1) for name, x in rates.items()}
      yield session.product

    session.keep("machine", f"matrix product of {scale.product[0]}", rows)
  return session.product


def eager(session, process, case):
  """A worker of PyTorch's that has built a case, in its faster layout."""

  def built(layout):
    reply = process.ask("build", session.left(), case=case | {"format": layout})
    facts = {"torch": reply["torch"], "variant": "eager", "format": layout}
    return _warm(session, process, facts)

  both = [built(layout) for layout in ("contiguous", "channels_last")]
  faster = min(both, key=lambda side: side.pace)
  return both[1] if faster is both[1] else built("contiguous")


def captured(session, scale, ours, theirs):
  """A row of us against the peer's same work as one CUDA graph.

  The host starts it in a single call, as it does ours.
  """
  variant = f"{theirs.facts['variant']}, captured"

  def graph():
    pace = theirs.process.ask("capture", session.left())["seconds"]
    memory = theirs.process.ask("memory", session.left())["mib"]
    facts = theirs.facts | {"variant": variant, "torch_mib": memory}
    return Side(theirs.process, pace, facts)

  side, failure = tried(variant, graph)
  return failure or turns(session, scale, ours, side)


def tried(variant, make):
  """What `make` returns, and None; or None, and a row that says why not."""
  try:
    return make(), None
  except WorkerError as error:
    return None, {"variant": variant, "error": str(error)}


def compile_all(session, stage, seconds):
  """Has PyTorch compile cases, side by side; nothing is timed meanwhile.

  Args:
    session: whose workers they are.
    stage: {title: case}.
    seconds: that all may take.

  Returns:
    {title: (worker, its reply)}; what failed stands in the reply's place.
  """
  found, until = {}, session.left() - seconds
  for title, case in stage.items():
    try:
      process = session.torch()
      wanted = case | {"format": "channels_last", "compile": True}
      process.send("build", case=wanted)
      found[title] = process, None
    except WorkerError as error:
      found[title] = None, error
  for title, (process, error) in found.items():
    if not error:
      try:
        reply = process.receive(max(0, session.left() - max(0, until)))
      except WorkerError as late:
        reply = late
      found[title] = process, reply
  return found


def compiled(session, process, reply):
  """One that `compile_all` returns, warm."""
  if isinstance(reply, WorkerError):
    raise reply
  facts = {
    "torch": reply["torch"],
    "variant": "compiled",
    "format": "channels_last",
    "torch_build_s": reply["build_s"],
  }
  return _warm(session, process, facts)


def _warm(session, process, facts):
  pace = process.ask("warm", session.left())["seconds"]
  memory = process.ask("memory", session.left())["mib"]
  return Side(process, pace, facts | {"torch_mib": memory})


def turns(session, scale, ours, theirs):
  """A row of both in turns, or of ours alone where `theirs` is None."""
  both = {"ours": ours} | ({"torch": theirs} if theirs else {})
  repeats = {
    name: (side.process, min(50, max(2, round(scale.turn_s / side.pace))))
    for name, side in both.items()
  }
  row = dict(ours.facts) | (theirs.facts if theirs else {})
  row |= worker.in_turns(repeats, scale.rounds, session.left())
  if row["product_gflop_per_s"]:
    rate = row["gflop"] / row["ours_s"]
    row["share_of_product"] = round(rate / row["product_gflop_per_s"], 3)
  return row
