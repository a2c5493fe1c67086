"""The user's cache: drawn pictures, trained classifiers, compiled programs."""

import os
from pathlib import Path

from akd_jax.common.errors import UserError, WriteError
from akd_jax.common.output import note
from akd_jax.common.writing import check_writable


def cache_directory() -> Path:
  """Returns our folder in the user's cache (XDG_CACHE_HOME, or ~/.cache).

  Raises:
    UserError: nobody knows where that is.
  """
  home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
  folder = os.path.expanduser(home)
  if folder.startswith("~"):
    raise UserError(
      f"no home directory is known for {home}: set HOME, or XDG_CACHE_HOME to a"
      " folder that may be written"
    )
  return Path(folder).absolute() / "akd_jax"


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
      note(f"{error}: done without")
      return
    jax.config.update(name, str(folder))
