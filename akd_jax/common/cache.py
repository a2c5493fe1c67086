"""The user's cache: drawn pictures, trained classifiers, compiled programs."""

import os
import sys
from pathlib import Path

from akd_jax.common.errors import WriteError
from akd_jax.common.writing import check_writable


def cache_directory() -> Path:
  """Returns our folder in the user's cache (XDG_CACHE_HOME, or ~/.cache)."""
  home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
  return Path(home).expanduser().absolute() / "akd_jax"


def use_persistent_cache() -> None:
  """Turns on JAX's cache of compiled programs, so that later starts are quick.

  Whoever has chosen another place for it keeps that. A cache that cannot be
  written is done without.
  """
  # Here, so that whoever only asks for the folder need not wait for JAX.
  import jax

  name = "jax_compilation_cache_dir"
  if getattr(jax.config, name) is None:
    folder = cache_directory() / "compiled"
    try:
      check_writable(folder)
    except WriteError as error:
      print(f"{error}: done without", file=sys.stderr, flush=True)
      return
    jax.config.update(name, str(folder))
