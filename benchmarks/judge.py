"""What the judge of an experiment makes of true translations.

  python benchmarks/judge.py EXPERIMENT [EXPERIMENT ...]

For each attribute, of students and teacher: on how many of the test pictures
that lack it the judge sees it once it is truly there, of all, of women and of
men, and how many of each it then takes for the other gender; beside how often
it is right on the networks' real test split. Where a judge learns from other
faces than the networks (`config.classifier.data`), one that learns from the
same, too.
"""

import argparse

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common import cache as compilation
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.data.pipeline import SPLITS, open_source
from akd_jax.evaluation import (
  attribute_classifier as judge,
)
from akd_jax.evaluation import (
  translations as trials,
)
from akd_jax.evaluation.metrics.accuracy import target_labels
from akd_jax.evaluation.metrics.leakage import GENDER
from akd_jax.training import teacher as teaching


def recipes(name):
  """Configs of the first variant and of a teacher of other attributes."""
  student = ConfigDict(
    next(iter(EXPERIMENTS[name]("avatars").variants.values()))
  )
  teacher = teaching.teacher_recipe(student)
  same = teacher.data.attributes == student.data.attributes
  return [student] if same else [student, teacher]


def judges(config, splits):
  """[(what it has learnt from, it)] of a config."""
  same = ConfigDict(config.to_dict())
  same.classifier.data = ConfigDict()
  found = [("the networks' data", judge.judge_of(same, splits))]
  if config.classifier.data:
    origin = f"another {', '.join(config.classifier.data)}"
    found.append((origin, judge.judge_of(config, splits)))
  return found


def percent(hits):
  return f"{100 * np.mean(hits):.1f} %" if len(hits) else "-"


def shares(logits, name, attributes, male):
  """What a judge sees in the true pictures of women and men, as text."""
  has, taken = (logits[:, attributes.index(x)] > 0 for x in (name, GENDER))
  hits = has, has[~male], has[male], taken[~male], ~taken[male]
  return [percent(x) for x in hits]


def rows(experiment):
  for recipe in recipes(experiment):
    config = judge.judged(recipe)
    splits = [open_source(config.data, split) for split in SPLITS]
    test = trials.load_test_set(splits[-1], config.evaluation.images, 4)
    attributes = splits[-1].attributes
    men = test.labels[:, attributes.index(GENDER)] > 0
    known = [
      (
        origin,
        classifier,
        judge.real_accuracy(config, classifier, splits[-1])["attributes"],
      )
      for origin, classifier in judges(config, splits)
    ]
    for name in recipe.data.attributes:
      lacking, _ = target_labels(
        test.labels, attributes, name, exclusive=splits[-1].exclusive,
        label_rule=config.data.label_rule, protocol="lacking",
      )  # fmt: skip
      truths, _ = trials.true_translations(test, lacking, name)
      for origin, classifier, right in known:
        logits, _ = classifier.predict(truths)
        seen = shares(logits, name, attributes, men[lacking])
        yield [experiment, origin, name, f"{100 * right[name]:.1f} %", *seen]


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("experiments", nargs="+", choices=EXPERIMENTS)
  arguments = parser.parse_args()
  compilation.use_persistent_cache()
  print(
    "| experiment | judge learns from | attribute | real | true | of women |"
    " of men | women taken for men | men for women |"
  )
  print("|---|---|---|---|---|---|---|---|---|")
  for experiment in arguments.experiments:
    for row in rows(experiment):
      print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
  main()
