"""Opens damaged and odd sets of photos and tables, and counts what comes of it.

  python benchmarks/soak_photos.py [--cases=2000] [--seed=0] [--only=MAKER]

Each set (odd_photos.py) is opened as training does, every photo read. Either
all of it is read right: each photo in one split, with its label and, where it
is whole, its pixels; what is not there is counted in a note. Or it is refused,
by one line. Prints the counts as JSON; ends with 1 if there is anything else: a
photo, class or label that is lost, another exception, or more than 10 seconds.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import traceback
import unicodedata

import numpy as np
import odd_photos

from akd_jax.common.errors import UserError
from akd_jax.configs import teacher
from akd_jax.data import pipeline

SECONDS = 10


class Hang(BaseException):
  """A case took too long."""


class Wrong(Exception):
  """A set was read, but not right."""


def fields(case):
  """The section config.data of a case."""
  data = teacher.get_config("debug").data
  data.update({"attributes": (), "distribution": {}, "conditional": {}})
  data.update({"image_size": odd_photos.SIDE, "crop": 0, "test_share": 0.3})
  if case.fields["name"] == "folder":
    data.label_rule = "exclusive"
  data.update(case.fields)
  return data


def spelled(name):
  return unicodedata.normalize("NFC", name)


def read(case):
  """Reads a set whole, and compares it with what is in it.

  Raises:
    Wrong: it is something else.
  """
  sources = [pipeline.open_source(fields(case), x) for x in pipeline.SPLITS]
  expected = {spelled(x): row for x, row in case.labels.items()}
  pixels = {spelled(x): value for x, value in case.pixels.items()}
  found = {}
  for source in sources:
    for position, photo in enumerate(source.names):
      name = spelled(photo)
      record = source[position]
      if name in found:
        raise Wrong(f"{name!r} is in two splits")
      found[name] = True
      row = source.labels[position]
      if photo not in source.skipped:
        np.testing.assert_array_equal(record["label"], row)
        if name in pixels and not np.array_equal(record["image"], pixels[name]):
          raise Wrong(f"{name!r} has other pixels")
      on = {x for x, value in zip(source.attributes, row, strict=True) if value}
      if name not in expected:
        raise Wrong(f"{name!r} is not in the set")
      if on != expected[name]:
        raise Wrong(f"{name!r} has {on}, not {set(expected[name])}")
    pipeline.remark(source)
  lost = len(expected.keys() - found.keys())
  noted = sum(
    int(x)
    for line in sources[0].remarks
    for x in re.findall(r"(?:^|: |lacks )(\d+) (?:files|photos|of the)", line)
  )
  if lost > noted:
    missing = sorted(expected.keys() - found.keys())[:3]
    raise Wrong(f"{lost} photos are lost, such as {missing}; {noted} are noted")


def outcome(case):
  """Says what came of a case: "read", "refused", or what is wrong."""
  try:
    read(case)
    return "read", ""
  except UserError as error:
    message = str(error)
    # By chance a split of so few may be empty.
    if case.certain and "is empty" not in message:
      return "refused though whole", message
    one_line = "\n" not in message and len(message) < 2000
    return ("refused" if one_line else "many lines"), message
  except Hang:
    return "hang", ""
  except Wrong as error:
    return "wrong", str(error)
  except Exception:  # noqa: BLE001 - whichever there may be.
    return "another exception", traceback.format_exc()


def stop(*_):
  raise Hang


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument("--cases", type=int, default=2000)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--only", choices=odd_photos.MAKERS)
  parser.add_argument("--case", type=int, help="this one alone")
  args = parser.parse_args()
  signal.signal(signal.SIGALRM, stop)
  makers = [args.only] if args.only else list(odd_photos.MAKERS)
  counts = collections.defaultdict(collections.Counter)
  numbers = range(args.cases) if args.case is None else [args.case]
  bad = 0
  # Notes are what users read; here they are counted.
  notes = sys.stderr
  sys.stderr = open(os.devnull, "w", errors="backslashreplace")  # noqa: SIM115
  for number in numbers:
    maker = makers[number % len(makers)]
    with tempfile.TemporaryDirectory() as folder:
      root = pathlib.Path(folder, "photos")
      root.mkdir()
      case = odd_photos.MAKERS[maker](
        np.random.default_rng((args.seed, number)), root
      )
      signal.alarm(SECONDS)
      result, why = outcome(case)
      signal.alarm(0)
    counts[maker][result] += 1
    if result not in ("read", "refused"):
      bad += 1
      print(f"case {number}, {maker}: {result}: {why}", file=notes)
    elif args.case is not None:
      print(result, why, file=notes)
  total = sum(counts.values(), collections.Counter())
  report = {"seed": args.seed, "cases": len(numbers), "all": dict(total)}
  report |= {maker: dict(counts[maker]) for maker in makers}
  print(json.dumps(report, indent=2))
  sys.exit(bool(bad))


if __name__ == "__main__":
  main()
