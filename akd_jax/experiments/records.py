"""What the runs of an experiment were found to be, without their weights.

One file beside the page, with which another machine goes on where this one
stopped: what is known of a run there need not be trained again.
"""

import io
import lzma
import pathlib
import re
import tarfile
import tempfile
from collections.abc import Mapping, Sequence

from akd_jax.common import files
from akd_jax.common.errors import UserError
from akd_jax.evaluation import record
from akd_jax.experiments.runner import Job
from akd_jax.training import run_dir
from akd_jax.training import teacher as teaching

_METRICS = "metrics.jsonl"
# The last one is what tells that a run is there.
_KEPT = (_METRICS, "versions.json", f"{record.WHOLE}.json", "config.json")
_MEMBER = re.compile(
  rf"([0-9a-f]+/seed_\d+)/({'|'.join(map(re.escape, _KEPT))})"
)
# Bytes of all these files together: some thousand runs.
_LARGEST = 2**29

# {directory below the root: {name of a file: what it holds}}.
Records = dict[str, dict[str, bytes]]


def path_of(page: pathlib.Path) -> pathlib.Path:
  """Returns where the records of a page lie."""
  return page.with_name(f"{page.stem}_runs.tar.xz")


def write(path: pathlib.Path, jobs: Sequence[Job], root: pathlib.Path) -> None:
  """Writes the records of those runs that are done, unless PATH has them.

  Args:
    path: of the file.
    jobs: of an experiment.
    root: the folder of all runs.
  """
  found: Records = {}
  for job in jobs:
    if job.result:
      names = [name for name in _KEPT if (job.workdir / name).exists()]
      found[job.workdir.relative_to(root).as_posix()] = {
        name: (job.workdir / name).read_bytes() for name in names
      }
  if found and (not path.exists() or _read(path) != found):
    with files.written_whole(path) as partial:
      partial.write_bytes(_pack(found))


def unpack(
  path: pathlib.Path, jobs: Sequence[Job], root: pathlib.Path
) -> list[Job]:
  """Puts records where the runs would lie that are not there.

  A run is left out if it would be evaluated otherwise, or if it has learnt from
  a teacher that has to be trained again, for others: that is another one.

  Args:
    path: of the file; may be missing.
    jobs: of an experiment.
    root: the folder of all runs.

  Returns:
    Those that were put there.

  Raises:
    UserError: the file is damaged, or holds something else.
  """
  if not path.exists():
    return []
  found = _read(path)
  by_name = {job.workdir.relative_to(root).as_posix(): job for job in jobs}
  known = {
    name: found[name]
    for name, job in by_name.items()
    if name in found and _is_result(job, found[name])
  }
  wanted = _teachers_wanted(
    jobs, {str(by_name[name].workdir) for name in known}
  )
  unpacked = []
  for name, kept in known.items():
    job = by_name[name]
    if {str(job.workdir), job.config.teacher} & wanted:
      continue
    if _has_same_teacher(job, found, root) and _put(job.workdir, kept):
      unpacked.append(job)
  return unpacked


def _teachers_wanted(jobs: Sequence[Job], known: set[str]) -> set[str]:
  """Returns the teachers that are to be trained here, by their directories."""
  return {
    job.config.teacher
    for job in jobs
    if str(job.workdir) not in known
    and not job.result
    and job.config.teacher
    and not run_dir.is_file(job.config.teacher)
    and not teaching.is_finished(job.config.teacher)
  }


def _has_same_teacher(job: Job, found: Records, root: pathlib.Path) -> bool:
  """Whether a run's teacher is a file, or the run that is there if any is."""
  teacher = job.config.teacher
  if not teacher or run_dir.is_file(teacher):
    return True
  ours = pathlib.Path(teacher, _METRICS)
  theirs = found.get(pathlib.Path(teacher).relative_to(root).as_posix(), {})
  return not ours.exists() or ours.read_bytes() == theirs.get(_METRICS)


def _is_result(job: Job, kept: Mapping[str, bytes]) -> bool:
  """Whether these files say all of what is asked of a run."""
  with tempfile.TemporaryDirectory() as folder:
    for name, content in kept.items():
      pathlib.Path(folder, name).write_bytes(content)
    return job._replace(workdir=pathlib.Path(folder)).result is not None


def _put(workdir: pathlib.Path, kept: Mapping[str, bytes]) -> bool:
  """Writes the files of a run that is not there; returns whether it did."""
  with files.alone(workdir) as ours:
    if not ours or (workdir / "config.json").exists():
      return False
    for name in _KEPT:
      if name in kept:
        with files.written_whole(workdir / name) as partial:
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
        file = archive.extractfile(member) if member.isreg() else None
        if match is None or file is None:
          raise UserError(
            f"{path} holds {member.name!r}, which is no record of a run"
          )
        found.setdefault(match[1], {})[match[2]] = file.read()
  except (tarfile.TarError, lzma.LZMAError, EOFError, OSError) as error:
    raise UserError(f"{path} cannot be read: {error}") from None
  return found


def _decompress(packed: bytes) -> bytes:
  """Returns the content of an .xz that is whole and not too large."""
  decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
  content = decompressor.decompress(packed, _LARGEST)
  if not decompressor.eof:
    raise EOFError("it is cut off, or too large")
  return content
