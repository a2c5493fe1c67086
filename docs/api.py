"""Writes the API pages, from the docstrings: python docs/api.py OUT

OUT/index.html leads to a page of each module but the commands', which say what
they do by --help.
"""

import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import akd_jax
from akd_jax.common import output


def list_rooms() -> Iterator[str]:
  """Lists the package and its rooms; pdoc finds what is in them."""
  yield "akd_jax"
  for room in pkgutil.iter_modules(akd_jax.__path__, "akd_jax."):
    if room.ispkg:
      yield room.name
  yield "akd_jax.configs"


def write(out: Path) -> None:
  """Writes the pages to the folder `out`.

  Warns of a module that cannot be imported.
  """
  import pdoc

  # Libraries ask for the machine's name as they are imported.
  os.environ["PDOC_ALLOW_EXEC"] = "1"
  # The package imports what it offers when it is asked for; pdoc does not ask.
  for name in akd_jax.__all__:
    setattr(akd_jax, name, getattr(akd_jax, name))
  pdoc.render.configure(docformat="google")
  pdoc.pdoc(*list_rooms(), output_directory=out)


if __name__ == "__main__":
  if len(sys.argv) != 2:
    sys.exit(__doc__)
  output.quiet_libraries()
  write(Path(sys.argv[1]))
  print(f"{sys.argv[1]}/index.html")
