"""Random access to the photos inside a zip."""

import dataclasses
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from akd_jax.common.errors import UserError, reason_of
from akd_jax.data.photos.listing import is_photo


@dataclasses.dataclass(frozen=True)
class ZipReader:
  """Reads members of a zip without keeping it open.

  With `zipfile`, threads would share one position in the file, and every worker
  process would read a directory of 200,000 entries again. Here the directory is
  read once, a member is one seek away, threads and processes share nothing, and
  only numbers are pickled.

  Attributes:
    path: the zip.
    members: base name -> (offset of its header, stored size, method, CRC, size
      of the photo's file).
  """

  path: str
  members: Mapping[str, tuple[int, int, int, int, int]] = dataclasses.field(
    repr=False
  )

  def __call__(self, name: str) -> bytes:
    offset, size, method, checksum, _ = self.members[name]
    try:
      with open(self.path, "rb") as file:
        # The header ends with the lengths of the name and the extra field that
        # stand before the content. Those in the directory may be others.
        file.seek(offset + 26)
        skipped = sum(struct.unpack("<HH", file.read(4)))
        file.seek(offset + 30 + skipped)
        content = file.read(size)
      if method == zipfile.ZIP_DEFLATED:
        content = zlib.decompress(content, -zlib.MAX_WBITS)
      if zlib.crc32(content) != checksum:
        raise zlib.error("its checksum is wrong")
    except (OSError, struct.error, zlib.error) as error:
      raise UserError(
        f"cannot read the image {self.path}/{name}: {reason_of(error)}"
      ) from error
    return content

  def size(self, name: str) -> int:
    """Returns the size in bytes of a photo's file, before it was packed."""
    return self.members[name][-1]


def open_zip(path: Path) -> ZipReader:
  """Reads the directory of a zip of photos, whatever folders they are in.

  Raises:
    UserError: the file is no complete zip, is packed in another way than
      stored or deflated, or has two photos of one name.
  """
  try:
    with zipfile.ZipFile(path) as archive:
      infos = archive.infolist()
  except Exception as error:  # There is no end to what damage may raise.
    raise UserError(f"{path} is no complete zip file: {error}") from error
  members: dict[str, tuple[int, int, int, int, int]] = {}
  paths: dict[str, str] = {}
  for info in infos:
    name = info.filename.rpartition("/")[2]
    # macOS packs a "._name" beside each file.
    if not is_photo(name) or name.startswith("."):
      continue
    if name in members:
      raise UserError(
        f"{path} has two photos named {name}: {paths[name]} and"
        f" {info.filename}; leave one of the folders out of it"
      )
    paths[name] = info.filename
    if info.flag_bits & 1 or info.compress_type not in (
      zipfile.ZIP_STORED,
      zipfile.ZIP_DEFLATED,
    ):
      raise UserError(
        f"{path} is encrypted or packed by an unusual method; unpack it"
      )
    members[name] = (
      info.header_offset,
      info.compress_size,
      info.compress_type,
      info.CRC,
      info.file_size,
    )
  return ZipReader(str(path), members)
