"""Runs side by side: what each was, and what its seeds have found."""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from akd_jax.common.config import flatten
from akd_jax.evaluation import record
from akd_jax.training import run_dir
from akd_jax.training.metrics_file import Training, read_training
from akd_jax.training.versions import describe

# What begins the fields that students alone have.
_TEACHER = "teacher_recipe."
# Fields in which the seeds of one recipe differ: each may have a teacher.
_OF_SEEDS = ("seed", "teacher", f"{_TEACHER}seed")


class Seed(NamedTuple):
  """One run.

  Attributes:
    workdir: its directory.
    config: resolved.
    training: how long it was trained, and its losses.
    versions: of the programs that trained it; "" where it has noted none.
    result: evaluation.json; None before it has been evaluated.
  """

  workdir: pathlib.Path
  config: ConfigDict
  training: Training
  versions: str
  result: dict[str, Any] | None


class Variant(NamedTuple):
  """One recipe.

  Attributes:
    name: as a page calls it.
    seeds: its runs, by their seed.
  """

  name: str
  seeds: list[Seed]

  @property
  def results(self) -> list[dict[str, Any]]:
    """Returns evaluation.json of each seed, if all have been evaluated."""
    known = [seed.result for seed in self.seeds if seed.result]
    return known if len(known) == len(self.seeds) else []


def read_variants(workdirs: Sequence[str]) -> list[Variant]:
  """Reads runs; those that differ by their seed alone become one variant.

  Each seed may have learnt from a teacher of its own. Runs of one seed and of
  several teachers are as many variants.

  Args:
    workdirs: directories of runs, which need not have ended.

  Raises:
    UserError: one is no run, or has not written a line of metrics.jsonl yet.
  """
  found: dict[str, list[Seed]] = {}
  once = {os.path.realpath(x): os.path.normpath(x) for x in workdirs}
  for workdir in once.values():
    seed = read_seed(pathlib.Path(workdir))
    found.setdefault(_recipe(seed.config), []).append(seed)
  groups = [
    sorted(group, key=lambda x: x.config.seed)
    for seeds in found.values()
    for group in _by_teacher(seeds)
  ]
  names = _names([[seed.workdir for seed in seeds] for seeds in groups])
  return list(map(Variant, names, groups))


def read_seed(workdir: pathlib.Path) -> Seed:
  """Reads one run.

  Raises:
    UserError: it is none, or has not written a line of metrics.jsonl yet.
  """
  config = run_dir.read_config(str(workdir))
  training = read_training(workdir)
  path = workdir / f"{record.WHOLE}.json"
  result = record.read(path) if path.exists() else None
  return Seed(workdir, config, training, describe(str(workdir)), result)


def _by_teacher(seeds: Sequence[Seed]) -> list[list[Seed]]:
  """Parts runs of one recipe by their teacher where a seed has several."""
  pairs = {(seed.config.seed, seed.config.teacher) for seed in seeds}
  several = len({number for number, _ in pairs}) < len(pairs)
  groups: dict[str, list[Seed]] = {}
  for seed in seeds:
    teacher = seed.config.teacher if several else ""
    groups.setdefault(teacher, []).append(seed)
  return list(groups.values())


def compare_fields(
  variants: Sequence[Variant],
) -> tuple[dict[str, list[str]], dict[str, str]]:
  """Compares the configs of variants.

  Of a teacher's recipe, students alone are compared: a teacher has none. Its
  fields that equal the student's in every variant are left out.

  Returns:
    {field: its value in each variant} of those in which they differ, where a
    config lacks one "-"; {field: value} of all others that are not left out.
  """
  flat = [flatten(variant.seeds[0].config) for variant in variants]
  students = [x for x in flat if any(name.startswith(_TEACHER) for name in x)]
  names = dict.fromkeys(name for fields in flat for name in fields)
  differing, same = {}, {}
  hidden = set(_OF_SEEDS)
  if all(len({x.config.teacher for x in v.seeds}) == 1 for v in variants):
    hidden.remove("teacher")
  for name in names:
    if name in hidden:
      continue
    of_teacher = name.startswith(_TEACHER)
    compared = students if of_teacher else flat
    values = {_written(fields.get(name)) for fields in compared}
    if len(values) > 1:
      differing[name] = [_written(fields.get(name)) for fields in flat]
    elif not (of_teacher and _repeats_own(students, name)):
      (same[name],) = values
  return differing, same


def _repeats_own(students: Sequence[Mapping[str, Any]], name: str) -> bool:
  """Whether a field of teachers' recipes is as each student's own."""
  own = name.removeprefix(_TEACHER)
  return all(fields.get(own) == fields.get(name) for fields in students)


def _written(value: Any) -> str:
  return "-" if value is None else json.dumps(value, ensure_ascii=False)


def _recipe(config: ConfigDict) -> str:
  fields = flatten(config)
  for name in _OF_SEEDS:
    fields.pop(name, None)
  return json.dumps(fields, sort_keys=True)


def _names(groups: Sequence[Sequence[pathlib.Path]]) -> list[str]:
  """Names each group by the end of its directories' path that sets it apart.

  Where one folder holds several groups, by that of the first directory.
  """
  whole = [[pathlib.Path(os.path.abspath(x)) for x in y] for y in groups]
  paths = [pathlib.Path(os.path.commonpath(group)) for group in whole]
  if len(set(paths)) < len(paths):
    paths = [group[0] for group in whole]
  parts = [path.parts[1:] or (str(path),) for path in paths]
  for count in range(1, max(map(len, parts)) + 1):
    names = ["/".join(x[-count:]) for x in parts]
    if len(set(names)) == len(names):
      break
  return names
