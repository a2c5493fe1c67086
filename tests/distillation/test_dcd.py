"""Features compared through the teacher's discriminator."""

import jax
import numpy as np
import pytest

from akd_jax.distillation.dcd import create
from tests.distillation import lessons


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def project(activation, kernel):
  """[B, 4, 4, K] to [B, 16, 16, 3], pixel by pixel."""
  picture = np.zeros((lessons.BATCH, lessons.SIZE, lessons.SIZE, 3), np.float32)
  enlarged = lessons.SIZE // lessons.SIDE
  for b, channel in np.ndindex(lessons.BATCH, 3):
    x = np.float64(activation[b]) @ kernel[:, channel]
    x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    for i, j in np.ndindex(lessons.SIZE, lessons.SIZE):
      value = max(x[i // enlarged, j // enlarged], 0)
      picture[b, i, j, channel] = value
  return picture


def test_distances_are_of_the_discriminators_last_features(given):
  expected = np.zeros(lessons.BATCH)
  for i, pair in enumerate(given.pairs):
    kernels = given.learnt["dcd"][f"projection_{i}"]
    ours, theirs = (
      np.asarray(
        lessons.discriminate(given, project(x, kernels[who])).features[
          "layer_1"
        ]
      )
      for who, x in zip(("student", "teacher"), pair, strict=True)
    )
    expected += np.abs(ours - theirs).mean((1, 2, 3))
  found = lessons.find("dcd", given)
  np.testing.assert_allclose(found.values, expected, rtol=1e-4)


def test_the_students_projections_learn_and_the_teachers_stay(given):
  learnt = lessons.find("dcd", given).gradient.learnt["dcd"]
  for kernels in learnt.values():
    assert np.all(kernels["student"] != 0)
    assert not np.any(kernels["teacher"])


def test_projections_start_as_normal_numbers_of_a_variance_of_two_thirds():
  shapes = [
    tuple(jax.ShapeDtypeStruct((1, 4, 4, k), np.float32) for k in (512, 1024))
  ] * 2
  created = create(jax.random.key(0), shapes)
  assert set(created) == {"projection_0", "projection_1"}
  kernels = jax.tree.leaves(created)
  assert {x.shape for x in kernels} == {(512, 3), (1024, 3)}
  for kernel in kernels:
    assert np.var(kernel) == pytest.approx(2 / 3, rel=0.15)
    assert abs(np.mean(kernel)) < 0.1
  first, second = created.values()
  assert np.all(np.asarray(first["student"]) != np.asarray(second["student"]))
