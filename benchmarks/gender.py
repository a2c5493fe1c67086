"""Who is taken for the other gender, by two ways to train the classifier.

  python benchmarks/gender.py NAME=RUN[,RUN ...] [NAME=RUN[,RUN ...] ...] \
      [--classifiers=3] [--out=FILE.csv]

RUN is the directory or exported file of a run on photos. An attribute
classifier learns from the photos as they are, and so what goes with gender in
them. Another learns from the same photos, weighed so that gender goes with no
attribute that is set (`config.classifier.unbiased`). Each is trained with
several seeds.

Prints, for each attribute and way, the share of people taken for the other
gender: of real photos that have the attribute, of those that lack it (doing
nothing), and of these once it is set, by the networks of each NAME. Means over
runs and classifiers, with the deviation over runs; then the difference of each
NAME that has as many runs to the first that has several, paired run by run.
--out keeps the share of each run and classifier, in percent.
"""

import argparse
import csv
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common import cache as compilation
from akd_jax.evaluation.attribute_classifier import (
  open_splits,
  with_known_attributes,
)
from akd_jax.evaluation.classifier_cache import classifier_of
from akd_jax.evaluation.metrics.gender import GENDERS, gender_test
from akd_jax.evaluation.metrics.outcome import GENDER, Names
from akd_jax.evaluation.selection import choose_groups, load_test_set, select
from akd_jax.experiments.statistics import format_difference, format_spread
from akd_jax.inference.network import set_one
from akd_jax.inference.translator import load_translators, translate
from akd_jax.training.run_dir import load_run

WAYS = ("as they are", "weighed")
WHO = ("women", "men")
COLUMNS = ("set", "who", "photos", "pictures", "run", "classifier", "value")


class Case(NamedTuple):
  """An attribute that is set on test photos that lack it.

  Attributes:
    name: of the attribute.
    chosen: [M], which of the test set.
    asked: what their labels are to be.
  """

  name: str
  chosen: np.ndarray
  asked: object


def train_judges(config, splits, seeds):
  """{way: [classifier of each seed]}."""
  others = tuple(x for x in config.data.attributes if x != GENDER)
  known, judges = with_known_attributes(config), {}
  for way, unbiased in zip(WAYS, ({}, {GENDER: others}), strict=True):
    judges[way] = []
    for seed in range(seeds):
      recipe = ConfigDict(known.to_dict())
      recipe.classifier.seed = seed
      recipe.classifier.unbiased = unbiased
      judges[way].append(classifier_of(recipe, splits))
  return judges


def list_cases(run, test, source):
  """[Case] of every attribute that is translated."""
  groups = choose_groups(run, source)
  names = Names(run.attributes, source.attributes, groups)
  cases = []
  for name in run.attributes:
    chosen, targets, _ = select(test, names, name, run.config)
    labels = test.labels[chosen, : len(run.attributes)]
    asked = set_one(targets, labels, names.column(name))
    cases.append(Case(name, chosen, asked))
  return cases


def judge(judges, images, male, column):
  """{way: [classifiers, 2]}, in percent, of uint8 images [N, S, S, 3]."""

  def misjudge(one):
    taken = one.predict(images).labels[:, column]
    found = gender_test(taken, taken, male)
    return [found[who]["misjudged"] for who in GENDERS]

  return {
    way: 100 * np.array([misjudge(one) for one in each], float)
    for way, each in judges.items()
  }


def judge_runs(paths, test, cases, judges, men, column):
  """{(attribute, way): [runs, classifiers, 2]}."""
  found = {}
  for path in paths:
    *_, translator = load_translators(load_run(path))
    for case in cases:
      drawn = translate(translator, test.images[case.chosen], case.asked)
      by_way = judge(judges, drawn, men[case.chosen], column)
      for way, shares in by_way.items():
        found.setdefault((case.name, way), []).append(shares)
  return {key: np.array(shares) for key, shares in found.items()}


