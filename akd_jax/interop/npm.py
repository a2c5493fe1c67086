"""Files of a package of npm's registry, downloaded once and known by digest."""

import base64
import contextlib
import hashlib
import http.client
import io
import tarfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from akd_jax.common.cache import cache_directory
from akd_jax.common.errors import UserError, WriteError
from akd_jax.common.files import write_whole
from akd_jax.common.output import note

_PATIENCE = 60.0


class Package(NamedTuple):
  """A version of a package.

  Attributes:
    name: in the registry.
    version: of it.
    sha512: of its tarball, in base64, as the registry's "integrity" has it.
  """

  name: str
  version: str
  sha512: str

  @property
  def file(self) -> str:
    """Returns the name of its tarball."""
    return f"{self.name}-{self.version}.tgz"

  @property
  def url(self) -> str:
    """Returns where its tarball is."""
    return f"https://registry.npmjs.org/{self.name}/-/{self.file}"


def read_files(
  package: Package, names: Sequence[str], tarball: str = ""
) -> dict[str, bytes]:
  """Reads files of a package.

  Args:
    package: which; kept in the user's cache once it is downloaded.
    names: of files, inside the package.
    tarball: read instead, where it cannot be downloaded.

  Raises:
    UserError: it cannot be downloaded or read, or is not that version.
  """
  path = Path(tarball) if tarball else cache_directory() / "npm" / package.file
  if not tarball and not path.exists():
    content = _download(package, path)
  else:
    content = _read(package, path)
  with tarfile.open(fileobj=io.BytesIO(content)) as archive:
    found = {name: archive.extractfile(f"package/{name}") for name in names}
    return {name: file.read() for name, file in found.items() if file}


def _read(package: Package, path: Path) -> bytes:
  try:
    content = path.read_bytes()
  except OSError as error:
    raise UserError(f"cannot read {path}: {error.strerror}") from None
  _check(package, content, str(path))
  return content


def _check(package: Package, content: bytes, where: str) -> None:
  found = base64.b64encode(hashlib.sha512(content).digest()).decode()
  if found != package.sha512:
    raise UserError(
      f"{where} is not {package.name} {package.version}, or damaged: delete"
      f" what is kept of it, get {package.url} elsewhere, and give"
      " --onnxruntime=FILE"
    )


def _download(package: Package, path: Path) -> bytes:
  note(f"downloading {package.name} {package.version}, once")
  try:
    with urllib.request.urlopen(package.url, timeout=_PATIENCE) as answer:
      content = answer.read()
  except (OSError, http.client.HTTPException) as error:
    raise UserError(
      f"cannot download {package.url} ({error}): get it elsewhere, and give"
      " --onnxruntime=FILE"
    ) from None
  _check(package, content, f"what came from {package.url}")
  # Where it cannot be kept it is used for this once.
  with contextlib.suppress(WriteError), write_whole(path) as temporary:
    temporary.write_bytes(content)
  return content
