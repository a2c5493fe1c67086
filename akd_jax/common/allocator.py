"""Makes glibc keep the memory that XLA frees, where JAX computes on a CPU."""

import ctypes
import importlib.util
import os
import platform

# Parameters of mallopt(3), by their numbers in malloc.h.
_TRIM_THRESHOLD = -1
_TOP_PAD = -2
_MMAP_MAX = -4
_ARENA_MAX = -8
_ACCELERATORS = ("jax_plugins", "libtpu")


def keep_freed_memory() -> bool:
  """Sets glibc's malloc so that a buffer freed is a buffer at hand.

  Every execution of a training step takes one large temporary buffer (137 MB at
  64 px and batch 16) and frees it. By default glibc asks the system for it each
  time, and the system clears all its pages: a tenth of the time of a small
  step. Nothing is set on an accelerator, nor for a user who has chosen settings
  of malloc (MALLOC_*, GLIBC_TUNABLES).

  To be called before JAX starts its threads: those have arenas from then on.

  Returns:
    Whether it was set.
  """
  if platform.libc_ver()[0] != "glibc" or _chosen() or not _for_cpu():
    return False
  libc = ctypes.CDLL(None)
  # One arena, the heap: others hold 64 MiB at most, and map what is larger.
  libc.mallopt(_ARENA_MAX, 1)
  libc.mallopt(_MMAP_MAX, 0)
  # -1 is the largest size: what is free at the heap's end stays there.
  libc.mallopt(_TRIM_THRESHOLD, -1)
  libc.mallopt(_TOP_PAD, 64 * 2**20)
  return True


def _chosen() -> bool:
  tunables = os.environ.get("GLIBC_TUNABLES", "")
  return "glibc.malloc" in tunables or any(
    name.startswith("MALLOC_") for name in os.environ
  )


def _for_cpu() -> bool:
  """Whether JAX will find the CPU alone: asked itself, it would start."""
  platforms = os.environ.get("JAX_PLATFORMS")
  if platforms:
    return platforms == "cpu"
  return not any(importlib.util.find_spec(name) for name in _ACCELERATORS)
