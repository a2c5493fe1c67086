"""What the teacher's discriminator sees in the student's pictures."""

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.distillation.discriminator import compare_features
from akd_jax.systems import SYSTEMS
from tests.distillation import lessons


@pytest.fixture(scope="module")
def given(initialize):
  return lessons.draw(initialize)


def test_the_class_score_is_the_cross_entropy_of_the_targets(given):
  logits = np.float64(lessons.discriminate(given, given.ours).logits)
  probability = 1 / (1 + np.exp(-logits))
  right = np.where(lessons.TARGET > 0, probability, 1 - probability)
  found = lessons.find("class_score", given)
  np.testing.assert_allclose(found.values, -np.log(right).sum(-1), rtol=1e-4)


def test_the_class_loss_is_that_which_its_own_generator_lowered():
  logits = np.float32([[0.5, -1.0, 2.0]])
  label = np.float32([[1, 0, 1]])
  right = np.where(label > 0, 1, -1) * logits
  terms = np.log1p(np.exp(-right))
  for rule in ("multilabel", "exclusive"):
    config = ConfigDict({"data": {"label_rule": rule, "second": {}}})
    for name in ("attgan", "stgan"):
      found = SYSTEMS[name].class_loss(config)(logits, label)
      np.testing.assert_allclose(found, terms.mean(-1), rtol=1e-6)
    if rule == "multilabel":
      for name in ("stargan", "acgan"):
        found = SYSTEMS[name].class_loss(config)(logits, label)
        np.testing.assert_allclose(found, terms.sum(-1), rtol=1e-6)


def test_features_are_compared_by_their_size_layer_by_layer(given):
  ours, theirs = (
    lessons.discriminate(given, x).features for x in (given.ours, given.theirs)
  )
  assert set(theirs) == {"layer_0", "layer_1"}
  expected = np.mean(
    [
      [
        np.abs(a - b).mean() / np.abs(b).mean()
        for a, b in zip(np.asarray(ours[x]), np.asarray(theirs[x]), strict=True)
      ]
      for x in theirs
    ],
    axis=0,
  )
  found = lessons.find("discriminator_features", given)
  np.testing.assert_allclose(found.values, expected, rtol=1e-4)


def test_features_of_other_shapes_are_not_broadcast():
  x = np.ones((2, 4, 4, 3), np.float32)
  with pytest.raises(ValueError, match="shapes differ"):
    compare_features({"layer_0": x[:, :1]}, {"layer_0": x})


def test_a_second_adversary_is_fooled_as_its_own_generator_fooled_it():
  critic = np.float32([[1.5, -0.5], [2.0, 0.25]])[:, :, None, None]
  one = critic[:, :1]
  expected = {
    "stargan": -critic.mean((1, 2, 3)),
    "attgan": -critic.mean((1, 2, 3)),
    "stgan": -critic.mean((1, 2, 3)),
    "acgan": np.log1p(np.exp(-critic)).mean((1, 2, 3)),
    # Where it is more real than real, a least-squares critic is to fall.
    "relgan": np.square(1 - critic).mean((1, 2, 3)),
    "stargan2": np.log1p(np.exp(-one)).ravel(),
  }
  assert set(expected) == set(SYSTEMS)
  for name, terms in expected.items():
    found = SYSTEMS[name].fool(one if name == "stargan2" else critic)
    np.testing.assert_allclose(found, terms, rtol=1e-6)


def test_the_critic_score_is_to_rise(given):
  critic = np.asarray(lessons.discriminate(given, given.ours).critic)
  found = lessons.find("dgl", given)
  np.testing.assert_allclose(found.values, -critic.mean((1, 2, 3)), rtol=1e-4)
