"""Weights are read out of PyTorch's files, and nothing in them is run."""

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.interop.torch_file import digest_in_name, read_state_dict

# One state dict, written by torch.save of PyTorch 2.13 in both formats.
GOLDEN = Path(__file__).parents[1] / "golden"
FORMATS = ("state_dict_zip.pth", "state_dict_legacy.pth")
_SHARED = np.arange(12, dtype=np.float32) / 8
EXPECTED = {
  "float": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
  "half": np.arange(4, dtype=np.float16) / 2,
  "count": np.array(2**40 + 7),
  # Not contiguous, and two views of one storage.
  "transposed": np.arange(24, dtype=np.float32)
  .reshape(2, 3, 4)
  .transpose(2, 0, 1)
  / 2,
  "head": _SHARED[:4],
  "tail": _SHARED.reshape(3, 4)[1:, ::2],
  "parameter": np.array([1.5, -2.5], np.float32),
  "bfloat16": np.array([1, -0.5], jnp.bfloat16),
  "flags": np.array([True, False, True]),
  "double": np.array([1 / 3]),
  "bytes": np.array([0, 255], np.uint8),
  "empty": np.zeros((0, 3), np.float32),
}


def push(value):
  """Pickle instructions for a plain value."""
  return pickle.dumps(value, 2)[2:-1]


def tensor(offset, shape, strides, rebuild="_rebuild_tensor_v2", name="w"):
  """Pickle of {name: a tensor of 4 float32}, as torch.save writes it."""
  return b"".join(
    (
      b"\x80\x02}",
      push(name),
      f"ctorch._utils\n{rebuild}\n((".encode(),
      push("storage"),
      b"ctorch\nFloatStorage\n",
      push("0") + push("cpu") + push(4) + b"tQ",
      push(offset) + push(shape) + push(strides) + push(False),
      b"ccollections\nOrderedDict\n)RtRs.",
    )
  )


def write_zip(path, program, **more):
  with zipfile.ZipFile(path, "w") as archive:
    archive.writestr("archive/data.pkl", program)
    archive.writestr("archive/data/0", np.arange(4, dtype="<f4").tobytes())
    for name, data in more.items():
      archive.writestr(f"archive/{name}", data)
  return path


@pytest.mark.parametrize("name", FORMATS)
def test_what_pytorch_saved_is_read(name):
  found = read_state_dict(GOLDEN / name)
  assert list(found) == list(EXPECTED)
  for key, expected in EXPECTED.items():
    assert found[key].dtype == expected.dtype, key
    np.testing.assert_array_equal(found[key], expected, key)
    assert found[key].flags.c_contiguous and found[key].flags.writeable


def test_npz_is_read(tmp_path):
  np.savez(tmp_path / "w.npz", **{"a.weight": EXPECTED["float"]})
  found = read_state_dict(tmp_path / "w.npz")
  np.testing.assert_array_equal(found["a.weight"], EXPECTED["float"])


def test_safetensors_is_read(tmp_path):
  values = EXPECTED["float"]
  header = json.dumps(
    {
      "__metadata__": {"format": "pt"},
      "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
      "b": {"dtype": "F32", "shape": [2, 3], "data_offsets": [1, 25]},
    }
  ).encode()
  data = len(header).to_bytes(8, "little") + header + b"\x07" + values.tobytes()
  path = tmp_path / "w.safetensors"
  path.write_bytes(data)
  found = read_state_dict(path)
  assert found["a"] == 7
  np.testing.assert_array_equal(found["b"], values)
  for damaged in (data[:-1], data[:20], b"", data.replace(b"25", b"24")):
    path.write_bytes(damaged)
    with pytest.raises(UserError, match=str(path)):
      read_state_dict(path)


def test_files_from_before_pytorch_0_4_are_read(tmp_path):
  program = tensor(1, (3,), (1,), "_rebuild_tensor")
  # Python 2 wrote names as bytes.
  program = program.replace(push("w"), b"U\x01w")
  found = read_state_dict(write_zip(tmp_path / "w.pth", program))
  np.testing.assert_array_equal(found["w"], [1, 2, 3])


class Attack:
  """Creates a file where it is unpickled."""

  def __init__(self, path):
    self.path = path

  def __reduce__(self):
    return open, (str(self.path), "w")


