"""What the attribute classifier of an experiment makes of true translations.

  python benchmarks/classifier_bias.py EXPERIMENT [EXPERIMENT ...]

For each attribute, of students and teacher: on how many of the test pictures
that lack it the classifier sees it once it is truly there, of all, of women and
of men, and how many of each it then takes for the other gender; beside how
often it is right on the networks' real test split. Where a classifier learns
from other faces than the networks (`config.classifier.data`), one that learns
from the same, too.
"""

import argparse

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common import cache as compilation
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.evaluation.attribute_classifier import (
  open_splits,
  with_known_attributes,
)
from akd_jax.evaluation.classifier_cache import (
  classifier_of,
  measure_real_accuracy,
)
from akd_jax.evaluation.metrics.outcome import GENDER
from akd_jax.evaluation.selection import (
  load_test_set,
  target_labels,
  true_translations,
)
from akd_jax.training.teacher import teacher_recipe


def recipes(name):
  """Configs of the first variant and of a teacher of other attributes."""
  student = ConfigDict(
    next(iter(EXPERIMENTS[name]("avatars").variants.values()))
  )
  teacher = teacher_recipe(student)
  same = teacher.data.attributes == student.data.attributes
  return [student] if same else [student, teacher]


def classifiers(config, splits):
  """[(what it has learnt from, it)] of a config."""
  same = ConfigDict(config.to_dict())
  same.classifier.data = ConfigDict()
  found = [("the networks' data", classifier_of(same, splits))]
  if config.classifier.data:
    origin = f"another {', '.join(config.classifier.data)}"
    found.append((origin, classifier_of(config, splits)))
  return found


def percent(hits):
  return f"{100 * np.mean(hits):.1f} %" if len(hits) else "-"


def shares(labels, name, attributes, male):
  """What a classifier sees in the true pictures of women and men, as text."""
  has, taken = (labels[:, attributes.index(x)] > 0 for x in (name, GENDER))
  hits = has, has[~male], has[male], taken[~male], ~taken[male]
  return [percent(x) for x in hits]


def rows(experiment):
  for recipe in recipes(experiment):
    config = with_known_attributes(recipe)
    splits = open_splits(config.data)
    test = load_test_set(splits.test, config.evaluation.images, 4)
    attributes = splits.test.attributes
    men = test.labels[:, attributes.index(GENDER)] > 0
    known = [
      (
        origin,
        classifier,
        measure_real_accuracy(config, classifier, splits.test)["attributes"],
      )
      for origin, classifier in classifiers(config, splits)
    ]
    for name in recipe.data.attributes:
      lacking, _ = target_labels(
        test.labels, attributes, name, exclusive=splits.test.exclusive,
        label_rule=config.data.label_rule, protocol="lacking",
      )  # fmt: skip
      truths, _ = true_translations(test, lacking, name)
      for origin, classifier, right in known:
        labels = classifier.predict(truths).labels
        seen = shares(labels, name, attributes, men[lacking])
        yield [experiment, origin, name, f"{100 * right[name]:.1f} %", *seen]


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("experiments", nargs="+", choices=EXPERIMENTS)
  arguments = parser.parse_args()
  compilation.use_persistent_cache()
  print(
    "| experiment | classifier learns from | attribute | real | true |"
    " of women |"
    " of men | women taken for men | men for women |"
  )
  print("|---|---|---|---|---|---|---|---|---|")
  for experiment in arguments.experiments:
    for row in rows(experiment):
      print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
  main()
