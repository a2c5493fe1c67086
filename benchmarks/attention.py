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

import numpy as np
from ml_collections import ConfigDict

from akd_jax.data import pipeline
from akd_jax.data.attributes import set_attribute
from akd_jax.distillation import MAPS
from akd_jax.evaluation.metrics.agreement import agreement
from akd_jax.evaluation.metrics.localization import localization
from akd_jax.evaluation.selection import load_test_set
from akd_jax.inference.network import set_one
from akd_jax.inference.translator import (
  Look,
  load_translators,
  translate_with_attention,
)
from akd_jax.training.run_dir import load_run

HOOKS = ("block", "branch")


def load(directory, count):
  """(run, source, test, [(column, chosen, targets)] of each attribute)."""
  run = load_run(directory)
  source = pipeline.open_source(run.config.data, "test")
  test = load_test_set(source, 8 * count, 4)
  asked = []
  for column, name in enumerate(run.attributes):
    lacking = np.flatnonzero(test.labels[:, column] == 0)[:count]
    targets = set_attribute(
      test.labels[lacking], run.attributes, name, source.exclusive
    )
    asked.append((column, lacking, targets))
  return run, source, test, asked


def maps_of(translator, test, asked, names, method):
  """{activation: [N, h, w]} of a translator of the run's attributes."""
  column, lacking, targets = asked
  classes = np.tile(np.eye(targets.shape[1])[column], (len(lacking), 1))
  _, maps = translate_with_attention(
    translator,
    test.images[lacking],
    set_one(targets, test.labels[lacking, : targets.shape[1]], column),
    classes,
    Look(names, method),
  )
  return maps


def hooked(hook):
  """The fields of config.attention that name the last block's activation."""
  return ConfigDict({"block": "last", "hook": hook})


def scores(run, source, test, asked):
  """{(method, activation): [attributes, (share, chance, maximum inside)]}."""
  *_, translator = load_translators(run)
  names = [
    name for hook in HOOKS for name in translator.list_activations(hooked(hook))
  ]
  found = {}
  for case in asked:
    column, lacking, _ = case
    name = run.attributes[column]
    masks = np.stack(
      [source.counterfactual(int(test.positions[i]), name)[1] for i in lacking]
    )
    for method in MAPS:
      maps = maps_of(translator, test, case, names, method)
      for activation in names:
        score = localization(maps[activation], masks)
        found.setdefault((method, activation), []).append(
          (
            score["share"]["value"],
            score["share"]["chance"],
            score["pointing"]["value"],
          )
        )
  return found


def agreements(run, _, test, asked):
  """{(method, hook): [attributes, (with the teacher, other people)]}.

  Of the last block; nothing of a run without a teacher.
  """
  both = load_translators(run)
  found = {}
  if len(both) == 1:
    return found
  for case in asked:
    people = test.people[case[1]]
    for method, hook in itertools.product(MAPS, HOOKS):
      pair = []
      for translator in both:
        name = translator.name_activation(hooked(hook))
        maps = maps_of(translator, test, case, [name], method)
        pair.append(maps[name])
      score = agreement(*pair, people)
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
  loaded = [load(run, arguments.images) for run in arguments.runs]
  every = [scores(*x) for x in loaded]
  print("| method | activation | share inside | uniform | maximum inside |")
  print("|---|---|---|---|---|")
  for key in every[0]:
    each = 100 * np.array([np.mean(found[key], axis=0) for found in every])
    (share, chance, maximum), spread = each.mean(0), each.std(0, ddof=1)
    print(
      f"| {key[0]} | {key[1]} | {share:.1f} ± {spread[0]:.1f} | {chance:.1f} |"
      f" {maximum:.1f} ± {spread[2]:.1f} |"
    )

  every = [agreements(*x) for x in loaded]
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
