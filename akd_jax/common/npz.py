"""NumPy's .npz, looked at before anything in it is believed.

A zip says how large its members are. What would grow out of all proportion is
refused before a byte of it is unpacked, and every checksum is compared.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

# Weights hardly shrink: what grows beyond this is no file of weights.
_GROWTH, _ALWAYS = 100, 2**20
# Bytes of a text, and of what an array says of itself.
_TEXT, _HEADER = 2**22, 2**14
_WIDEST = 8

# What reading a damaged file raises.
DAMAGED = (
  OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError,
  RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def check(archive: zipfile.ZipFile) -> None:
  """Looks at the directory of a zip.

  Raises:
    ValueError: it would grow out of proportion, or has a name twice.
  """
  members = archive.infolist()
  packed = sum(member.compress_size for member in members)
  unpacked = sum(member.file_size for member in members)
  if unpacked > _GROWTH * packed + _ALWAYS:
    raise ValueError(
      f"its {packed:,} bytes would grow to {unpacked:,}: no weights do"
    )
  if len({member.filename for member in members}) < len(members):
    raise ValueError("it has two members of one name")


def list_names(archive: zipfile.ZipFile) -> set[str]:
  """Returns the names of its arrays."""
  return {name.removesuffix(".npy") for name in archive.namelist()}


def read_array(archive: zipfile.ZipFile, name: str, most: int) -> np.ndarray:
  """Reads one array of at most so many bytes; compares its checksum.

  Raises:
    ValueError, zipfile.BadZipFile, zlib.error: it is damaged, larger, or no
      plain array.
  """
  try:
    member = archive.getinfo(f"{name}.npy")
  except KeyError:
    raise ValueError(f"{name!r} is missing, or no array") from None
  if member.file_size > most + _HEADER:
    raise ValueError(f"{name!r} has {member.file_size:,} bytes, not {most:,}")
  # To its end: only there the checksum is compared.
  found = np.load(io.BytesIO(archive.read(member)), allow_pickle=False)
  if not isinstance(found, np.ndarray):
    raise ValueError(f"{name!r} is not an array")
  return found


def read_text(archive: zipfile.ZipFile, name: str) -> str:
  """Reads a text that is kept as an array; raises what `read_array` does."""
  found = read_array(archive, name, _TEXT)
  if found.shape or found.dtype.kind != "U":
    raise ValueError(f"{name!r} is no text")
  return str(found)


def read_arrays(
  archive: zipfile.ZipFile,
  shapes: Mapping[str, tuple[int, ...]],
  also: Sequence[str] = (),
) -> dict[str, np.ndarray]:
  """Reads arrays of finite numbers, of exactly these names and shapes.

  Args:
    archive: opened.
    shapes: by name.
    also: names of what else is in it, and is not read here.

  Raises:
    ValueError, zipfile.BadZipFile, zlib.error: one is missing, is damaged, has
      another shape, is of no numbers or not finite; or there is one more.
  """
  found = list_names(archive) - set(also)
  for name in sorted(found ^ shapes.keys()):
    problem = "is missing" if name in shapes else "is none of its arrays"
    raise ValueError(f"{name!r} {problem}")
  read = {}
  for name, shape in shapes.items():
    size = int(np.prod(shape, dtype=np.float64))
    read[name] = read_array(archive, name, _WIDEST * size)
    if read[name].shape != shape:
      raise ValueError(f"{name!r} is {read[name].shape} and should be {shape}")
    check_numbers(name, read[name])
  return read


# Of a norm, here and in PyTorch.
_VARIANCES = ("/var", "running_var")


def check_numbers(name: str, values: np.ndarray) -> None:
  """Refuses what is no number, and variances below 0.

  Raises:
    ValueError: an entry is not finite, or none is a number, or it is a norm's
      running variance by its name, and negative.
  """
  kind = values.dtype.kind
  # bfloat16 has the kind of raw bytes, and a name.
  if kind not in "biuf" and values.dtype.name != "bfloat16":
    raise ValueError(f"{name!r} holds no numbers but {values.dtype}")
  if kind not in "biu" and not np.isfinite(values).all():
    raise ValueError(f"{name!r} holds numbers that are not finite")
  if name.endswith(_VARIANCES) and (values < 0).any():
    raise ValueError(f"{name!r} holds variances below 0")


def read_every_array(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
  """Reads all arrays, whichever they are; raises what `read_array` does."""
  check(archive)
  sizes = {
    x.filename.removesuffix(".npy"): x.file_size for x in archive.infolist()
  }
  return {name: read_array(archive, name, size) for name, size in sizes.items()}
