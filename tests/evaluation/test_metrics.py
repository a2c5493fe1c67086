"""Every metric keeps what METRICS promise, on an outcome worked out by hand."""

import inspect
import json

import jax
import numpy as np
import pytest

from akd_jax.evaluation import evaluator
from akd_jax.evaluation.metrics import METRICS, frechet
from akd_jax.evaluation.metrics.metric import NO_CHANCE, Unit, Value
from akd_jax.evaluation.metrics.outcome import (
  NEEDS,
  Measured,
  Names,
  Outcome,
  Probes,
  Reference,
)
from akd_jax.models.stargan import Generator

NAMES = Names(
  ("Bald", "Blond_Hair"),
  ("Bald", "Blond_Hair", "Male", "Young"),
  (("Bald", "Blond_Hair"),),
)
LABELS = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0] * 4])
# Blond hair comes to all but one; the second, a man, is taken for a woman.
AFTER = np.array([[0, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]])
FEATURES = np.random.default_rng(0).normal(size=(4, 2))
MAPS = np.array([[[1.0, 1.0], [0.0, 0.0]], [[2.0, 2.0], [0.0, 0.0]]])


def reference(names=("fd_classifier", "kd_classifier")):
  real = frechet.statistics([FEATURES])
  return Reference(names, None, {"": real, "Blond_Hair": real}, FEATURES)


def probes(**changes):
  """Two of the pictures: the first man, and the woman."""
  truths = np.zeros((2, 8, 8, 3), np.uint8)
  truths[:, :4] = 200
  known = {
    "chosen": np.array([0, 2]),
    "people": np.array([0, 2]),
    "block": "block_0",
    "maps": {"block_0": MAPS},
    "drawn": np.any(truths > 0, axis=-1) / 2,
    "teacher_maps": MAPS[::-1],
    "truths": truths,
    "masks": np.any(truths > 0, axis=-1),
    "predictions": np.array([[0, 1, 0, 1], [0, 1, 0, 1]]),
    "distances": np.array([[0.2, 0.9], [0.8, 0.7]]),
  }
  return Probes(**known | changes)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_explains_itself_in_a_sentence(name):
  explanation = METRICS[name].explanation
  assert explanation[0].isupper() and explanation.endswith(".")


BLIND = {
  "maps": {}, "drawn": None, "teacher_maps": None, "truths": None,
  "masks": None, "predictions": None, "distances": None,
}  # fmt: skip


def outcome(**changes):
  """Blond hair set on four people, drawn as it truly would be."""
  translated = np.zeros((4, 8, 8, 3), np.uint8)
  translated[:, :4] = 200
  known = {
    "attribute": "Blond_Hair",
    "names": NAMES,
    "positions": np.arange(4),
    "targets": np.array([[0, 1]] * 4),
    "labels": LABELS,
    "sources": np.zeros((4, 8, 8, 3), np.uint8),
    "translated": translated,
    "before": LABELS,
    "after": AFTER,
    "features": FEATURES,
    "reference": reference(),
    "probes": probes(),
  }
  return Outcome(**known | changes)


@pytest.fixture(scope="module")
def measured(shapes_of):
  generator = Generator(width=2, blocks=1)
  shapes = shapes_of(generator, (1, 8, 8, 3), (1, 2))
  return Measured(
    generator=generator,
    variables={
      "params": jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
    },
    image_size=8,
    names=NAMES,
    before=LABELS,
    restored=LABELS ^ np.array([0, 0, 0, 1]),
    features=[FEATURES, 2 * FEATURES],
    reference=reference(),
  )


