"""A cache that cannot be written is done without."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from akd_jax.common import cli
from akd_jax.common.cache import cache_directory
from akd_jax.common.errors import UserError, WriteError
from akd_jax.data.avatars import cache
from tests.small_runs import ROOT

COMPILED = """
import jax
from akd_jax.common import cache
cache.use_persistent_cache()
print(jax.config.jax_compilation_cache_dir)
"""


@pytest.fixture
def unwritable(tmp_path, monkeypatch):
  (tmp_path / "file").write_text("")
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
  return tmp_path / "file"


def test_programs_are_compiled_without_one(unwritable):
  done = subprocess.run(
    [sys.executable, "-c", COMPILED],
    cwd=ROOT,
    env={k: x for k, x in os.environ.items() if not k.startswith("JAX_COMP")},
    capture_output=True,
    text=True,
  )
  assert done.stdout == "None\n"
  assert done.stderr.startswith(f"cannot write {unwritable}/akd_jax/compiled: ")
  assert done.stderr.count("\n") == 1


DESCRIPTION = {"count": 3, "image_size": 4}


def draw(add):
  add(np.full((3, 4, 4, 3), 7, np.uint8))
  return np.ones((3, 2), np.uint8)


def test_avatars_are_drawn_without_one(unwritable, capsys):
  folder = cache_directory() / "avatars" / "name"
  labels, images = cache.open_or_draw(folder, DESCRIPTION, draw)
  assert (images == 7).all() and (labels == 1).all()
  said = capsys.readouterr().err
  assert said.startswith(f"cannot write {folder.parent}: ")
  assert said.count("\n") == 1


def test_avatars_are_drawn_elsewhere_once_the_disk_is_full(
  tmp_path, monkeypatch, capsys
):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  folder = cache_directory() / "avatars" / "name"
  disk = iter(["full"])

  def draw_until_full(add):
    labels = draw(add)
    if next(disk, None) == "full":
      raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return labels

  labels, images = cache.open_or_draw(folder, DESCRIPTION, draw_until_full)
  assert (images == 7).all() and (labels == 1).all()
  assert "drawing for this once" in capsys.readouterr().err
  assert not list(folder.parent.iterdir())


# Files of more than 10 kB are refused: one of the pictures' 37 kB.
DRAWING = """
import resource, sys
from pathlib import Path
import numpy as np
from akd_jax.common import cli
from akd_jax.data.avatars import cache

def draw(add):
  for _ in range(3):
    add(np.zeros((1, 64, 64, 3), np.uint8))
  return np.ones((3, 2), np.uint8)

def main(argv):
  resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
  description = {"count": 3, "image_size": 64}
  cache.open_or_draw(Path(argv[0]), description, draw)

cli.run(main)
"""


def test_pictures_that_do_not_fit_are_one_line_and_leave_nothing(tmp_path):
  done = subprocess.run(
    [sys.executable, "-c", DRAWING, str(tmp_path / "mine")],
    cwd=ROOT,
    capture_output=True,
    text=True,
  )
  assert done.returncode == cli.CANNOT_WRITE
  assert done.stderr.startswith(f"error: cannot write {tmp_path}: ")
  assert done.stderr.count("\n") == 1
  assert not list(tmp_path.iterdir())


def test_avatars_are_not_drawn_elsewhere_than_a_person_asked(unwritable):
  folder = unwritable / "mine" / "name"
  with pytest.raises(WriteError, match=str(folder.parent)):
    cache.open_or_draw(folder, DESCRIPTION, draw)


def test_who_has_no_home_is_told_what_to_set(monkeypatch):
  monkeypatch.delenv("XDG_CACHE_HOME")
  monkeypatch.setattr(os.path, "expanduser", lambda path: path)
  with pytest.raises(UserError, match="set HOME, or XDG_CACHE_HOME"):
    cache_directory()