def judge_real(cases, test, everyone, judges, men, attributes):
  """Judges photos: of who has an attribute, and of who lacks it.

  Both are {(attribute, way): [1, classifiers, 2]}. Behind them stands
  {attribute: how many women and men have it}.
  """
  column = attributes.index(GENDER)
  having, lacking, counts = {}, {}, {}
  gender = everyone.labels[:, column] > 0
  for case in cases:
    has = everyone.labels[:, attributes.index(case.name)] > 0
    counts[case.name] = np.bincount(gender[has], minlength=2)
    real = judge(judges, everyone.images[has], gender[has], column)
    images, male = test.images[case.chosen], men[case.chosen]
    nothing = judge(judges, images, male, column)
    for way in WAYS:
      having[case.name, way] = real[way][None]
      lacking[case.name, way] = nothing[way][None]
  return having, lacking, counts


def write_shares(path, pictures):
  """Writes the share of each run and classifier, in percent, as a CSV."""
  with open(path, "w", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    for name, found in pictures.items():
      for (attribute, way), shares in found.items():
        for (run, one, place), value in np.ndenumerate(shares):
          who = WHO[place]
          rows.writerow([attribute, who, way, name, run, one, f"{value:.2f}"])


def list_compared(groups):
  """(the first NAME of several runs, or None; [NAME of as many])."""
  several = [name for name, paths in groups.items() if len(paths) > 1]
  if not several:
    return None, []
  first, *others = several
  return first, [x for x in others if len(groups[x]) == len(groups[first])]


def print_table(groups, cases, counts, pictures):
  """Prints a line for each attribute, gender and way."""
  baseline, compared = list_compared(groups)
  heads = [f"{name} less {baseline}" for name in compared]
  columns = ["set on", "photos", *pictures, *heads]
  print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
  for case in cases:
    for place, who in enumerate(WHO):
      for way in WAYS:
        # Of each run, the mean over classifiers.
        runs = {
          name: found[case.name, way][..., place].mean(1)
          for name, found in pictures.items()
        }
        cells = [
          f"{case.name}, {who} ({counts[case.name][place]} have it)",
          way,
          *(format_spread(x, 1) for x in runs.values()),
          *(
            format_difference(runs[name], runs[baseline], 1)
            for name in compared
          ),
        ]
        print(f"| {' | '.join(cells)} |")


def read_groups(arguments):
  """{NAME: [RUN]}."""
  groups = {}
  for argument in arguments:
    name, _, paths = argument.partition("=")
    groups[name] = paths.split(",")
  return groups


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("groups", nargs="+", metavar="NAME=RUN[,RUN]")
  parser.add_argument(
    "--classifiers", type=int, default=3, help="seeds of each way (3)"
  )
  parser.add_argument("--out", metavar="FILE.csv", help="a line for each run")
  arguments = parser.parse_args()
  groups = read_groups(arguments.groups)
  compilation.use_persistent_cache()
  run = load_run(next(iter(groups.values()))[0])
  splits = open_splits(with_known_attributes(run.config).data)
  judges = train_judges(run.config, splits, arguments.classifiers)
  threads = run.config.data.threads
  test = load_test_set(splits.test, run.config.evaluation.images, threads)
  everyone = load_test_set(splits.test, 0, threads)
  attributes = list(splits.test.attributes)
  column = attributes.index(GENDER)
  men = test.labels[:, column] > 0
  every = list_cases(run, test, splits.test)
  cases = [case for case in every if case.name != GENDER]
  having, lacking, counts = judge_real(
    cases, test, everyone, judges, men, attributes
  )
  pictures = {"who has it": having, "who lacks it": lacking}
  for name, paths in groups.items():
    pictures[name] = judge_runs(paths, test, cases, judges, men, column)
  if arguments.out:
    write_shares(arguments.out, pictures)
  print_table(groups, cases, counts, pictures)


if __name__ == "__main__":
  main()
