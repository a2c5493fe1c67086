"""What an experiment consists of: its runs, of every variant and every seed."""

import json
import os
import pathlib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from akd_jax.common import files
from akd_jax.common.config import flatten, remove_added
from akd_jax.common.errors import UserError
from akd_jax.data import pipeline
from akd_jax.data.photos.kind import Kinds, settle
from akd_jax.distillation.terms import check_added, distils
from akd_jax.evaluation import record
from akd_jax.training import run_dir as runs
from akd_jax.training import starts, validation
from akd_jax.training import teacher as teaching

# Sections of a config that do not decide what is trained.
_NOT_TRAINING = (*record.SECTIONS, "held_out")


class PlannedRun(NamedTuple):
  """A run to train and to evaluate.

  Attributes:
    config: how.
    workdir: its directory.
    teacher: digest of the file that teaches it; "" where none does.
  """

  config: ConfigDict
  workdir: pathlib.Path
  teacher: str = ""

  @property
  def result(self) -> dict[str, Any] | None:
    """Its evaluation.json; None before all of its end has been evaluated.

    Evaluated by hand and otherwise than the recipe says, it has not been; nor
    has one that learnt from what the teacher's file was before.
    """
    path = self.workdir / f"{record.WHOLE}.json"
    if not path.exists() or not runs.holds_run(str(self.workdir)):
      return None
    try:
      result = record.read(path)
    except UserError:
      return None  # It is damaged.
    wanted = runs.read_config(str(self.workdir)).data.attributes
    whole = set(record.trained_network(result)["attributes"]) == set(wanted)
    alike = result.get("settings") == record.list_settings(self.config)
    ended = result["step"] >= self.config.steps
    # Who learns nothing may be measured without the teacher.
    known = {self.teacher} if distils(self.config) else {self.teacher, None}
    taught = not self.teacher or result.get("teacher") in known
    return result if whole and alike and ended and taught else None


class Replicate(NamedTuple):
  """A replicate: one seed of all variants of an experiment.

  Attributes:
    variants: name -> its run.
    teachers: name -> that of the variants that are taught.
  """

  variants: dict[str, PlannedRun]
  teachers: dict[str, PlannedRun]

  @property
  def runs(self) -> dict[str, PlannedRun]:
    """All of them, by the name of their column."""
    return self.variants | self.teachers

  @property
  def seed(self) -> int:
    """Of all of them."""
    return next(iter(self.variants.values())).config.seed

  @property
  def done(self) -> bool:
    """Whether all of them are trained and evaluated."""
    return not find_undone(self.runs.values())


def plan_replicates(
  variants: Mapping[str, ConfigDict], seeds: Iterable[int], root: pathlib.Path
) -> list[Replicate]:
  """Returns each seed of all variants, and of the teachers that they share.

  A run's directory is named by its recipe, so that experiments share it, and by
  no more than that: one that is to be evaluated otherwise is not trained anew.
  A single teacher is called that, several by the first variant that each
  teaches. A recipe that names a file, such as pretrained:avatars, learns from
  that in every seed. Photos and such files are looked at once, for all seeds.

  Raises:
    UserError: such a file cannot be read, or photos may be several data sets.
  """
  known: Kinds = {}
  recipes = {name: settle(recipe, known) for name, recipe in variants.items()}
  named = {x.teacher for x in recipes.values() if runs.is_file(x.teacher)}
  digests = {x: runs.digest_model(runs.load_run(x).model) for x in named}
  return [_plan(recipes, seed, root, digests) for seed in seeds]


def plan_replicate(
  variants: Mapping[str, ConfigDict], seed: int, root: pathlib.Path
) -> Replicate:
  """Returns one seed of `plan_replicates`; raises what that raises."""
  (replicate,) = plan_replicates(variants, [seed], root)
  return replicate


