"""Feature distillation through adapters."""

import numpy as np
import pytest

from tests.distillation import lessons


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def test_distances_are_mean_squares_through_the_adapters(given):
  expected = np.zeros(lessons.BATCH)
  for i, (ours, theirs) in enumerate(given.pairs):
    adapter = given.learnt["features"][f"adapter_{i}"]
    adapted = np.einsum("bhwk,kl->bhwl", ours, adapter["kernel"])
    adapted += adapter["bias"]
    expected += ((adapted - theirs) ** 2).mean((1, 2, 3))
  found = lessons.find("features", given)
  np.testing.assert_allclose(found.values, expected, rtol=1e-5)


def test_the_adapters_learn(given):
  learnt = lessons.find("features", given).gradient.learnt["features"]
  for adapter in learnt.values():
    assert all(np.all(x != 0) for x in adapter.values())
