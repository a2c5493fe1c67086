"""Files are written whole, and a folder is one process's at a time."""

import subprocess
import sys
import threading

import pytest

from akd_jax.common import files
from tests.training import ROOT

CLAIM = """
import sys, time
from akd_jax.common.files import alone
with alone(sys.argv[1]) as ours:
  print(ours, flush=True)
  time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
  """Another process, which has the folder to itself."""
  with subprocess.Popen(
    [sys.executable, "-c", CLAIM, str(tmp_path)],
    cwd=ROOT,
    stdout=subprocess.PIPE,
    text=True,
  ) as process:
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()


def test_a_folder_is_one_process_s_until_that_dies(tmp_path, other):
  with files.alone(tmp_path) as ours:
    assert not ours
  other.kill()
  other.wait()
  with files.alone(tmp_path, wait=True) as ours:
    assert ours


def test_whoever_waits_says_so_and_gets_its_turn(tmp_path, other, capsys):
  # Long enough for this process to ask first.
  timer = threading.Timer(0.5, other.kill)
  timer.start()
  with files.alone(tmp_path, wait=True) as ours:
    assert ours
  timer.join()
  assert str(tmp_path) in capsys.readouterr().err


def test_a_folder_is_free_again_afterwards(tmp_path, capsys):
  for _ in range(2):
    with files.alone(tmp_path / "new", wait=True) as ours:
      assert ours
  with pytest.raises(KeyError), files.alone(tmp_path / "new"):
    raise KeyError
  with files.alone(tmp_path / "new") as ours:
    assert ours
  assert not capsys.readouterr().err


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
  path = tmp_path / "new" / "file"
  with files.written_whole(path) as temporary:
    temporary.write_text("first")
    assert not path.exists()
  with pytest.raises(KeyError), files.written_whole(path) as temporary:
    temporary.write_text("half")
    raise KeyError
  assert path.read_text() == "first"
  assert [x.name for x in path.parent.iterdir()] == ["file"]


def test_a_digest_depends_on_what_is_described_alone():
  first = files.digest({"a": 1, "b": (2, 3)}, "x")
  assert first == files.digest({"b": [2, 3], "a": 1}, "x")
  assert first != files.digest({"a": 1, "b": (3, 2)}, "x")
  assert len(first) == 16
