"""Hosts of a pod train the same, or not at all.

Each of them computes its share of every step: with another recipe, other photos
or another version it would go wrong without a word.
"""

import hashlib
import json
import pathlib
import socket
from collections.abc import Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from akd_jax.common import pod
from akd_jax.common.config import flatten
from akd_jax.common.errors import UserError
from akd_jax.distillation.terms import distils
from akd_jax.training import checkpoint, run_dir, same_run, versions

_OPTIONS = (
  "jax_enable_x64",
  "jax_default_matmul_precision",
  "jax_threefry_partitionable",
)
# Fields of the config that each host may have for itself: what lies at these
# paths is compared instead.
_OWN = (*same_run.PLACES, "data.threads")


def check_start(config: ConfigDict, workdir: str) -> None:
  """Refuses hosts of other versions, recipes, devices or run directories.

  Raises:
    UserError: on all of them; see `check_alike`.
  """
  fields = {
    f"config.{name}": value
    for name, value in flatten(config).items()
    if name not in _OWN
  }
  finished, of_teacher = False, []
  if distils(config):
    finished = run_dir.is_finished(config.teacher)
    of_teacher = checkpoint.list_steps(config.teacher)
  check_alike(
    _versions()
    | fields
    | {
      "devices": f"{jax.local_device_count()} x"
      f" {jax.local_devices()[0].device_kind}",
      "checkpoints in --workdir": checkpoint.list_steps(workdir),
      "a finished teacher in config.teacher": finished,
      "checkpoints in config.teacher": of_teacher,
    }
  )


def check_origins(origins: Mapping[str, str]) -> None:
  """Refuses hosts whose labels, photos or teacher are others.

  Args:
    origins: digests of what a run learns from: "labels", "data", "drawing",
      "teacher".

  Raises:
    UserError: on all of them; see `check_alike`.
  """
  # Labels are a part of the data, and come first: the rest is the photos.
  names = {"data": "photos", "drawing": "drawn avatars"}
  check_alike(
    {
      f"the digest of the {names.get(name, name)}": x
      for name, x in origins.items()
    }
  )


def check_alike(fields: Mapping[str, Any]) -> None:
  """Compares what each host has with what process 0 has.

  All processes have to ask together. Without a pod there is nothing to compare.

  Args:
    fields: plain JSON, by the name that the message is to have.

  Raises:
    UserError: on all processes: one differs. The message names the first that
      does, its host, the field, and both values.
  """
  if not pod.is_joined():
    return
  # As the other side reads it: a tuple is a list there.
  fields = json.loads(json.dumps(fields))
  expected = pod.tell(fields)
  differing = (
    (name, expected.get(name), fields.get(name))
    for name in [*expected, *fields]
    if expected.get(name) != fields.get(name)
  )
  mine = next(differing, None)
  said = pod.gather([socket.gethostname(), mine])
  for index, (host, other) in enumerate(said):
    if other:
      name, theirs, ours = other
      raise UserError(
        f"process {index} on {host} differs from process 0 on {said[0][0]} in"
        f" {name}: {_shown(ours)}, not {_shown(theirs)}; all have to have the"
        " same"
      )


def _shown(value: Any) -> str:
  text = "nothing" if value is None else repr(value)
  return text if len(text) <= 60 else f"{text[:57]}..."


def _versions() -> dict[str, str]:
  """Returns versions by name; of our own code what it is."""
  digest = hashlib.sha256()
  root = pathlib.Path(__file__).parents[1]
  for path in sorted(root.rglob("*.py")):
    digest.update(path.relative_to(root).as_posix().encode())
    digest.update(path.read_bytes())
  return {
    "the code of akd_jax": digest.hexdigest()[:16],
    **versions.list_versions(),
    **{name: str(getattr(jax.config, name)) for name in _OPTIONS},
  }