@pytest.fixture(scope="module")
def network(measured):
  """A network of evaluation.json of which everything is known."""
  rows = {"Blond_Hair": evaluator.measure_outcome(outcome())}
  found = {"block": "block_0", "attributes": rows}
  found |= evaluator.summarize(measured)
  # No network has both these distances and those of a classifier.
  fid = reference(("fid", "kid"))
  rows["Blond_Hair"] |= METRICS["fid"].measure(outcome(reference=fid))
  found |= METRICS["fid"].summarize(measured._replace(reference=fid))
  return json.loads(json.dumps(found))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_says_what_it_is(name):
  metric = METRICS[name]
  assert metric.title and isinstance(metric.unit, Unit)
  assert metric.better in ("higher", "lower", "neither")
  assert set(metric.needs) <= set(NEEDS)
  assert metric.measure or metric.summarize
  # Whoever adds one says outright that there is no chance level.
  assert metric.chance == NO_CHANCE or metric.chance.strip()


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_a_value_and_the_chance_level_that_it_names(name, network):
  metric = METRICS[name]
  whole = metric.read(network, None)
  each = metric.read(network, "Blond_Hair")
  assert isinstance(whole, Value) and isinstance(each, Value)
  assert whole.value is not None and np.isfinite(whole.value)
  known = [x.chance for x in (whole, each) if x.value is not None]
  if metric.chance:
    assert known and all(0 <= x < np.inf for x in map(abs, known))
  else:
    assert known == [None] * len(known)
  if metric.by_attribute:
    assert each.value is not None
  assert metric.unit.write(*(x for x in whole if x is not None))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_nothing_has_no_value(name):
  nothing = {"block": "block_0", "attributes": {"Bald": {}}}
  nothing |= {"self_translation": {}}
  metric = METRICS[name]
  assert (
    metric.read(nothing, None) == metric.read(nothing, "Bald") == Value(None)
  )
  if metric.truth:
    assert metric.truth(nothing, None).value is None


def test_titles_tell_metrics_apart():
  titles = [metric.title for metric in METRICS.values()]
  assert len(set(titles)) == len(titles)


def test_metrics_that_share_a_function_need_the_same():
  needs = {}
  for metric in METRICS.values():
    if metric.measure:
      assert needs.setdefault(metric.measure, metric.needs) == metric.needs


def test_every_need_is_met_and_missed_by_some_outcome():
  with_gender = outcome(attribute="Bald")
  blind = outcome(attribute="Male", probes=probes(**BLIND))
  for met in NEEDS.values():
    assert met(with_gender) and not met(blind)


def test_what_is_needed_is_there_when_a_metric_measures():
  row = evaluator.measure_outcome(outcome(probes=probes(**BLIND)))
  assert set(row) == {
    "accuracy", "unchanged_accuracy", "images", "flips", "mean_flips",
    "gender", "fd_classifier", "checkerboard",
  }  # fmt: skip


def test_one_file_holds_a_metric():
  homes = {
    inspect.getmodule(function)
    for metric in METRICS.values()
    for function in (metric.measure, metric.summarize)
    if function
  }
  for home in homes:
    assert home.__name__.startswith("akd_jax.evaluation.metrics.")


def test_accuracy_is_the_share_of_wanted_predictions():
  row = METRICS["accuracy"].measure(outcome())
  assert row == {
    "accuracy": 0.75, "unchanged_accuracy": 0, "true_accuracy": 1, "images": 4,
  }  # fmt: skip


def test_a_flip_is_right_where_the_attribute_was_to_be_cleared():
  flipped = outcome(targets=np.array([[0, 1], [0, 1], [0, 1], [0, 0]]))
  row = METRICS["accuracy"].measure(flipped)
  assert row["accuracy"] == 1 and row["unchanged_accuracy"] == 0.25


def test_the_classifier_is_tried_on_the_truth():
  blind = outcome(probes=probes(predictions=np.zeros((2, 4))))
  assert METRICS["accuracy"].measure(blind)["true_accuracy"] == 0


def test_leakage_counts_what_nobody_asked_for():
  row = METRICS["leakage"].measure(outcome())
  # Blond hair is to end baldness.
  assert row["flips"]["Bald"] is row["flips"]["Blond_Hair"] is None
  assert row["flips"]["Male"]["flips"] == 0.25
  assert row["flips"]["Young"]["flips"] == 0.25
  assert row["mean_flips"] == 0.25


def test_what_is_lost_is_counted_where_nothing_is_set(network):
  lost = network["self_translation"]
  assert {name: cell["flips"] for name, cell in lost.items()} == {
    "Bald": 0, "Blond_Hair": 0, "Male": 0, "Young": 1,
  }  # fmt: skip
  assert METRICS["self_translation"].read(network, None).value == 0.25


def test_genders_are_told_before_and_after():
  row = METRICS["women_taken_for_men"].measure(outcome())
  assert row["gender"]["male"] == {"misjudged": 0.5, "before": 0, "images": 2}
  assert row["gender"]["female"]["misjudged"] == 0
  # The one man among the probe images is taken for a woman in his true picture.
  assert row["true_gender"]["male"] == {
    "misjudged": 1, "before": 0, "images": 1,
  }  # fmt: skip


