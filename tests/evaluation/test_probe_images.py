"""Figures of probe images are of these pictures, not of those beside them."""

import numpy as np
import pytest

from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.outcome import NEEDS, Outcome, Probes

pytestmark = pytest.mark.quick
# Two of five, and not the first ones.
CHOSEN = np.array([4, 2])
MASKS = np.zeros((2, 8, 8), bool)
MASKS[0, :4], MASKS[1, :, :4] = True, True


def outcome(**known):
  """Five people; in the region of the two that are chosen all is black."""
  sources = np.random.default_rng(0).integers(
    1, 256, (5, 8, 8, 3), dtype=np.uint8
  )
  # The others become somebody else.
  translated = sources[::-1].copy()
  translated[CHOSEN] = sources[CHOSEN]
  truths = translated[CHOSEN]
  truths[MASKS] = 0
  translated[CHOSEN] = truths
  probes = dict.fromkeys(Probes._fields)
  probes |= {"chosen": CHOSEN, "masks": MASKS, "truths": truths} | known
  fields = dict.fromkeys(Outcome._fields)
  fields |= {"sources": sources, "translated": translated}
  return Outcome(**fields | {"probes": Probes(**probes)})


def test_a_change_is_that_of_the_probe_images_and_darker_is_one_too():
  share = METRICS["change_inside"].measure(outcome())["change"]["share"]
  assert share == {"value": 1, "chance": 0.5, "best": 1}


def test_errors_are_those_of_the_probe_images():
  errors = METRICS["error_inside"].measure(outcome())["counterfactual"]
  assert errors["inside"]["error"] == errors["outside"]["error"] == 0
  assert errors["inside"]["nothing"] > 0 == errors["outside"]["nothing"]


def test_the_people_that_are_told_apart_are_on_the_probe_images():
  found = METRICS["identity"].measure(outcome())["identity"]
  assert found == {"value": 1, "chance": 0.5, "images": 2}


def test_agreement_is_that_of_the_block_that_is_distilled():
  theirs, other = np.random.default_rng(0).uniform(size=(2, 2, 4, 4))
  maps = {"block_0": other, "block_1": theirs, "block_2": other}
  looking = outcome(
    block="block_1", maps=maps, teacher_maps=theirs, people=np.arange(2)
  )
  found = METRICS["agreement"].measure(looking)["agreement"]
  assert found["pearson"] == pytest.approx(1)


def test_maps_of_other_sizes_are_not_compared():
  comparable = NEEDS["a teacher's attention"]
  maps = {"block_0": np.ones((2, 4, 4))}
  for side in (4, 8):
    theirs = np.ones((2, side, side))
    looking = outcome(block="block_0", maps=maps, teacher_maps=theirs)
    assert comparable(looking) == (side == 4)


def test_attention_is_that_of_the_block_that_is_distilled():
  def scores(value):
    return {"share": {"value": value, "chance": value / 2}}

  blocks = {"block_0": scores(0.2), "block_1": scores(0.6)}
  network = {"block": "block_1", "attributes": {"Bald": {"attention": blocks}}}
  read = METRICS["attention_inside"].read
  assert read(network, None) == read(network, "Bald") == (0.6, 0.3)
