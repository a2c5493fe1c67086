"""Files are written whole, and a folder is one process's at a time."""

import os
import subprocess
import sys
import threading

import pytest

from akd_jax.common import files
from akd_jax.common.errors import UserError
from akd_jax.training import run_dir
from tests import layouts
from tests.small_runs import ROOT

CLAIM = """
import sys, time
from akd_jax.common.files import lock_folder
with lock_folder(sys.argv[1]) as ours:
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
  with files.lock_folder(tmp_path) as ours:
    assert not ours
  other.kill()
  other.wait()
  with files.lock_folder(tmp_path, wait=True) as ours:
    assert ours


def test_whoever_waits_says_so_and_gets_its_turn(tmp_path, other, capsys):
  # Long enough for this process to ask first.
  timer = threading.Timer(0.5, other.kill)
  timer.start()
  with files.lock_folder(tmp_path, wait=True) as ours:
    assert ours
  timer.join()
  assert str(tmp_path) in capsys.readouterr().err


def test_whoever_holds_a_folder_is_named(tmp_path, other, capsys):
  who = files.read_holder(tmp_path)
  assert who.startswith(f"process {other.pid} on ")
  timer = threading.Timer(0.5, other.kill)
  timer.start()
  with files.lock_folder(tmp_path, wait=True):
    assert f"process {os.getpid()} on " in files.read_holder(tmp_path)
  timer.join()
  assert f"{who} works here" in capsys.readouterr().err
  assert files.read_holder(tmp_path) == "another process"


def test_a_process_may_ask_for_its_own_folder_again(tmp_path):
  with files.lock_folder(tmp_path) as first:
    with files.lock_folder(tmp_path / "." / "") as second:
      assert first and second
    done = subprocess.run(
      [sys.executable, "-c", CLAIM.replace("60", "0"), str(tmp_path)],
      cwd=ROOT,
      capture_output=True,
      text=True,
    )
    assert done.stdout == "False\n"


def test_a_second_run_in_a_directory_is_refused_and_told_who_has_it(
  tmp_path, other
):
  message = layouts.error(take, str(tmp_path))
  assert str(tmp_path) in message
  assert f"process {other.pid} on " in message and "--workdir" in message


def take(workdir):
  with run_dir.lock_run(workdir):
    raise AssertionError("it was free")


@pytest.mark.parametrize(
  ("first", "second"),
  [("runs/a", "./runs//a/"), ("a", "b/../a"), ("é", "e\u0301")],
)
def test_a_place_is_the_same_however_it_is_spelt(
  tmp_path, monkeypatch, first, second
):
  monkeypatch.chdir(tmp_path)
  assert files.is_same_place(first, second)
  assert files.is_same_place(str(tmp_path / first), second)
  assert not files.is_same_place(first, second + "x")


def test_a_process_that_ends_at_once_leaves_no_half_file(tmp_path):
  with files.write_whole(tmp_path / "file") as temporary:
    temporary.write_text("half")
    files.remove_unfinished()
    assert not list(tmp_path.iterdir())
    temporary.write_text("whole")
  (tmp_path / "folder" / "inside").mkdir(parents=True)
  with files.mark_unfinished(tmp_path / "folder"):
    files.remove_unfinished()
  assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_temporary_folder_goes_however_the_process_ends(tmp_path):
  for i, end in enumerate(("", "signals.leave(75)")):
    folder = tmp_path / str(i)
    folder.mkdir()
    subprocess.run(
      [
        sys.executable,
        "-c",
        "import pathlib\nfrom akd_jax.common import files, signals\n"
        f"files.remove_at_end(pathlib.Path({str(folder)!r}))\n{end}",
      ],
      check=False,
    )
    assert not folder.exists()


def test_a_folder_is_free_again_afterwards(tmp_path, capsys):
  for _ in range(2):
    with files.lock_folder(tmp_path / "new", wait=True) as ours:
      assert ours
  with pytest.raises(KeyError), files.lock_folder(tmp_path / "new"):
    raise KeyError
  with files.lock_folder(tmp_path / "new") as ours:
    assert ours
  assert not capsys.readouterr().err


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
  path = tmp_path / "new" / "file"
  with files.write_whole(path) as temporary:
    temporary.write_text("first")
    assert not path.exists()
  with pytest.raises(KeyError), files.write_whole(path) as temporary:
    temporary.write_text("half")
    raise KeyError
  assert path.read_text() == "first"
  assert [x.name for x in path.parent.iterdir()] == ["file"]


def test_no_name_is_too_long_to_be_written_whole(tmp_path):
  for name in ("n" * 251 + ".png", "ü" * 127, "." + "n" * 254):
    with files.write_whole(tmp_path / name) as temporary:
      temporary.write_text("whole")
      # Nobody who looks for such files finds it.
      assert temporary.name.startswith(".") and temporary.parent == tmp_path
      assert not list(tmp_path.glob("*.png"))
    assert (tmp_path / name).read_text() == "whole"
    (tmp_path / name).unlink()


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
  seen = []
  monkeypatch.setattr(
    files.os, "fsync", lambda _: seen.append((tmp_path / "file").exists())
  )
  with files.write_whole(tmp_path / "file") as temporary:
    temporary.write_text("whole")
  assert seen == [False] and (tmp_path / "file").exists()


def test_what_lies_beside_parts_is_none_of_them(tmp_path):
  path = tmp_path / "w.npz"
  files.write_parts(b"abcd", path, 2)
  for name in ("w.npz.1-of-2.bak", "w.npz.01-of-2", "w.npz.x-of-y"):
    (tmp_path / name).write_bytes(b"other")
  assert files.join_parts(path).read() == b"abcd"
  files.write_parts(b"abc", path, 1)
  assert files.join_parts(path).read() == b"abc"
  assert (tmp_path / "w.npz.1-of-2.bak").exists()


def test_a_folder_is_no_file(tmp_path):
  with pytest.raises(ValueError, match="^it is a folder$"):
    files.join_parts(tmp_path)


def test_a_digest_depends_on_what_is_described_alone():
  first = files.digest({"a": 1, "b": (2, 3)}, "x")
  assert first == files.digest({"b": [2, 3], "a": 1}, "x")
  assert first != files.digest({"a": 1, "b": (3, 2)}, "x")
  assert len(first) == 16


@pytest.mark.parametrize(
  "text",
  ["a/b", "..", ".", ".a", "", "x=1", "$a$", "n" * 300, "帽" * 300, "a\nb",
   "a\\b", "\udce4", "%2F", "a:b"],
)  # fmt: skip
def test_whatever_a_text_is_its_file_lies_in_the_folder(tmp_path, text):
  out = tmp_path / "out"
  name = files.name_file(text, ".png")
  with files.write_whole(out / name) as temporary:
    temporary.write_text(text, errors="surrogateescape")
  (found,) = out.iterdir()
  assert found.name == name and found.name.endswith(".png")
  assert [x.name for x in tmp_path.iterdir()] == ["out"]
  assert not name.startswith(".") or not text


def test_two_texts_have_two_files():
  texts = [
    "a/b",
    "a%2Fb",
    "a b",
    "..",
    "%2E.",
    "n" * 300,
    "n" * 301,
    "帽" * 300,
  ]
  assert len({files.name_file(text) for text in texts}) == len(texts)


def test_what_can_be_read_in_a_name_stays():
  assert files.name_file("Blond_Hair=1, 帽子.x", ".png") == (
    "Blond_Hair=1, 帽子.x.png"
  )


def test_what_a_user_is_told_is_one_line_of_a_screen():
  message = str(UserError("a.csv: 'x\ny\r\nz\u2028" + "n" * 9999))
  assert len(message.splitlines()) == 1 and len(message) < 2000
  assert str(UserError("a  b.csv is 3\n")) == "a  b.csv is 3"


@pytest.mark.parametrize("path", ["~nosuchuser/x", "~"])
def test_a_place_of_nobody_is_a_place(path):
  assert files.is_same_place(path, path)
  assert not files.is_same_place(path, "/nowhere")