def test_nobody_is_told_a_gender_by_who_does_not_know_it():
  few = Names(NAMES.attributes, NAMES.attributes, ())
  met = NEEDS["gender"]
  assert not met(outcome(names=few))
  # Setting it is to change it.
  assert not met(outcome(attribute="Male"))


def test_the_true_translation_has_no_error():
  errors = METRICS["error_inside"].measure(outcome())["counterfactual"]
  assert errors["inside"]["error"] == errors["outside"]["error"] == 0
  assert errors["inside"]["nothing"] == pytest.approx(200 / 255)


def test_identity_is_looked_for_among_the_probe_images():
  found = METRICS["identity"].measure(outcome())["identity"]
  # Both sources are black where the attribute is not: none is nearer.
  assert found == {"value": 0.5, "chance": 0.5, "images": 2}


def test_a_face_is_compared_with_its_own_and_with_others():
  found = METRICS["face_distance"].measure(outcome())["face"]
  assert found["distance"] == pytest.approx({"value": 0.45, "chance": 0.85})
  assert found["kept"] == {"value": 0.5, "chance": 0}


def test_attention_on_the_region_is_perfect():
  row = METRICS["attention_iou"].measure(outcome())["attention"]["block_0"]
  assert row["share"]["value"] == row["iou"]["value"] == 1
  assert row["share"]["chance"] == 0.5


def test_a_mask_on_the_region_is_perfect_and_elsewhere_is_nothing():
  row = METRICS["mask_iou"].measure(outcome())["mask"]
  for name in ("share", "pointing", "iou"):
    assert row[name]["value"] == 1
  assert row["share"]["chance"] == 0.5
  elsewhere = probes(drawn=1.0 - probes().masks)
  row = METRICS["mask_iou"].measure(outcome(probes=elsewhere))["mask"]
  for name in ("share", "pointing", "iou"):
    assert row[name]["value"] == 0


def test_only_a_blend_has_figures_of_a_mask():
  row = evaluator.measure_outcome(outcome(probes=probes(drawn=None)))
  assert "mask" not in row and "attention" in row
  network = {"block": "block_0", "attributes": {"Bald": row}}
  for name in ("mask_inside", "mask_maximum", "mask_iou"):
    assert METRICS[name].read(network, None) == Value(None)


def test_a_change_is_perfect_where_only_the_region_changes():
  row = METRICS["change_inside"].measure(outcome())["change"]
  assert row["share"] == {"value": 1, "chance": 0.5, "best": 1}
  everywhere = outcome(translated=np.full((4, 8, 8, 3), 90, np.uint8))
  row = METRICS["change_inside"].measure(everywhere)["change"]
  assert row["share"]["value"] == row["share"]["chance"] == 0.5
  # Where nothing changes nothing is inside.
  still = outcome(translated=np.zeros((4, 8, 8, 3), np.uint8))
  row = METRICS["change_inside"].measure(still)["change"]
  assert (row["share"]["value"], row["empty_maps"]) == (None, 2)


def test_photos_have_regions_where_they_have_no_true_translation():
  photos = probes(truths=None, predictions=None)
  row = evaluator.measure_outcome(outcome(probes=photos))
  assert {"attention", "mask", "change", "face"} <= set(row)
  assert not {"counterfactual", "identity"} & set(row)


def test_agreement_is_with_the_teacher_of_the_same_pictures():
  rng = np.random.default_rng(0)
  ours, theirs = rng.uniform(size=(2, 2, 4, 4))
  both = probes(maps={"block_0": ours}, teacher_maps=theirs)
  found = METRICS["agreement"].measure(outcome(probes=both))["agreement"]
  pairs = zip(ours, theirs, strict=True)
  expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]
  assert found["pearson"] == pytest.approx(np.mean(expected))


def test_distances_are_to_pictures_that_have_the_attribute():
  same = METRICS["fid"].measure(outcome())
  assert same == {"fd_classifier": pytest.approx(0, abs=1e-9)}
  # Where it was taken away, nothing is compared.
  half = np.array([[0, 1], [0, 1], [0, 0], [0, 0]])
  assert METRICS["fid"].measure(outcome(targets=half))["fd_classifier"] > 0.01


def test_a_unit_scales_and_marks_the_chance_level():
  assert Unit("%", 100, 1).write(0.75, 0.25) == "75.0 (25.0) %"
  assert Unit("", 1, 0).write(1234.0) == "1,234"
