"""How alike the maps of two networks are, worked out by hand."""

import numpy as np
import pytest

from akd_jax.evaluation.metrics.agreement import agreement


def test_maps_agree_with_themselves_at_any_scale():
  maps = np.random.default_rng(0).uniform(size=(5, 4, 4))
  scales = np.arange(1, 6)[:, None, None]
  result = agreement(maps, scales * maps, np.arange(5))
  assert result.pop("chance") < 0.5
  assert result == {
    "pearson": pytest.approx(1),
    "l1": pytest.approx(0, abs=1e-12),
    "images": 5,
    "left_out": 0,
  }


def test_maps_without_overlap_are_as_far_apart_as_can_be():
  left = np.array([[[1.0, 1.0], [0.0, 0.0]]])
  result = agreement(left, 7 * (1 - left), np.arange(1))
  assert result["l1"] == pytest.approx(2)
  assert result["pearson"] == pytest.approx(-1)


def test_agreement_is_the_mean_over_samples_of_numpys_correlation():
  rng = np.random.default_rng(0)
  pair = rng.uniform(size=(2, 6, 4, 4)).astype(np.float32)
  correlations = [
    np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(*pair, strict=True)
  ]
  assert agreement(*pair, np.arange(6))["pearson"] == pytest.approx(
    np.mean(correlations)
  )


def test_what_all_maps_have_in_common_agrees_by_chance():
  one = np.random.default_rng(0).uniform(size=(1, 4, 4))
  maps, people = np.repeat(one, 3, axis=0), np.arange(3)
  assert agreement(maps, maps, people)["chance"] == pytest.approx(1)
  # Each with those of both others: 1 and -1, 1 and -1, 1 and 1.
  other = np.concatenate([maps[:2], 1 - one])
  found = agreement(maps, other, people)["chance"]
  assert found == pytest.approx(1 / 3)


def test_chance_is_what_other_people_have_in_common():
  # Two people, three pictures each, side by side: what one person's pictures
  # have in common is no chance level.
  rng = np.random.default_rng(0)
  own = rng.uniform(size=(2, 8, 8)).repeat(3, axis=0)
  teacher, student = own + 0.1 * rng.uniform(size=(2, 6, 8, 8))
  people = np.array(["a", "a", "a", "b", "b", "b"])
  known = agreement(teacher, student, people)
  unknown = agreement(teacher, student, np.arange(6))
  apart = np.corrcoef(own[0].ravel(), own[3].ravel())[0, 1]
  assert known["chance"] == pytest.approx(apart, abs=0.05)
  assert unknown["chance"] > known["chance"] + 0.3
  assert known["pearson"] == unknown["pearson"] > 0.9


def test_it_does_not_matter_how_pictures_are_sorted():
  rng = np.random.default_rng(0)
  pair, people = rng.uniform(size=(2, 6, 4, 4)), np.arange(6) // 2
  order = rng.permutation(6)
  first = agreement(*pair, people)
  assert agreement(*pair[:, order], people[order]) == pytest.approx(first)


@pytest.mark.parametrize("count", [1, 3])
def test_one_person_alone_has_no_chance_level(count):
  maps = np.random.default_rng(0).uniform(size=(count, 4, 4))
  assert agreement(maps, maps, np.zeros(count))["chance"] is None


def test_constant_maps_are_left_out_and_counted():
  maps = np.random.default_rng(0).uniform(size=(4, 4, 4))
  student = maps.copy()
  maps[0], student[1] = 0, 3
  result = agreement(maps, student, np.arange(4))
  assert (result["images"], result["left_out"]) == (2, 2)
  assert result["pearson"] == pytest.approx(1)
  nothing = agreement(maps[:1], student[:1], np.arange(1))
  assert nothing["pearson"] is None and nothing["l1"] is None


def test_who_is_left_out_does_not_change_who_the_others_are():
  rng = np.random.default_rng(0)
  pair, people = rng.uniform(size=(2, 4, 4, 4)), np.array([0, 1, 1, 2])
  expected = agreement(*pair[:, 1:], people[1:])
  pair[0, 0] = 7
  found = agreement(*pair, people)
  assert found == pytest.approx(expected | {"left_out": 1})


def test_maps_of_different_sizes_do_not_compare():
  with pytest.raises(ValueError, match="not both"):
    agreement(np.ones((1, 4, 4)), np.ones((1, 8, 8)), np.arange(1))


def test_what_is_no_attention_map_is_refused():
  for bad in (-1, np.nan, np.inf):
    maps = np.ones((1, 4, 4))
    maps[0, 0, 0] = bad
    for pair in ((maps, np.ones_like(maps)), (np.ones_like(maps), maps)):
      with pytest.raises(ValueError, match="negative or no number"):
        agreement(*pair, np.arange(1))
