"""A table as text, for a terminal."""

from collections.abc import Sequence


def align_columns(rows: Sequence[Sequence[str]]) -> str:
  """Aligns columns under a rule, with another above a line of "all".

  Args:
    rows: cells of equal number, the heading first. The first column stands at
      its left, all others at their right.
  """
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  lines = [
    "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
    for row in rows
  ]
  rule = "-" * len(lines[0])
  lines.insert(1, rule)
  if rows[-1][0] == "all":
    lines.insert(-1, rule)
  return "\n".join(lines)
