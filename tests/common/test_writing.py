"""What cannot be written is one line that says what to do."""

import errno
import os
import pathlib

import pytest

from akd_jax.common import files, writing
from akd_jax.common.errors import UserError, WriteError


@pytest.mark.parametrize("number", sorted(writing._REMEDIES))
def test_each_fault_of_a_disk_has_its_remedy(tmp_path, number):
  with pytest.raises(WriteError) as error, writing.writing(tmp_path):
    raise OSError(number, os.strerror(number), "inside")
  message = str(error.value)
  assert message.startswith(f"cannot write {tmp_path}: {os.strerror(number)}; ")
  assert "\n" not in message and "director" in message


def test_a_fault_that_a_library_hides_is_found():
  text = f"RESOURCE_EXHAUSTED: [{os.strerror(errno.ENOSPC)}]\nmany lines"
  with pytest.raises(WriteError, match="free space"), writing.writing("x"):
    raise ValueError(text)
  for library in (
    ValueError("Error writing local file: x: No space left on device"
               " [os_error_code='28'] [tensorstore_spec='{}']"),
    ValueError("PERMISSION_DENIED: Failed to open \"x\": Permission denied"),
    RuntimeError("OSError: [Errno 28] No space left on device: 'x'"),
  ):  # fmt: skip
    with pytest.raises(WriteError), writing.writing("x"):
      raise library
  with pytest.raises(WriteError, match="free space"), writing.writing("x"):
    try:
      raise OSError(errno.ENOSPC, "full")
    except OSError as error:
      raise RuntimeError("could not save") from error


def test_what_is_no_fault_of_a_disk_passes():
  for error in (
    KeyError("x"),
    ValueError("x"),
    *(
      kind(text)
      for kind in (KeyError, ValueError, TypeError)
      for text in (
        "photo 'Permission denied.jpg' is not listed",
        "a: Permission denied",
      )
    ),
    RuntimeError("photo 'Permission denied.jpg' is not listed"),
    UserError(f"cannot read y: {os.strerror(errno.ENOENT)}"),
  ):
    with pytest.raises(type(error)) as found, writing.writing("x"):
      raise error
    assert found.value is error


def test_a_file_that_is_missing_is_no_full_disk():
  with pytest.raises(FileNotFoundError), writing.noticing_full_disks():
    pathlib.Path("nowhere").read_text()
  with pytest.raises(WriteError), writing.noticing_full_disks():
    raise OSError(errno.ENOSPC, "full", "there")


@pytest.mark.parametrize("folder", ["", "new", "new/deeper"])
def test_where_one_can_write_no_trace_is_left(tmp_path, folder):
  writing.check_writable(tmp_path / folder)
  assert not list(tmp_path.iterdir())


def test_where_one_cannot_write_it_is_said(tmp_path):
  (tmp_path / "file").write_text("")
  for path in (tmp_path / "file", tmp_path / "file" / "run", "/proc/run"):
    with pytest.raises(WriteError, match=f"^cannot write {path}: "):
      writing.check_writable(path)


def test_a_file_is_written_whole_or_it_is_said_why_not(tmp_path):
  (tmp_path / "file").write_text("first")
  path = tmp_path / "file" / "inside"
  with (
    pytest.raises(WriteError, match=f"^cannot write {path}: "),
    files.write_whole(path),
  ):
    raise AssertionError("there is no such folder")
  assert (tmp_path / "file").read_text() == "first"
