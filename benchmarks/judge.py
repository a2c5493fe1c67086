"""What the judge of an experiment makes of true translations.

  python benchmarks/judge.py EXPERIMENT [EXPERIMENT ...]

For each attribute, of students and teacher: on how many of the test pictures
that lack it the judge sees it once it is truly there, of all, of women and of
men, and how many of each it then takes for the other gender; beside how often
it is right on the real test split. Where a judge learns from other faces than
the networks (`config.classifier.data`), one that learns from the same, too.
"""

import argparse

import numpy as np
from ml_collections import ConfigDict

from akd_jax import compilation, judge, teaching, trials
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.data import pipeline
from akd_jax.metrics.accuracy import target_labels
from akd_jax.metrics.leakage import GENDER


def recipes(name):
  """Configs of the first arm and of a teacher of other attributes."""
  student = ConfigDict(next(iter(EXPERIMENTS[name]("avatars").arms.values())))
  teacher = teaching.teacher_recipe(student)
  same = teacher.data.attributes == student.data.attributes
  return [student] if same else [student, teacher]


def judges(config):
  """(what it has learnt from, it) of a config."""
  if config.classifier.data:
    fair = ", ".join(config.classifier.data)
    yield f"another {fair}", judge.judge_of(config)
    config = ConfigDict(config.to_dict())
    config.classifier.data = ConfigDict()
  yield "the networks' data", judge.judge_of(config)


def percent(hits):
  return f"{100 * np.mean(hits):.1f} %" if len(hits) else "-"


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("experiments", nargs="+", choices=EXPERIMENTS)
  compilation.use_persistent_cache()
  print(
    "| experiment | judge learns from | attribute | real | true | of women |"
    " of men | women taken for men | men for women |"
  )
  print("|---|---|---|---|---|---|---|---|---|")
  for experiment in parser.parse_args().experiments:
    for recipe in recipes(experiment):
      config = judge.judged(recipe)
      source = pipeline.open_source(config.data, "test")
      test = trials.load_test_set(source, config.evaluation.images, 4)
      men = test.labels[:, source.attributes.index(GENDER)] > 0
      for origin, classifier in judges(config):
        right = classifier.metadata["test_accuracy"]["attributes"]
        for column, name in enumerate(recipe.data.attributes):
          lacking, _ = target_labels(
            test.labels, source.attributes, name, exclusive=source.exclusive,
            label_rule=config.data.label_rule, protocol="lacking",
          )  # fmt: skip
          truths = np.stack(
            [source.counterfactual(int(i), name)[0]
             for i in test.positions[lacking]]
          )  # fmt: skip
          seen = classifier.predict(truths)[0] > 0
          male, taken = men[lacking], seen[:, source.attributes.index(GENDER)]
          has = seen[:, column]
          shares = [has, has[~male], has[male], taken[~male], ~taken[male]]
          cells = [f"{100 * right[name]:.1f} %", *map(percent, shares)]
          print(f"| {experiment} | {origin} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
  main()
