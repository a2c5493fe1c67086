"""Whether a run goes on as what it was: its recipe, and what it learns from."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.config import flatten
from akd_jax.common.errors import UserError
from akd_jax.common.files import is_same_place
from akd_jax.training import checkpoint
from akd_jax.training.run_dir import read_config

# {a field that names a place: the origin whose digest says what lies there}.
# Another place is the same where that is.
PLACES = {
  "teacher": "teacher",
  "data.path": "data",
  "data.csv": "data",
  "data.second.path": "data",
  "data.second.csv": "data",
}
# An origin that is looked for and not kept: "data" as earlier versions have
# kept it of a zip.
WITHOUT_SIZES = "data without sizes"
# Fields that a run may be resumed with another value of.
_MAY_CHANGE = (
  "log_every",
  "sample_every",
  "checkpoint_every",
  "keep",
  "best_metric",
  "data.threads",
  "classifier.",
  "evaluation.",
  "held_out.",
  "teacher_recipe.",
)


def check_same_run(
  config: ConfigDict,
  workdir: str,
  origins: Mapping[str, str] = MappingProxyType({}),
) -> None:
  """Refuses to go on with a run under another config, or from other things.

  More steps are another config that it may go on with.

  Args:
    config: resolved.
    workdir: the run's directory.
    origins: digests of what it is to learn from, as far as they are known.

  Raises:
    UserError: a field differs; the message has both values. Or it has begun to
      learn from something else.
  """
  known = checkpoint.read_origins(workdir) or {}
  before = flatten(read_config(workdir))
  now = flatten(ConfigDict(json.loads(config.to_json_best_effort())))
  # What lies there is compared, and not where.
  compared = known.keys() & origins.keys()
  for field in now | before:
    if field.startswith(_MAY_CHANGE) or PLACES.get(field) in compared:
      continue
    if field == "steps" and now[field] > before[field]:
      continue
    if not _same(field, before.get(field), now.get(field)):
      raise UserError(
        f"{workdir} holds a run with {field}={before.get(field)!r}, not"
        f" {now.get(field)!r}: name another directory, or go on with the recipe"
        " that made it (config.json has it)"
      )
  check_origins(known, origins, config, workdir)


def check_origins(
  known: Mapping[str, str],
  found: Mapping[str, str],
  config: ConfigDict,
  workdir: str,
) -> None:
  """Compares what a run has learnt from with what is there now.

  Args:
    known: digests that were kept with its checkpoint, by name.
    found: those of now, as `origins.digest_data` returns them. What is known or
      found alone is not compared.
    config: where they were looked for.
    workdir: the run's directory.

  Raises:
    UserError: one is another.
  """
  if _differ("teacher", known, found):
    raise UserError(
      f"{workdir} has learnt from another teacher than the one in"
      f" config.teacher={config.teacher}: put that one back, say where it is,"
      " or name another --workdir"
    )
  if _differ("data", known, found) and not is_same_data(known["data"], found):
    raise UserError(
      f"{workdir} has learnt from other photos or labels than those in"
      f" config.data.path={config.data.path}: put those back, say where they"
      " are, or name another --workdir"
    )
  if _differ("drawing", known, found):
    raise UserError(
      f"{workdir} has learnt from avatars that are drawn otherwise here:"
      f" install the versions of dicebear and resvg in {workdir}/versions.json,"
      " give the drawn ones in config.data.path, or name another --workdir"
    )


def is_same_data(known: str, found: Mapping[str, str]) -> bool:
  """Whether the digest "data" that a run has kept is of what is there now.

  Args:
    known: by whichever version.
    found: as `origins.digest_data` returns them.
  """
  return known in (found["data"], found.get(WITHOUT_SIZES))


def _differ(
  name: str, known: Mapping[str, str], found: Mapping[str, str]
) -> bool:
  return name in known and name in found and known[name] != found[name]


def _same(field: str, before: Any, now: Any) -> bool:
  if field == "data.exclusive" and before is not None:
    # A data set may say more of it than it did: nothing is trained by it.
    return all(group in now for group in before)
  if field in PLACES and isinstance(before, str) and isinstance(now, str):
    return before == now or bool(before and now and is_same_place(before, now))
  return before == now
