"""What both sides of compare.py do: a case's work, timed on request."""

import json
import sys
import time


def serve(prepare, version):
  """Answers each line on standard input with the seconds of a unit of work.

  Args:
    prepare: case -> the unit, a function of nothing.
    version: of the library that works, sent with the first line.
  """
  case = json.loads(sys.argv[1])
  unit = prepare(case)
  for _ in range(3):
    unit()
  print("ready", version, flush=True)
  for _ in sys.stdin:
    start = time.perf_counter()
    for _ in range(case["repeat"]):
      unit()
    print((time.perf_counter() - start) / case["repeat"], flush=True)
