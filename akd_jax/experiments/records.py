"""What the runs of an experiment were found to be, without their weights.

One file beside the page, with which another machine goes on where this one
stopped: what is known of a run there need not be trained again. It holds runs
whose teacher is a file and whose faces are drawn, which all machines have.
"""

import io
import lzma
import pathlib
import re
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence

from akd_jax.common import files
from akd_jax.common.errors import UserError, reason_of
from akd_jax.common.output import note
from akd_jax.data import is_drawn
from akd_jax.evaluation import record
from akd_jax.experiments.plan import PlannedRun
from akd_jax.training import metrics_file, run_dir

# The last one is what tells that a run is done.
_KEPT = (
  "config.json",
  "versions.json",
  metrics_file.NAME,
  f"{record.WHOLE}.json",
)
_MEMBER = re.compile(
  rf"([0-9a-f]+/seed_\d+)/({'|'.join(map(re.escape, _KEPT))})"
)
# Bytes of all these files together: some thousand runs. And of memory.
_LARGEST, _MEMORY = 2**29, 2**28

# {directory below the root: {name of a file: what it holds}}.
Records = dict[str, dict[str, bytes]]


def path_of(page: pathlib.Path) -> pathlib.Path:
  """Returns where the records of a page lie."""
  return page.with_name(f"{page.stem}_runs.tar.xz")


def write(
  path: pathlib.Path, runs: Sequence[PlannedRun], root: pathlib.Path
) -> None:
  """Writes the records of runs that are done beside those that PATH has.

  A file that cannot be read, since it is being copied perhaps, is left as it
  is, and said so on standard error.

  Args:
    path: of the file.
    runs: of an experiment.
    root: the folder of all runs.
  """
  try:
    before = _read(path) if path.exists() else {}
  except UserError as error:
    note(f"{error}; it stays")
    return
  found = {
    run.workdir.relative_to(root).as_posix(): {
      name: (run.workdir / name).read_bytes()
      for name in _KEPT
      if (run.workdir / name).exists()
    }
    for run in _travelling(runs)
    if run.result
  }
  if before | found != before:
    with files.write_whole(path) as partial:
      partial.write_bytes(_pack(before | found))


def unpack(
  path: pathlib.Path, runs: Sequence[PlannedRun], root: pathlib.Path
) -> list[PlannedRun]:
  """Puts records where the runs would lie that have not been begun here.

  A run is left out if it would be evaluated otherwise, or if the teacher's file
  is another one here.

  Args:
    path: of the file; may be missing.
    runs: of an experiment.
    root: the folder of all runs.

  Returns:
    Those that were put there.

  Raises:
    UserError: the file is damaged, or holds something else.
  """
  if not path.exists():
    return []
  found = _read(path)
  return [
    run
    for run in _travelling(runs)
    if (kept := found.get(run.workdir.relative_to(root).as_posix()))
    and _is_done(run, kept)
    and _put(run, kept)
  ]


def _travelling(runs: Iterable[PlannedRun]) -> list[PlannedRun]:
  """Returns the runs of drawn faces whose teacher is a file."""
  return [run for run in runs if run.teacher and is_drawn(run.config.data)]


def _is_done(run: PlannedRun, kept: Mapping[str, bytes]) -> bool:
  """Whether a run would be done with these files."""
  with tempfile.TemporaryDirectory() as folder:
    for name, content in kept.items():
      pathlib.Path(folder, name).write_bytes(content)
    try:
      return bool(run._replace(workdir=pathlib.Path(folder)).result)
    except UserError:
      return False


def _put(run: PlannedRun, kept: Mapping[str, bytes]) -> bool:
  """Writes the files of a run that is not there; returns whether it did."""
  with files.lock_folder(run.workdir) as ours:
    if not ours or run.result or run_dir.has_checkpoint(str(run.workdir)):
      return False
    for name in _KEPT:
      if name in kept:
        with files.write_whole(run.workdir / name) as partial:
          partial.write_bytes(kept[name])
  return True


def _pack(records: Records) -> bytes:
  """Returns a .tar.xz, the same of the same records."""
  content = io.BytesIO()
  with tarfile.open(fileobj=content, mode="w:xz") as archive:
    for name, kept in sorted(records.items()):
      for file, data in sorted(kept.items()):
        member = tarfile.TarInfo(f"{name}/{file}")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
  return content.getvalue()


def _read(path: pathlib.Path) -> Records:
  found: Records = {}
  try:
    content = _decompress(path.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
      for member in archive:
        match = _MEMBER.fullmatch(member.name)
        # What is sparse may be larger than the file that it is in.
        plain = member.isreg() and not member.issparse()
        file = archive.extractfile(member) if plain else None
        if match is None or file is None:
          raise UserError(
            f"{path} holds {member.name!r}, which is no record of a run"
          )
        found.setdefault(match[1], {})[match[2]] = file.read()
  except UserError:
    raise
  except (
    tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError
  ) as error:  # fmt: skip
    raise UserError(f"{path} cannot be read: {reason_of(error)}") from None
  return found


def _decompress(packed: bytes) -> bytes:
  """Returns the content of an .xz that is whole and not too large."""
  decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY)
  content = decompressor.decompress(packed, _LARGEST)
  if not decompressor.eof:
    raise EOFError("it is cut off, or too large")
  return content
