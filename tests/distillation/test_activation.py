"""Attention that is an activation's size."""

import numpy as np
import pytest

from akd_jax.distillation.activation import check_layers
from tests.distillation import lessons
from tests.layouts import error


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def size_map(activation):
  return (activation.astype(np.float64) ** 2).mean(-1)


def distance(first, second):
  """Mean squared difference of two maps [h, w], each of length 1."""
  units = [x / np.linalg.norm(x) for x in (first, second)]
  return ((units[0] - units[1]) ** 2).mean()


def test_transfer_compares_sizes_of_pixels(given):
  expected = [
    sum(
      distance(size_map(ours[b]), size_map(theirs[b]))
      for ours, theirs in given.pairs
    )
    for b in range(lessons.BATCH)
  ]
  found = lessons.find("attention_transfer", given)
  np.testing.assert_allclose(found.values, expected, rtol=1e-4)


def test_how_large_activations_are_in_all_does_not_matter(given):
  larger = given._replace(own=[3 * x for x in given.own])
  for name in ("attention_transfer", "co_attention"):
    values, others = (lessons.find(name, x).values for x in (given, larger))
    np.testing.assert_allclose(others, values, rtol=1e-4)


def test_the_teachers_attention_is_half_its_discriminators(given):
  scores = lessons.discriminate(given, given.theirs)
  # The second of its layers, 4 pixels wide as the generators' activations.
  second = size_map(np.asarray(scores.features["layer_1"]))
  expected = [
    sum(
      distance(size_map(ours[b]), (size_map(theirs[b]) + second[b]) / 2)
      for ours, theirs in given.pairs
    )
    for b in range(lessons.BATCH)
  ]
  found = lessons.find("co_attention", given)
  np.testing.assert_allclose(found.values, expected, rtol=1e-4)


def test_a_discriminator_without_a_second_layer_is_refused():
  config = lessons.config()
  config.distill.co_attention.weight = 7.0
  check_layers(config, config.teacher_recipe)
  config.teacher_recipe.discriminator.layers = 1
  message = error(check_layers, config, config.teacher_recipe)
  assert "config.distill.co_attention.weight=7.0" in message
  assert "config.discriminator.layers=1" in message
