"""What paper_size.py trains: the papers' networks and losses, on other data."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.configs import student, teacher
from akd_jax.training import run_dir as runs
from akd_jax.training import validation
from akd_jax.training.run import Run

# Who is trained: by which recipe, with which methods' weights instead.
ROLES: dict[str, tuple[Callable[[str], ConfigDict], dict[str, float]]] = {
  "teacher": (teacher.get_config, {}),
  "student": (student.get_config, {"akd": 0.0}),
  "attention": (student.get_config, {}),
  "output": (student.get_config, {"akd": 0.0, "output": 10.0}),
}
# What may be another of a run that is taken up.
_MAY_CHANGE = ("steps", "dtype", "log_every")


def recipe(
  role: str, data: ConfigDict, out: str, fields: Mapping[str, Any]
) -> ConfigDict:
  """The recipe of a role.

  Its discriminator halves pictures down to 2 x 2, as the papers' does.

  Args:
    role: of ROLES.
    data: config.data, resolved.
    out: folder of a student's teacher.
    fields: by their dotted names, that are to be others.

  Raises:
    UserError: a field is not one of the recipe, or its value makes no sense.
  """
  build, weights = ROLES[role]
  config = build("celeba")
  config.data = ConfigDict(data.to_dict())
  config.discriminator.layers = max(data.image_size.bit_length() - 2, 1)
  for method, weight in weights.items():
    config.distill[method].weight = weight
  if role != "teacher":
    # Beside which it is evaluated, even if it has not learnt from it.
    config.teacher = os.path.join(out, "teacher.npz")
  return _changed(config, fields)


def taken_up(
  file: str, role: str, data: ConfigDict, fields: Mapping[str, Any]
) -> Run:
  """The teacher of a file, to be trained further.

  Args:
    file: as `runs.load_run` reads it.
    role: teacher; a student ends in the run that starts it.
    data: config.data, resolved, which has to be the teacher's.
    fields: by their dotted names, that are to be others.

  Raises:
    UserError: it is a student, or has learnt from other data, or a field is
      not one that can be another.
  """
  run = runs.load_run(file)
  if role != "teacher" or "teacher_recipe" in run.config:
    raise UserError(
      f"--resume={file} --role={role}: only teachers are taken up; a student"
      " ends in the run that starts it"
    )
  before, now = (json.loads(x.to_json()) for x in (run.config.data, data))
  for name in before | now:
    if before.get(name) != now.get(name):
      raise UserError(
        f"--resume={file} has learnt from data.{name}={before.get(name)!r},"
        f" not {now.get(name)!r}"
      )
  for field in fields:
    if field not in _MAY_CHANGE:
      raise UserError(
        f"--config.{field}: it is that of --resume; only"
        f" {', '.join(_MAY_CHANGE)} can be others"
      )
  return run._replace(config=_changed(run.config, fields))


def _changed(config: ConfigDict, fields: Mapping[str, Any]) -> ConfigDict:
  config.lock()
  for field, value in fields.items():
    if field.startswith("data."):
      raise UserError(f"--config.{field}: it is that of --data")
    try:
      config.update_from_flattened_dict({field: value})
    except KeyError:
      raise UserError(f"--config.{field} is not of this role") from None
  validation.check(config)
  return config
