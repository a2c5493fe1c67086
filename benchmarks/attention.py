"""Which maps find what an attribute changes: every method, hook and block.

  python benchmarks/attention.py RUN [RUN ...] [--images=64]

RUN is the directory of a run on avatars, whose true translations are known.
Prints how much of a map's mass lies on the pixels that the attribute owns, and
how often its maximum does, means over attributes and runs, with the deviation
over runs, beside a uniform map's; and, of students, how alike their maps and
their teachers' are, beside those of other people.
"""

import argparse
import itertools
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax.data import pipeline
from akd_jax.data.attributes import set_attribute
from akd_jax.distillation import MAPS
from akd_jax.evaluation.metrics.agreement import agreement
from akd_jax.evaluation.metrics.localization import localization
from akd_jax.evaluation.selection import TestSet, load_test_set
from akd_jax.inference.translator import (
  Look,
  load_translators,
  translate_with_attention,
)
from akd_jax.training.run_dir import Run, load_run

HOOKS = ("block", "branch")


class Case(NamedTuple):
  """A run, its test pictures, and who of them is given which attribute.

  Attributes:
    run: the run.
    test: some of its test pictures.
    requests: (column, which pictures, their target labels) of each attribute.
  """

  run: Run
  test: TestSet
  requests: list[tuple[int, np.ndarray, np.ndarray]]


def load(directory, count):
  """The `Case` of a run, with `count` pictures of each attribute."""
  run = load_run(directory)
  source = pipeline.open_source(run.config.data, "test")
  test = load_test_set(source, 8 * count, 4)
  requests = []
  for column, name in enumerate(run.attributes):
    lacking = np.flatnonzero(test.labels[:, column] == 0)[:count]
    targets = set_attribute(
      test.labels[lacking], run.attributes, name, source.exclusive
    )
    requests.append((column, lacking, targets))
  return Case(run, test, requests)


def hooked(run, hook):
  """config.attention of a run, with another hook."""
  options = ConfigDict(run.config.attention.to_dict())
  options.hook = hook
  options.block = "last"
  return options


def maps_of(translator, case, request, look):
  """{activation: [N, h, w]} of a translator of the run's attributes."""
  column, lacking, targets = request
  classes = np.tile(np.eye(targets.shape[1])[column], (len(lacking), 1))
  _, maps = translate_with_attention(
    translator,
    case.test.images[lacking],
    targets,
    case.test.labels[lacking],
    classes,
    look,
  )
  return maps


def scores(case) -> dict[Any, list]:
  """{(method, activation): [attributes, (share, chance, maximum inside)]}."""
  *_, translator = load_translators(case.run)
  names = [
    name
    for hook in HOOKS
    for name in translator.list_activations(hooked(case.run, hook))
  ]
  found: dict[Any, list] = {}
  for request in case.requests:
    column, lacking, _ = request
    masks = np.stack(
      [
        case.test.source.counterfactual(
          int(case.test.positions[i]), case.run.attributes[column]
        )[1]
        for i in lacking
      ]
    )
    for method in MAPS:
      maps = maps_of(translator, case, request, Look(names, method))
      for name in names:
        score = localization(maps[name], masks)
        found.setdefault((method, name), []).append(
          (
            score["share"]["value"],
            score["share"]["chance"],
            score["pointing"]["value"],
          )
        )
  return found


def agreements(case) -> dict[Any, list]:
  """{(method, hook): [attributes, (with the teacher, other people)]}.

  Of the last block; nothing of a run without a teacher.
  """
  both = load_translators(case.run)
  found: dict[Any, list] = {}
  if len(both) == 1:
    return found
  for request in case.requests:
    people = case.test.people[request[1]]
    for method, hook in itertools.product(MAPS, HOOKS):
      pair = []
      for translator in both:
        name = translator.name_activation(hooked(case.run, hook))
        maps = maps_of(translator, case, request, Look([name], method))
        pair.append(maps[name])
      score = agreement(pair[0], pair[1], people)
      found.setdefault((method, hook), []).append(
        (score["pearson"], score["chance"])
      )
  return found


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("runs", nargs="+", metavar="RUN")
  parser.add_argument("--images", type=int, default=64, help="an attribute")
  arguments = parser.parse_args()
  cases = [load(run, arguments.images) for run in arguments.runs]
  every = [scores(case) for case in cases]
  print("| method | activation | share inside | uniform | maximum inside |")
  print("|---|---|---|---|---|")
  for key in every[0]:
    each = 100 * np.array([np.mean(found[key], axis=0) for found in every])
    (share, chance, maximum), spread = each.mean(0), each.std(0, ddof=1)
    print(
      f"| {key[0]} | {key[1]} | {share:.1f} ± {spread[0]:.1f} | {chance:.1f} |"
      f" {maximum:.1f} ± {spread[2]:.1f} |"
    )

  every = [agreements(case) for case in cases]
  if not every[0]:
    return
  print("\n| method | hook | agreement with the teacher | with other people |")
  print("|---|---|---|---|")
  for key in every[0]:
    each = np.array([np.mean(found[key], axis=0) for found in every])
    cells = zip(each.mean(0), each.std(0, ddof=1), strict=True)
    shown = (f"{mean:.2f} ± {spread:.2f}" for mean, spread in cells)
    print(f"| {' | '.join([*key, *shown])} |")


if __name__ == "__main__":
  main()
