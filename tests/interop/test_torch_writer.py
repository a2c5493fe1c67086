"""What torch.save would have written, written without torch."""

import io
import zipfile

import numpy as np
import pytest

from akd_jax.interop.torch_file import read_state_dict
from akd_jax.interop.torch_writer import write_npz, write_state_dict

STATE = {
  "main.0.weight": np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5),
  "a scalar": np.array(3, np.float32),
  "größe": np.array([1.5, -2.5], np.float32),
  "empty": np.zeros((0, 3), np.float32),
  "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
}


def written(write, path, comment=""):
  with open(path, "w+b") as file:
    write(file, STATE, comment)
  return path


@pytest.mark.parametrize(
  ("write", "name"), [(write_state_dict, "w.ckpt"), (write_npz, "w.npz")]
)
def test_what_is_written_reads_back_with_its_comment(tmp_path, write, name):
  path = written(write, tmp_path / name, "größe")
  found = read_state_dict(path)
  assert list(found) == list(STATE)
  for key, value in STATE.items():
    assert found[key].dtype == np.float32
    np.testing.assert_array_equal(found[key], value)
  with zipfile.ZipFile(path) as archive:
    assert archive.comment.decode() == "größe"
    assert archive.testzip() is None


def test_a_state_dict_always_gives_the_same_bytes(tmp_path):
  one, two = (written(write_state_dict, tmp_path / x) for x in "ab")
  assert one.read_bytes() == two.read_bytes()


def test_every_storage_is_aligned_as_torch_aligns_it(tmp_path):
  path = written(write_state_dict, tmp_path / "w.ckpt")
  data = path.read_bytes()
  with zipfile.ZipFile(path) as archive:
    for i, value in enumerate(STATE.values()):
      stored = np.ascontiguousarray(value).tobytes()
      info = archive.getinfo(f"archive/data/{i}")
      assert archive.read(info) == stored
      name, extra = (
        int.from_bytes(data[info.header_offset + at :][:2], "little")
        for at in (26, 28)
      )
      start = info.header_offset + 30 + name + extra
      assert start % 64 == 0 and data[start:].startswith(stored)


def test_only_float32_is_written():
  with pytest.raises(ValueError, match="float64"):
    write_state_dict(io.BytesIO(), {"a": np.zeros(3)})


@pytest.mark.parametrize("options", [{}, {"mmap": True}], ids=["", "mapped"])
def test_pytorch_loads_it_and_runs_nothing(tmp_path, options):
  torch = pytest.importorskip("torch")
  path = written(write_state_dict, tmp_path / "w.ckpt", "a comment")
  found = torch.load(path, weights_only=True, **options)
  assert list(found) == list(STATE)
  for key, value in STATE.items():
    assert found[key].is_contiguous()
    np.testing.assert_array_equal(found[key].numpy(), value)
