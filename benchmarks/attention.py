"""Which maps find what an attribute changes: every method, hook and block.

  python benchmarks/attention.py RUN [RUN ...] [--images=64] [--by_attribute]

RUN is the directory of a run on avatars, whose true translations are known, or
on photos, whose regions the extra `faces` finds. Prints how much of a map's
mass lies on the pixels that the attribute owns, and how often its maximum does,
means over attributes and runs, with the deviation over runs, beside a uniform
map's; and how much of the picture a map covers, (sum a)^2 / (n sum a^2) of its
n pixels a, which is all of it for a uniform map. With --by_attribute the share
of the mass for each attribute, too; and, of students, how alike their maps and
their teachers' are, beside those of other people.
"""

import argparse
import itertools

import numpy as np
from ml_collections import ConfigDict

from akd_jax.data import pipeline
from akd_jax.data.attributes import set_attribute
from akd_jax.distillation import MAPS
from akd_jax.evaluation.faces import load_faces
from akd_jax.evaluation.metrics.agreement import agreement
from akd_jax.evaluation.metrics.localization import localization
from akd_jax.evaluation.selection import load_test_set, true_translations
from akd_jax.inference.network import set_one
from akd_jax.inference.translator import (
  Look,
  load_translators,
  translate_with_attention,
)
from akd_jax.training.run_dir import load_run


def load(directory, count):
  """(run, test, [(column, chosen, targets)] of each attribute)."""
  run = load_run(directory)
  source = pipeline.open_source(run.config.data, "test")
  truth = pipeline.truth_of(run.config.data, source)
  test = load_test_set(source, 8 * count, 4, truth)
  asked = []
  for column, name in enumerate(run.attributes):
    lacking = np.flatnonzero(test.labels[:, column] == 0)[:count]
    targets = set_attribute(
      test.labels[lacking], run.attributes, name, source.exclusive
    )
    asked.append((column, lacking, targets))
  return run, test, asked


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


def hooks_of(translator, method):
  """Where a translator has maps by a method."""
  system, networks = translator.system, translator.model.networks
  refused = system.list_refused(method)
  return [x for x in system.hooks(networks.generator) if x not in refused]


def masks_of(test, faces, chosen, name):
  """The pixels of an attribute [n, S, S]; None of one that has none."""
  if faces:
    return faces.regions(test.positions[chosen], test.images[chosen], name)
  return true_translations(test, chosen, name)[1]


def coverage(maps):
  """The share of the picture that maps [n, h, w] cover, without empty ones."""
  flat = maps.reshape(len(maps), -1).astype(np.float64)
  flat = flat[flat.any(1)]
  covered = np.square(flat.mean(1)) / np.square(flat).mean(1)
  return covered.mean() if len(covered) else 0.0


def scores(run, test, asked):
  """{(method, activation): {attribute: its figures, between 0 and 1}}.

  They are the share of a map inside, a uniform map's, how often its maximum is
  inside, and its coverage.
  """
  *_, translator = load_translators(run)
  names = {
    method: tuple(
      name
      for hook in hooks_of(translator, method)
      for name in translator.list_activations(hooked(hook))
    )
    for method in MAPS
  }
  faces, found = load_faces(test.truth), {}
  for case in asked:
    column, lacking, _ = case
    name = run.attributes[column]
    masks = masks_of(test, faces, lacking, name)
    if masks is None or not masks.any():
      continue
    for method in MAPS:
      maps = maps_of(translator, test, case, names[method], method)
      for activation in names[method]:
        score = localization(maps[activation], masks)
        found.setdefault((method, activation), {})[name] = (
          score["share"]["value"],
          score["share"]["chance"],
          score["pointing"]["value"],
          coverage(maps[activation]),
        )
  return found


def agreements(run, test, asked):
  """{(method, hook): [attributes, (with the teacher, other people)]}.

  Of the last block; nothing of a run without a teacher.
  """
  both = load_translators(run)
  found = {}
  if len(both) == 1:
    return found
  ours, theirs = (hooks_of(translator, "grad_cam") for translator in both)
  shared = [hook for hook in ours if hook in theirs]
  for case in asked:
    people = test.people[case[1]]
    for method, hook in itertools.product(MAPS, shared):
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


def over_runs(values, digits):
  """Means over runs of [runs, n] as text, with the deviation of several."""
  shown = [f"{x:.{digits}f}" for x in values.mean(0)]
  if len(values) > 1:
    spread = values.std(0, ddof=1)
    shown = [
      f"{x} ± {y:.{digits}f}" for x, y in zip(shown, spread, strict=True)
    ]
  return shown


def print_by_attribute(every):
  """Prints the share of the mass inside, a column an attribute."""
  names = list(next(iter(every[0].values())))
  print(f"\n| method | activation | {' | '.join(names)} |")
  print(f"|---|---|{'---|' * len(names)}")
  for key in every[0]:
    each = [[found[key][name][:2] for name in names] for found in every]
    cells = 100 * np.mean(np.array(each, float), axis=0)
    shown = (f"{share:.1f} ({chance:.1f})" for share, chance in cells)
    print(f"| {' | '.join([*key, *shown])} |")


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("runs", nargs="+", metavar="RUN")
  parser.add_argument("--images", type=int, default=64, help="an attribute")
  parser.add_argument("--by_attribute", action="store_true")
  arguments = parser.parse_args()
  loaded = [load(run, arguments.images) for run in arguments.runs]
  every = [scores(*x) for x in loaded]
  if not all(every):
    parser.error("no attribute has pixels: photos take the extra faces")
  print(
    "| method | activation | share inside | uniform | maximum inside | covers |"
  )
  print("|---|---|---|---|---|---|")
  for key in every[0]:
    each = [np.mean([*found[key].values()], axis=0) for found in every]
    each = 100 * np.array(each)
    share, _, *rest = over_runs(each, 1)
    chance = f"{each[:, 1].mean():.1f}"
    print(f"| {' | '.join([*key, share, chance, *rest])} |")
  if arguments.by_attribute:
    print_by_attribute(every)

  every = [agreements(*x) for x in loaded]
  if not every[0]:
    return
  print("\n| method | hook | agreement with the teacher | with other people |")
  print("|---|---|---|---|")
  for key in every[0]:
    each = np.array([np.mean(found[key], axis=0) for found in every])
    print(f"| {' | '.join([*key, *over_runs(each, 2)])} |")


if __name__ == "__main__":
  main()
