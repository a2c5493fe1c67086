"""Breaks commands on purpose, and counts what is lost by it.

  python benchmarks/soak.py strikes --count=200     # kills, as many signals
  python benchmarks/soak.py overrides --count=5000  # nonsense as fields
  python benchmarks/soak.py memory --count=2000     # steps of one run

Prints one line of JSON: the counts, and all that went wrong. The same command
goes on where it was stopped (--folder has what it needs for that). The exit
status is 1 where anything went wrong.
"""

import argparse
import importlib
import json
import sys

KINDS = ("strikes", "overrides", "memory")


def main():
  options = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  options.add_argument("what", choices=KINDS)
  options.add_argument("--count", type=int, required=True)
  options.add_argument("--seed", type=int, default=0)
  options.add_argument(
    "--only", default="", help="of strikes: commands, A,B,..."
  )
  options.add_argument("--folder", default="runs/soak")
  options = options.parse_args()
  result = importlib.import_module(f"soak_{options.what}").soak(options)
  print(json.dumps(result))
  sys.exit(bool(result["lost"]))


if __name__ == "__main__":
  main()