@pytest.mark.parametrize("suffix", [".pth", ".ckpt", ".npz", ".safetensors"])
def test_nothing_in_a_file_is_run(tmp_path, suffix):
  trace = tmp_path / "trace"
  program = pickle.dumps({"w": Attack(trace)}, 2)
  zipped = write_zip(tmp_path / "zip", program).read_bytes()
  array = io.BytesIO()
  np.savez(array, w=np.array([Attack(trace)], object), allow_pickle=True)
  path = tmp_path / f"weights{suffix}"
  for data in (program, zipped, array.getvalue()):
    path.write_bytes(data)
    with pytest.raises(UserError, match=str(path)):
      read_state_dict(path)
    assert not trace.exists()


@pytest.mark.parametrize(
  ("program", "reason"),
  [
    (pickle.dumps(Attack("x"), 2), "refers to '_?io.open'"),
    (b"\x80\x02cos\nsystem\n.", "refers to 'os.system'"),
    (b"\x80\x02}X\x01\0\0\0aK\x01s.", "'a' is of type int, not a tensor"),
    (b"\x80\x02}X\x01\0\0\0a}s.", "'a' is of type dict, not a tensor"),
    (b"\x80\x02].", "holds is of type list, not a dict"),
    (b"\x80\x02K\x01K\x02\x86.", "holds is of type tuple, not a dict"),
    (pickle.dumps({}, 4), "instruction MEMOIZE"),
    (b"\x80\x02}\x88\x88s.", "names is of type bool"),
    (b"\x80\x02X\x01\0\0\0a)R.", "cut short or was changed"),
    (b"\x80\x02}", "cut short or was changed"),
    (b"\x80\x02.", "cut short or was changed"),
    (b"", "cut short or was changed"),
  ],
)
def test_what_is_no_state_dict_is_refused(tmp_path, program, reason):
  path = write_zip(tmp_path / "w.pth", program)
  with pytest.raises(UserError, match=f"^{path} is no state .*{reason}"):
    read_state_dict(path)


