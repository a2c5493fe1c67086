"""How often attributes are set, by the classifier's two priors.

  python benchmarks/priors.py NAME=RUN[,RUN ...] [NAME=RUN[,RUN ...] ...] \
      [--out=FILE.csv]

RUN is the directory or exported file of a run. The usual attribute classifier
predicts an attribute where it is likelier than not, and hardly ever finds one
that is rare; with an equal prior (`config.classifier.prior`) it predicts it
where a picture makes it likelier than it is among all.

Prints, for each attribute and prior, how often the attribute is found: in real
photos that have it, in those that lack it (doing nothing), and in these once it
is set, by the networks of each NAME: means with the deviation over runs. Then
the difference of each NAME that has as many runs to the first that has several,
paired run by run. --out keeps what is found with the equal prior, in percent,
in the form of an experiment's CSV, so that benchmarks/pooled.py reads it.
"""

import argparse
import csv

import numpy as np
from gender import list_cases, read_groups
from ml_collections import ConfigDict

from akd_jax.common import cache as compilation
from akd_jax.evaluation.attribute_classifier import (
  open_splits,
  with_known_attributes,
)
from akd_jax.evaluation.classifier_cache import classifier_of
from akd_jax.evaluation.selection import load_test_set
from akd_jax.experiments.statistics import format_difference, format_spread
from akd_jax.inference.translator import load_translators, translate
from akd_jax.training.run_dir import load_run

PRIORS = ("data", "equal")
COLUMNS = ("variant", "seed", "metric", "attribute", "value")
MEAN = "all"


def train_judges(config, splits):
  """{prior: classifier}."""
  judges = {}
  for prior in PRIORS:
    recipe = ConfigDict(with_known_attributes(config).to_dict())
    recipe.classifier.prior = prior
    judges[prior] = classifier_of(recipe, splits)
  return judges


def find(judges, images, column):
  """{prior: percent of uint8 images [N, S, S, 3] that have an attribute}."""
  return {
    prior: 100 * one.predict(images).labels[:, column].mean()
    for prior, one in judges.items()
  }


def judge_photos(cases, test, everyone, judges):
  """Judges real photos: of who has an attribute, and of who lacks it.

  Both are {(attribute, prior): [share]}.
  """
  having, lacking = {}, {}
  for column, case in enumerate(cases):
    has = everyone.labels[:, column] > 0
    real = find(judges, everyone.images[has], column)
    nothing = find(judges, test.images[case.chosen], column)
    for prior in PRIORS:
      having[case.name, prior] = [real[prior]]
      lacking[case.name, prior] = [nothing[prior]]
  return having, lacking


def judge_runs(paths, cases, test, judges):
  """{(attribute, prior): [share of each run]}."""
  found = {}
  for path in paths:
    *_, translator = load_translators(load_run(path))
    for column, case in enumerate(cases):
      drawn = translate(translator, test.images[case.chosen], case.asked)
      for prior, share in find(judges, drawn, column).items():
        found.setdefault((case.name, prior), []).append(share)
    print(f"{path} is judged", flush=True)
  return found


def add_means(found):
  """Adds the mean over the attributes, of each prior and run."""
  for prior in PRIORS:
    each = [shares for (_, one), shares in found.items() if one == prior]
    found[MEAN, prior] = np.mean(each, axis=0).tolist()


def write_shares(path, attributes, pictures):
  """Writes the share of each run by the equal prior, in percent, as a CSV."""
  with open(path, "w", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    for name, found in pictures.items():
      for attribute in (MEAN, *attributes):
        for run, value in enumerate(found[attribute, "equal"]):
          place = "" if attribute == MEAN else attribute
          rows.writerow([name, run, "accuracy", place, f"{value:.4f}"])


def print_table(groups, names, pictures):
  """Prints a line for each attribute and prior."""
  several = [name for name, paths in groups.items() if len(paths) > 1]
  compared = [
    name for name in several[1:] if len(groups[name]) == len(groups[several[0]])
  ]
  heads = [f"{name} less {several[0]}" for name in compared]
  columns = ["set", "prior", *pictures, *heads]
  print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
  for name in names:
    for prior in PRIORS:
      shares = {who: found[name, prior] for who, found in pictures.items()}
      cells = [
        name,
        prior,
        *(format_spread(x, 1) for x in shares.values()),
        *(
          format_difference(shares[who], shares[several[0]], 1)
          for who in compared
        ),
      ]
      print(f"| {' | '.join(cells)} |")


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("groups", nargs="+", metavar="NAME=RUN[,RUN]")
  parser.add_argument("--out", metavar="FILE.csv", help="a line for each run")
  arguments = parser.parse_args()
  groups = read_groups(arguments.groups)
  compilation.use_persistent_cache()
  run = load_run(next(iter(groups.values()))[0])
  splits = open_splits(with_known_attributes(run.config).data)
  judges = train_judges(run.config, splits)
  threads = run.config.data.threads
  test = load_test_set(splits.test, run.config.evaluation.images, threads)
  everyone = load_test_set(splits.test, 0, threads)
  cases = list_cases(run, test, splits.test)
  having, lacking = judge_photos(cases, test, everyone, judges)
  pictures = {
    name: judge_runs(paths, cases, test, judges)
    for name, paths in groups.items()
  }
  pictures |= {"who has it": having, "who lacks it": lacking}
  for found in pictures.values():
    add_means(found)
  if arguments.out:
    write_shares(arguments.out, run.attributes, pictures)
  print_table(groups, [*run.attributes, MEAN], pictures)


if __name__ == "__main__":
  main()
