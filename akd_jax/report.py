r"""Writes a page that compares runs, in one file that any browser shows.

  python -m akd_jax.report --workdir=runs/a [--compare=runs/b ...] \
      [--out=report.html]

What was run, the fields that differ first; every figure of the evaluations;
the same faces by each network, with its attention; curves of training; what
else changes; size against quality. Directories that differ by their seed alone
are one column, with the spread of its seeds. A run that has not been evaluated
has its curves and faces.
"""

import pathlib
import shlex
import sys

from absl import flags

from akd_jax.common import cli, paths


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  paths.define("workdir", None, "The run's directory.", required=True)
  paths.define_several(
    "compare", "Another run's directory; may be given again."
  )
  paths.define("out", "report.html", "The file to write.")


def main(argv: list[str]) -> None:
  """Reads the runs, translates some faces by each, writes the page."""
  cli.refuse_arguments(argv)
  from akd_jax.common import cache as compilation
  from akd_jax.common.writing import check_writable
  from akd_jax.experiments import html_faces, html_page
  from akd_jax.experiments.compared import read_variants

  args = flags.FLAGS
  out = pathlib.Path(args.out)
  paths.check_file(args.out, (".html", ".htm"))
  check_writable(out.parent)
  compilation.use_persistent_cache()
  variants = read_variants([args.workdir, *args.compare])
  title = " and ".join(variant.name for variant in variants)
  command = shlex.join(["python", "-m", "akd_jax.report", *sys.argv[1:]])
  page = html_page.render(title, command, variants, html_faces.show(variants))
  html_page.write(out, page)
  print(f"written to {args.out}: open it in a browser")


if __name__ == "__main__":
  define_flags()
  cli.run(main)