def _plan(
  recipes: Mapping[str, ConfigDict],
  seed: int,
  root: pathlib.Path,
  digests: Mapping[str, str],
) -> Replicate:
  """Returns one seed.

  Args:
    recipes: of the variants, settled.
    seed: which.
    root: the folder of all runs.
    digests: {file that teaches: its digest}.
  """

  def place(recipe: ConfigDict) -> pathlib.Path:
    return root / _name_recipe(recipe) / f"seed_{seed}"

  students: dict[str, PlannedRun] = {}
  teachers: dict[pathlib.Path, tuple[str, PlannedRun]] = {}
  for variant, recipe in recipes.items():
    config = ConfigDict(recipe.to_dict())
    if config.teacher not in digests:
      taught_by = teaching.teacher_recipe(config)
      workdir = place(taught_by)
      config.teacher = str(workdir)
      if distils(config):
        taught_by.seed = seed
        teachers.setdefault(workdir, (variant, PlannedRun(taught_by, workdir)))
    config.seed = config.teacher_recipe.seed = seed
    taught = digests.get(recipe.teacher, "")
    students[variant] = PlannedRun(config, place(recipe), taught)
  several = len(teachers) > 1
  return Replicate(
    students,
    {
      f"teacher, {variant}" if several else "teacher": run
      for variant, run in teachers.values()
    },
  )


def _name_recipe(config: ConfigDict) -> str:
  """Returns what the folder of a recipe's runs is called: a digest."""
  recipe = json.loads(config.to_json())
  # However they are spelt: ./photos/ is photos.
  for fields, name in ((recipe["data"], "path"), (recipe, "teacher")):
    if path := fields.get(name):
      fields[name] = unicodedata.normalize("NFC", os.path.normpath(path))
  for fields in (recipe, recipe.get("teacher_recipe", {})):
    for section in _NOT_TRAINING:
      fields.pop(section, None)
  if "teacher_recipe" in recipe:
    recipe["teacher_recipe"] = remove_added(recipe["teacher_recipe"])
  # Else a version that adds a field would train everything anew.
  return files.digest(remove_added(recipe))


def check(*replicates: Replicate) -> None:
  """Refuses what could only be found once the teachers are trained.

  Raises:
    UserError: a field of a variant is wrong, a teacher is not compatible, or
      one run would have to be evaluated in two ways.
  """
  _check_evaluated_once(replicates)
  known: dict[str, tuple[str, ...]] = {}
  taught_by = {
    str(run.workdir): _with_attributes(run.config, known)
    for replicate in replicates
    for run in replicate.teachers.values()
  }
  for run in (run for x in replicates for run in x.runs.values()):
    begins = not (run.result or runs.has_checkpoint(str(run.workdir)))
    check_added(run.config)
    validation.check(run.config)
    config = _with_attributes(run.config, known)
    if begins:
      validation.check_new(config)
    if distils(config):
      name = config.teacher
      if name not in taught_by:
        taught_by[name] = runs.load_run(name).config
      teaching.check_compatible(config, taught_by[name])
      if begins:
        starts.check_new(config, taught_by[name])


def _check_evaluated_once(replicates: Iterable[Replicate]) -> None:
  """Refuses variants that differ in nothing but how they are evaluated.

  They are one run, with one result; whoever wants another waits in vain.
  """
  seen: dict[pathlib.Path, tuple[str, dict[str, Any]]] = {}
  for replicate in replicates:
    for name, run in replicate.runs.items():
      ours = flatten(ConfigDict(record.list_settings(run.config)))
      # A file may be called by two names, and have moved.
      ours.pop("evaluation.inception", None)
      other, theirs = seen.setdefault(run.workdir, (name, ours))
      for field in ours | theirs:
        if ours.get(field) != theirs.get(field):
          raise UserError(
            f"{other!r} and {name!r} are one run, {run.workdir}, which is"
            f" evaluated once: config.{field} is {theirs.get(field)!r} and"
            f" {ours.get(field)!r}, and must be the same"
          )


def _with_attributes(
  config: ConfigDict, known: dict[str, tuple[str, ...]]
) -> ConfigDict:
  """Returns a config with those of its data set where it asks for all.

  Without any, there is no network whose shapes could be checked.

  Args:
    config: of a run.
    known: {config.data: its attributes}; what is found is added.
  """
  if config.data.attributes:
    return config
  asked = config.data.to_json()
  if asked not in known:
    known[asked] = pipeline.list_attributes(config.data)
  config = ConfigDict(config.to_dict())
  config.data.attributes = known[asked]
  return config


def find_undone(planned: Iterable[PlannedRun]) -> list[PlannedRun]:
  """Returns those without a result."""
  return [run for run in planned if not run.result]


def sort_runs(replicates: Iterable[Replicate]) -> list[PlannedRun]:
  """Returns every run once, teachers before their students."""
  replicates = list(replicates)
  teachers = [run for x in replicates for run in x.teachers.values()]
  students = [run for x in replicates for run in x.variants.values()]
  return list({run.workdir: run for run in teachers + students}.values())
