"""On a CPU, glibc keeps what XLA frees; nowhere else is malloc touched."""

import ctypes
import importlib.util
import os
import platform
import subprocess
import sys
from unittest import mock

import pytest

from akd_jax.common import allocator
from tests import small_runs

# As XLA does at every execution: a buffer, of a thread that is not the first.
BUFFERS = """
import ctypes, resource, threading
from akd_jax.common import allocator

allocator.keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
SIZE = ctypes.c_size_t(137_000_000)

def use():
  buffer = ctypes.c_void_p(libc.malloc(SIZE))
  libc.memset(buffer, 1, SIZE)
  libc.free(buffer)

def faults():
  return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
  use()
  before = faults()
  for _ in range(3):
    use()
  print(faults() - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
# What three new buffers cost where pages are of 2 MiB; 4 KiB is usual.
FAULTS = 3 * 137_000_000 // 2**21

# A command, as `python -m` starts it, that says whether JAX is there already.
COMMAND = """
import sys
from akd_jax import {module} as command
from akd_jax.common import allocator, cli

allocator.keep_freed_memory = lambda: print("jax" in sys.modules)
sys.argv = ["command", "--help"]
cli.run(command.main)
"""


def clean(environment):
  """Without what the user of this machine has chosen."""
  chosen = ("MALLOC_", "GLIBC_TUNABLES", "JAX_PLATFORMS")
  return {k: v for k, v in environment.items() if not k.startswith(chosen)}


def output(code, **variables):
  done = subprocess.run(
    [sys.executable, "-c", code],
    cwd=small_runs.ROOT,
    env=clean(os.environ) | {"JAX_PLATFORMS": "cpu"} | variables,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  return done.stdout


glibc = pytest.mark.skipif(
  platform.libc_ver()[0] != "glibc", reason="these are settings of glibc"
)


@glibc
def test_a_buffer_that_was_freed_costs_no_pages_again():
  assert int(output(BUFFERS)) < FAULTS / 10


@glibc
@pytest.mark.parametrize(
  "chosen",
  [
    {"MALLOC_ARENA_TEST": "8"},
    {"GLIBC_TUNABLES": "glibc.malloc.arena_test=8"},
  ],
  ids=str,
)
def test_who_chose_a_setting_of_malloc_keeps_all(chosen):
  # Glibc's own values, by which each buffer is mapped anew.
  assert int(output(BUFFERS, **chosen)) >= FAULTS


@pytest.mark.parametrize("module", ["main", "evaluate", "experiment"])
def test_commands_set_malloc_before_they_import_jax(module):
  first, *_ = output(COMMAND.format(module=module)).splitlines()
  assert first == "False"


@pytest.mark.parametrize(
  ("libc", "installed", "platforms", "expected"),
  [
    ("glibc", "", None, True),
    ("glibc", "", "", True),
    ("glibc", "", "cpu", True),
    ("glibc", "jax_plugins", "cpu", True),
    ("glibc", "jax_plugins", None, False),
    ("glibc", "libtpu", None, False),
    ("glibc", "jax_plugins", "cuda", False),
    ("glibc", "libtpu", "tpu,cpu", False),
    ("", "", None, False),
  ],
)
def test_malloc_is_set_for_glibc_and_a_cpu_alone(
  monkeypatch, libc, installed, platforms, expected
):
  variables = {} if platforms is None else {"JAX_PLATFORMS": platforms}
  monkeypatch.setattr(os, "environ", clean(os.environ) | variables)
  monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
  monkeypatch.setattr(
    importlib.util, "find_spec", lambda name: name == installed or None
  )
  library = mock.Mock()
  monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
  assert allocator.keep_freed_memory() == library.mallopt.called == expected