@pytest.mark.parametrize(
  "view",
  [
    (0, (5,), (1,)),
    (1, (4,), (1,)),
    (-1, (1,), (1,)),
    (0, (2,), (-1,)),
    (3, (4,), (-2,)),
    (0, (-1,), (1,)),
    (0, (2, 2), (1, 4)),
    (0, (2,), (2**61,)),
    (0, (2**62,), (2**62,)),
    (2**62, (1,), (1,)),
    (0, (2, 2), (1,)),
    (0, (2**60,), (0,)),
    (0, (2.0,), (1,)),
    ("0", (1,), (1,)),
  ],
)
def test_no_tensor_reads_outside_its_storage(tmp_path, view):
  path = write_zip(tmp_path / "w.pth", tensor(*view))
  with pytest.raises(UserError, match=f"{path} is no state dict, or damaged"):
    read_state_dict(path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_short_is_refused(tmp_path, name):
  whole = (GOLDEN / name).read_bytes()
  path = tmp_path / name
  for size in [*range(0, len(whole), 13), len(whole) - 1]:
    path.write_bytes(whole[:size])
    with pytest.raises(UserError, match=str(path)):
      read_state_dict(path)


@pytest.mark.parametrize("name", FORMATS)
def test_damage_ends_in_nothing_but_a_user_error(tmp_path, name):
  rng = np.random.default_rng(0)
  whole = np.frombuffer((GOLDEN / name).read_bytes(), np.uint8)
  path = tmp_path / name
  refused = 0
  for _ in range(400):
    damaged = whole.copy()
    damaged[rng.integers(0, len(whole), 3)] = rng.integers(0, 256, 3)
    path.write_bytes(damaged.tobytes())
    try:
      read_state_dict(path)
    except UserError as error:
      assert "\n" not in str(error)
      refused += 1
  assert refused > 200


def test_what_is_no_checkpoint_is_named(tmp_path):
  path = tmp_path / "w.pth"
  with pytest.raises(UserError, match=f"^cannot read {path}: No such file"):
    read_state_dict(path)
  with pytest.raises(UserError, match=f"^cannot read {tmp_path}: Is a dir"):
    read_state_dict(tmp_path)
  path.write_bytes(b"<!DOCTYPE html>")
  with pytest.raises(UserError, match=f"^{path} is no state dict"):
    read_state_dict(path)
  path.write_bytes(pickle.dumps({}, 2))
  with pytest.raises(UserError, match="does not begin as PyTorch's files"):
    read_state_dict(path)
  np.savez(tmp_path / "w.npz", w=np.zeros(3))
  (tmp_path / "w.npz").rename(path)
  with pytest.raises(UserError, match="a zip file without a data.pkl"):
    read_state_dict(path)
  write_zip(path, tensor(0, (4,), (1,)), byteorder=b"big")
  with pytest.raises(UserError, match="big-endian"):
    read_state_dict(path)


@pytest.mark.parametrize(
  ("name", "content", "reason"),
  [
    ("w.pth", b"", "it is empty"),
    ("w.npz", b"", "it is empty"),
    ("w.safetensors", b"", "it is empty"),
    ("w.pth", b"101 weights", "it is none of PyTorch's files"),
    ("w.pth", b"<!DOCTYPE html>", "it is none of PyTorch's files"),
    ("w.pth", b"\x80\x02", "its pickle is cut short or was changed"),
    ("w.npz", b"no zip", "it is cut short or was changed"),
  ],
)
def test_why_a_file_is_refused_is_said_of_the_file(
  tmp_path, name, content, reason
):
  path = tmp_path / name
  path.write_bytes(content)
  with pytest.raises(UserError) as error:
    read_state_dict(path)
  assert str(error.value) == f"{path} is no state dict, or damaged: {reason}"


def test_a_file_from_before_1_6_that_lacks_a_field_is_said_to_be_damaged(
  tmp_path,
):
  path = tmp_path / "w.pth"
  parts = (0x1950A86A20F9469CFC6C, 1001, {})
  path.write_bytes(b"".join(pickle.dumps(x, 2) for x in parts))
  with pytest.raises(UserError, match=f"^{path} .*: it is cut short or was ch"):
    read_state_dict(path)


def test_what_is_no_array_in_an_npz_is_named(tmp_path):
  path = tmp_path / "w.npz"
  np.savez(path, w=np.zeros(1))
  with zipfile.ZipFile(path, "a") as archive:
    archive.writestr("readme.txt", "how to read me")
  with pytest.raises(UserError, match="'readme.txt' is missing, or no array"):
    read_state_dict(path)


@pytest.mark.parametrize(
  ("header", "reason"),
  [
    ([], "it is cut short or was changed"),
    (None, "it is cut short or was changed"),
    ({"w": {}}, "it is cut short or was changed"),
    ({"w": {"data_offsets": [0, 1]}}, "it is cut short or was changed"),
    (
      {"w": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}},
      "'w' is of F8_E4M3, which is not read",
    ),
  ],
)
def test_what_safetensors_lacks_is_said_of_the_file(tmp_path, header, reason):
  path = write_safetensors(tmp_path / "w.safetensors", header, b"\0")
  with pytest.raises(UserError) as error:
    read_state_dict(path)
  assert str(error.value) == f"{path} is no state dict, or damaged: {reason}"


def test_a_digest_that_differs_is_named():
  path = GOLDEN / FORMATS[0]
  with pytest.raises(UserError, match="sha256 is [0-9a-f]{64}, .*with 012ab"):
    read_state_dict(path, "012ab")
  digest = hashlib.sha256(path.read_bytes()).hexdigest()
  assert read_state_dict(path, digest) and read_state_dict(path, digest[:8])


@pytest.mark.parametrize(
  ("name", "digits"),
  [
    ("resnet50-0676ba61.pth", "0676ba61"),
    ("dir-0123abcd/pt_inception-2015-12-05-6726825d.pth", "6726825d"),
    ("inception-2015-12-05.pt", None),
    ("200000-G.ckpt", None),
    ("weights.npz", None),
  ],
)
def test_digits_in_a_name_are_its_digest(name, digits):
  assert digest_in_name(name) == digits


def write_safetensors(path, entries, data):
  header = json.dumps(entries).encode()
  path.write_bytes(len(header).to_bytes(8, "little") + header + data)
  return path


def entry(start, end, shape):
  return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
  "entries",
  [
    {"a": entry(-8, -4, [1])},
    {"a": entry(0, 8, [2]), "b": entry(4, 12, [2])},
    {"a": entry(4, 12, [2])},
    {"a": entry(0, 8, [2])},
    {"a": entry(0, 12, [-3])},
    {"a": entry(0, 12, [4])},
    {"a": entry(12, 0, [3])},
  ],
  ids=["before", "twice", "gap", "rest", "negative", "larger", "backwards"],
)
def test_safetensors_has_its_bytes_once_and_all(tmp_path, entries):
  path = write_safetensors(tmp_path / "w.safetensors", entries, bytes(12))
  with pytest.raises(UserError, match=f"^{path} is no state dict, or damaged"):
    read_state_dict(path)


