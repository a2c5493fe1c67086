"""The user's cache: drawn pictures, trained classifiers, compiled programs."""

import os
from pathlib import Path


def cache_directory() -> Path:
  """Returns our folder in the user's cache (XDG_CACHE_HOME, or ~/.cache)."""
  home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
  return Path(home).expanduser().absolute() / "akd_jax"


def use_persistent_cache() -> None:
  """Turns on JAX's cache of compiled programs, so that later starts are quick.

  Whoever has chosen another place for it keeps that.
  """
  # Here, so that whoever only asks for the folder need not wait for JAX.
  import jax

  name = "jax_compilation_cache_dir"
  if getattr(jax.config, name) is None:
    jax.config.update(name, str(cache_directory() / "compiled"))
