"""Where the benchmarks write what they measured."""

import argparse
import json
import pathlib


def parser(description):
  """The options that every benchmark has."""
  options = argparse.ArgumentParser(
    description=description,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  default = pathlib.Path(__file__).with_name("results.jsonl")
  options.add_argument("--out", default=str(default))
  return options


def append(path, row):
  with open(path, "a") as file:
    file.write(json.dumps(row) + "\n")