def test_safetensors_has_no_name_twice(tmp_path):
  path = tmp_path / "w.safetensors"
  one = json.dumps(entry(0, 4, [1]))
  header = f'{{"a": {one}, "a": {one}}}'.encode()
  path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
  with pytest.raises(UserError, match="a name twice"):
    read_state_dict(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_are_finite(tmp_path, value):
  np.savez(tmp_path / "w.npz", w=np.array([1, value], np.float32))
  with pytest.raises(UserError, match="'w' holds numbers that are not finite"):
    read_state_dict(tmp_path / "w.npz")
  data = np.array([1, value], np.float32).tobytes()
  path = write_safetensors(
    tmp_path / "w.safetensors", {"w": entry(0, 8, [2])}, data
  )
  with pytest.raises(UserError, match="not finite"):
    read_state_dict(path)


def test_running_variances_are_not_negative(tmp_path):
  values = np.array([1, -1e-3], np.float32)
  np.savez(tmp_path / "w.npz", **{"norm.running_var": values, "w": values})
  with pytest.raises(UserError, match="'norm.running_var' holds variances bel"):
    read_state_dict(tmp_path / "w.npz")


@pytest.mark.parametrize("name", ["w.npz", "w.pth"])
def test_a_bomb_is_refused_before_it_grows(tmp_path, name):
  path = tmp_path / name
  with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("archive/data.pkl", tensor(0, (4,), (1,)))
    archive.writestr("archive/data/0", bytes(2**28))
  with pytest.raises(UserError, match="would grow to"):
    read_state_dict(path)


def test_a_few_numbers_do_not_become_gigabytes(tmp_path):
  path = write_zip(tmp_path / "w.pth", tensor(0, (2**28,), (0,)))
  with pytest.raises(UserError, match="bytes would become 1,073,741,824"):
    read_state_dict(path)


def test_a_name_of_names_is_not_compared_forever(tmp_path):
  # Each tuple holds the one before twice: written out, 2^60 of them.
  program = b"\x80\x02}" + push("a") + b"q\x00"
  for _ in range(60):
    program += b"h\x00h\x00\x86q\x00"
  path = write_zip(tmp_path / "w.pth", program + push(1) + b"s.")
  with pytest.raises(UserError, match="a name that is no text"):
    read_state_dict(path)


# Tuples of 2^60 texts, in the memo; they stay below what is read.
NESTED = push("a") + b"q\x40" + b"h\x40h\x40\x86q\x40" * 60


def storage(kind, key):
  return b"".join(
    (
      b"\x80\x02" + NESTED + b"}" + push("w"),
      b"ctorch._utils\n_rebuild_tensor_v2\n((" + kind,
      b"ctorch\nFloatStorage\n" + key + push("cpu") + push(4) + b"tQ",
      push(0) + push((4,)) + push((1,)) + push(False),
      b"ccollections\nOrderedDict\n)RtRs.",
    )
  )


@pytest.mark.parametrize(
  "program",
  [
    storage(b"h\x40", push("0")),
    storage(push("storage"), b"h\x40"),
    b"\x80\x02"
    + NESTED
    + b"ccollections\nOrderedDict\nh\x40K\x01\x86\x85\x85R.",
  ],
  ids=["kind", "key", "pairs"],
)
def test_what_is_endless_when_it_is_written_out_is_not(tmp_path, program):
  path = write_zip(tmp_path / "w.pth", program)
  with pytest.raises(UserError, match="no text|another kind|without a name"):
    read_state_dict(path)


def test_one_tensor_of_less_than_nothing_hides_no_other(tmp_path):
  def one(name, shape, strides):
    return tensor(0, shape, strides, name=name)[3:-2]

  program = b"\x80\x02}" + one("a", (2**28,), (0,)) + b"s"
  program += one("b", (-(2**28),), (1,)) + b"s."
  path = write_zip(tmp_path / "w.pth", program)
  with pytest.raises(UserError, match="no whole numbers from 0"):
    read_state_dict(path)


def test_a_wrong_checksum_is_noticed(tmp_path):
  path = tmp_path / "w.npz"
  np.savez(path, w=np.arange(100, dtype=np.float32))
  content = bytearray(path.read_bytes())
  content[300] ^= 1
  path.write_bytes(content)
  with pytest.raises(UserError, match=f"^{path} is no state dict, or damaged"):
    read_state_dict(path)
