"""How often attributes are set, by the classifier's two priors.

  python benchmarks/priors.py NAME=RUN[,RUN ...] [NAME=RUN[,RUN ...] ...] \
      [--out=FILE.csv]

RUN is the directory or exported file of a run. The usual attribute classifier
predicts an attribute where it is likelier than not; with an equal prior
(`config.classifier.prior`) where a picture makes it likelier than it is among
all.

Prints how many training photos have each attribute. Then, for each attribute
and prior, how often it is found: by the networks of each NAME, in photos that
lacked it before it was set, as means with the deviation over runs; in real
photos that have it, and in those that lack it (doing nothing). Then the
difference of each NAME that has as many runs to the first that has several,
paired run by run. --out keeps all this in percent, in the form of an
experiment's CSV, which benchmarks/pooled.py reads: `accuracy` is that with the
equal prior.
"""

import argparse
import csv
import itertools

import numpy as np
from gender import list_cases, list_compared, read_groups
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
METRICS = {"equal": "accuracy", "data": "accuracy_by_the_data"}
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


def judge_photos(cases, names, test, everyone, judges):
  """Judges real photos: of who has an attribute, and of who lacks it.

  Both are {(attribute, prior): [share]}.
  """
  having, lacking = {}, {}
  for case in cases:
    column = names.index(case.name)
    has = everyone.labels[:, column] > 0
    real = find(judges, everyone.images[has], column)
    nothing = find(judges, test.images[case.chosen], column)
    for prior in PRIORS:
      having[case.name, prior] = [real[prior]]
      lacking[case.name, prior] = [nothing[prior]]
  return having, lacking


def judge_runs(paths, cases, names, test, judges):
  """{(attribute, prior): [share of each run]}."""
  found = {}
  for path in paths:
    *_, translator = load_translators(load_run(path))
    for case in cases:
      drawn = translate(translator, test.images[case.chosen], case.asked)
      column = names.index(case.name)
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
  """Writes the share of each run, in percent, as a CSV."""
  with open(path, "w", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    for name, found in pictures.items():
      for prior, attribute in itertools.product(METRICS, (MEAN, *attributes)):
        place = "" if attribute == MEAN else attribute
        for run, value in enumerate(found[attribute, prior]):
          rows.writerow([name, run, METRICS[prior], place, f"{value:.4f}"])


def print_table(groups, names, pictures):
  """Prints a line for each attribute and prior."""
  baseline, compared = list_compared(groups)
  heads = [f"{name} less {baseline}" for name in compared]
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
          format_difference(shares[who], shares[baseline], 1)
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
  cases, names = list_cases(run, test, splits.test), splits.test.attributes
  shares = 100 * np.mean(splits.train.labels, axis=0)
  print(", ".join(f"{x} {y:.1f} %" for x, y in zip(names, shares, strict=True)))
  having, lacking = judge_photos(cases, names, test, everyone, judges)
  pictures = {
    name: judge_runs(paths, cases, names, test, judges)
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
