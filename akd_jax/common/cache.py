"""Where compiled programs are kept, so that a second start is quick."""

import os
import pathlib

import jax


def cache_directory() -> pathlib.Path:
  """Our corner of the user's cache (XDG_CACHE_HOME)."""
  home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
  return pathlib.Path(home) / "akd_jax"


def use_persistent_cache() -> None:
  """Turns JAX's compilation cache on, unless the user has chosen one."""
  name = "jax_compilation_cache_dir"
  if getattr(jax.config, name) is None:
    jax.config.update(name, str(cache_directory() / "compiled"))
