"""What accelerator.py found, as text: a line for its log, tables for docs.

  python benchmarks/accelerator_tables.py OUT/rows.jsonl

prints Markdown for docs/performance.md, each run under its machine, versions,
command and date.
"""

import json
import sys

NOTHING = "–"
# The longest kernels that are told.
TOLD = 10


def describe(row):
  """One row for the log: a line, of kernels six."""
  return f"{row['part']}: {row['case']}: {_found(row)}"


def _found(row):
  if "error" in row:
    return f"{row.get('variant', '')} failed: {row['error']}".strip()
  if row["part"] == "right":
    return _errors(row)
  if row["part"] == "kernels":
    return _kernels(row)
  if row["part"] in ("cycle", "translations"):
    return _timing(row)
  hidden = ("part", "case", "at_s")
  return ", ".join(f"{k} {x}" for k, x in row.items() if k not in hidden)


def _errors(row):
  worst = max(row["errors"], key=row["errors"].get)
  within = "within" if row["within"] else "not within"
  return f"largest error {row['largest']:.1e} ({worst}), {within} 1e-4"


def _timing(row):
  parts = [f"ours {_ms(row['ours_s'])}"]
  if "ratio" in row:
    parts += [f"PyTorch {row['variant']} {_ms(row['torch_s'])}", _ratio(row)]
  parts += [f"{_share(row)} of a product's rate", f"host {_host(row)}"]
  return ", ".join([*parts, f"built in {row['build_s']} s"])


def _kernels(row):
  """A head and five lines, of two kernels each."""
  told = [
    f"{kernel['share']:6.1%} {kernel['name'][:48]:48} x{kernel['launches']:<4g}"
    for kernel in row["kernels"][:TOLD]
  ]
  head = (
    f"{row['events_ms']:.3g} ms in {row['launches']} launches, the device is"
    f" busy {row['busy_share']:.0%} of the time"
  )
  lines = ["".join(told[i : i + 2]).rstrip() for i in range(0, len(told), 2)]
  return "\n".join([head, *lines])


def _ms(seconds):
  return f"{1e3 * seconds:{'.3g' if seconds < 1 else ',.0f'}} ms"


def _ratio(row):
  return (
    f"{row['ratio']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})"
  )


def _share(row):
  share = row.get("share_of_product")
  return NOTHING if share is None else f"{share:.0%}"


def _host(row):
  return f"{_ms(row['ours_host_s'])} of {_ms(row['ours_s'])}"


def runs(rows):
  """The rows of each run: each begins with those of its machine."""
  found = []
  for row in rows:
    if (row["part"], row["case"]) == ("machine", "here"):
      found.append([])
    found[-1].append(row)
  return found


def markdown(run):
  """The section of one run."""
  sections = (_machine, _right, _cycles, _translations, _profiles, _failures)
  return "\n\n".join(filter(None, (section(run) for section in sections)))


def _of(run, part):
  return [row for row in run if row["part"] == part and "error" not in row]


def _machine(run):
  here, *product = _of(run, "machine")
  versions = ", ".join(f"{k} {x}" for k, x in here["packages"].items() if x)
  torch = {row["torch"] for row in run if "torch" in row}
  device = here["gpu"] or f"no GPU, {here['cores']} cores"
  lines = [
    f"`{here['command']}`, {here['date']}, commit {here['commit']}. {device};"
    f" Python {here['python']}, {versions};"
    f" PyTorch {', '.join(torch) or 'not there'}."
  ]
  for row in product:
    rates = ", ".join(
      f"{row[kind] / 1e3:.3g} TFLOP/s in {kind}"
      for kind in ("float32", "tf32", "bfloat16")
    )
    lines.append(f"A {row['case']}: {rates}.")
  return "\n".join(lines)


def _table(head, rows):
  if not rows:
    return ""
  cells = [head, ["---"] * len(head), *rows]
  return "\n".join("| " + " | ".join(x) + " |" for x in cells)


def _right(run):
  rows = [
    [
      row["case"],
      f"{row['largest']:.1e}",
      ", ".join(f"{name} {x:.1e}" for name, x in row["errors"].items()),
      f"{row['far_weights']:.2%}" if "far_weights" in row else NOTHING,
    ]
    for row in sorted(_of(run, "right"), key=lambda row: row["case"])
  ]
  head = ["largest errors", "all", "each", "weights off by more than 1e-4"]
  return _table(head, rows)


def _best(rows):
  """{case: [rows by variant, that of PyTorch's fastest first]}."""
  found = {}
  for row in rows:
    found.setdefault(row["case"], []).append(row)
  for variants in found.values():
    variants.sort(key=lambda row: -row.get("ratio", 0))
  return found


def _cycles(run):
  asked = {row["case"]: row["program_mib"] for row in _of(run, "program")}
  rows = [
    [
      case,
      _ms(best["ours_s"]),
      *_beside_torch(best, _ms),
      "; ".join(
        f"{x['variant']} {x['ratio']:.2f}" for x in others if "ratio" in x
      )
      or NOTHING,
      _share(best),
      _host(best),
      ", ".join(
        str(mib or NOTHING)
        for mib in (best["ours_mib"], asked.get(case), best.get("torch_mib"))
      ),
      f"{best['build_s']} s",
    ]
    for case, (best, *others) in _best(_of(run, "cycle")).items()
  ]
  head = [
    "cycle", "ours", "PyTorch's best", "ratio (least to most)", "others",
    "share of the product's rate", "the call, of a cycle",
    "MiB: our most, our program's, theirs", "compiled in",
  ]  # fmt: skip
  return _table(head, rows)


def _beside_torch(row, how):
  if "ratio" not in row:
    return [NOTHING, NOTHING]
  return [f"{how(row['torch_s'])} ({row['variant']})", _ratio(row)]


def _translations(run):
  rows = []
  for case, (best, *_) in _best(_of(run, "translations")).items():

    def a_second(seconds, row=best):
      return f"{row['batch'] / seconds:,.0f}"

    rows.append(
      [case, a_second(best["ours_s"]), *_beside_torch(best, a_second)]
    )
  head = ["translations", "ours a second", "PyTorch's", "ratio of the times"]
  return _table(head, rows)


def _profiles(run):
  told = [f"{row['case']}: {_kernels(row)}" for row in _of(run, "kernels")]
  return "```\n" + "\n\n".join(told) + "\n```" if told else ""


def _failures(run):
  lines = [f"- {describe(row)}" for row in run if "error" in row]
  for row in _of(run, "time"):
    lines += [f"- no time for {title}" for title in row["not_reached"]]
  return "\n".join(lines)


def main():
  if len(sys.argv) != 2:
    sys.exit(__doc__)
  with open(sys.argv[1]) as file:
    rows = [json.loads(line) for line in file]
  print("\n\n".join(markdown(run) for run in runs(rows)))


if __name__ == "__main__":
  main()
