r"""Repeats a table of the papers: every arm, several seeds, with error bars.

  python -m akd_jax.experiment --name=paper1_table1[:ARG] [--seeds=3] \
      [--root=runs/experiments] [--out=docs/results]

Trains what is not there yet (a teacher a seed, shared by all experiments that
ask for the same), evaluates it, and writes OUT/NAME.md after each seed. Stop it
whenever you like: the same command goes on. --list shows the names.
"""

import hashlib
import json
import pathlib
import time
from typing import TYPE_CHECKING, Any

from absl import flags

from akd_jax import cli
from akd_jax.errors import UserError, nearest

if TYPE_CHECKING:
  from ml_collections import ConfigDict

_NAME = flags.DEFINE_string("name", None, "The experiment, as NAME[:ARG].")
_SEEDS = flags.DEFINE_integer("seeds", 3, "How many.", lower_bound=1)
_ROOT = flags.DEFINE_string("root", "runs/experiments", "Where runs go.")
_OUT = flags.DEFINE_string("out", "docs/results", "Where the table goes.")
_LIST = flags.DEFINE_bool("list", False, "Print the names and what they are.")


def seeded(config: "ConfigDict", seed: int, root: str) -> "ConfigDict":
  """The config of one seed, taught by that seed's teacher.

  A teacher's directory is named by its recipe, so that experiments share it.
  """
  from ml_collections import ConfigDict

  from akd_jax import teaching

  config = ConfigDict(config.to_dict())
  recipe = teaching.teacher_recipe(config).to_json(sort_keys=True)
  digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
  config.teacher = f"{root}/teachers/{digest}/seed_{seed}"
  config.seed = config.teacher_recipe.seed = seed
  return config


def run(config: "ConfigDict", workdir: str) -> dict[str, Any]:
  """Trains and evaluates one run, or takes what is there."""
  from akd_jax import evaluation, train

  path = pathlib.Path(workdir, "evaluation.json")
  train.train_with_teacher(config, workdir)
  if not path.exists():
    evaluation.write(evaluation.evaluate(workdir), workdir)
  return json.loads(path.read_text())


def training_seconds(workdir: str) -> float:
  """How long a run was trained, over all the processes that took it up."""
  total = before = 0.0
  for line in pathlib.Path(workdir, "metrics.jsonl").read_text().splitlines():
    now = json.loads(line).get("uptime")
    if now is not None:
      total += now - before if now > before else now
      before = now
  return total


def main(argv: list[str]) -> None:
  """Runs all seeds of all arms, one after the other."""
  cli.no_arguments(argv)
  from akd_jax.configs.experiments import EXPERIMENTS

  if _LIST.value:
    for name, recipe in EXPERIMENTS.items():
      print(f"{name:16}  {(recipe.__doc__ or '').splitlines()[0]}")
    return
  name, _, scale = (_NAME.value or "").partition(":")
  if name not in EXPERIMENTS:
    raise UserError(
      f"there is no experiment --name={name!r}{nearest(name, EXPERIMENTS)};"
      " --list shows them"
    )
  from akd_jax import comparison, compilation

  compilation.use_persistent_cache()
  try:
    experiment = EXPERIMENTS[name](scale or "avatars")
  except ValueError as error:
    raise UserError(f"--name={_NAME.value}: {error}") from None
  root = pathlib.Path(_ROOT.value)
  results: dict[str, list[Any]] = {arm: [] for arm in experiment.arms}
  # Teachers are trained by the students that learn from them.
  order = sorted(
    experiment.arms, key=lambda arm: -experiment.arms[arm].loss.lambda_akd
  )
  spent, teachers, started = 0.0, set(), time.monotonic()
  total = _SEEDS.value * len(order)
  for seed in range(_SEEDS.value):
    for arm in order:
      config = seeded(experiment.arms[arm], seed, str(root))
      workdir = root / name / arm.replace(" ", "_") / f"seed_{seed}"
      results[arm].append(run(config, str(workdir)))
      spent += training_seconds(str(workdir))
      if config.teacher not in teachers:
        teachers.add(config.teacher)
        spent += training_seconds(config.teacher)
      done = sum(map(len, results.values()))
      left = (time.monotonic() - started) / done * (total - done)
      print(
        f"{name}: {done}/{total} runs, seed {seed}, {arm!r} done;"
        f" about {left / 60:.0f} min left",
        flush=True,
      )
    text = comparison.markdown(
      experiment.title, experiment.paper,
      f"python -m akd_jax.experiment --name={_NAME.value} --seeds={seed + 1}",
      spent, results,
    )  # fmt: skip
    path = pathlib.Path(_OUT.value, f"{name}.md")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
  print(f"\n{text}\nwritten to {path}")


if __name__ == "__main__":
  cli.run(main)
