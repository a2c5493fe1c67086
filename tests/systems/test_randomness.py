"""A step's randomness: of its key and the place in the global batch alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.systems.randomness import draw

N, BATCH, CLASSES, DEVICES = 2, 16, 4, 4
KEY = 7


@pytest.fixture(scope="module")
def label():
  rng = np.random.default_rng(0)
  label = rng.integers(0, 2, (N, BATCH, CLASSES)).astype(np.float32)
  label[:, 0] = 0
  return label


@pytest.fixture(scope="module")
def draw_with():
  """(seed, label) -> draws."""
  return jax.jit(lambda seed, label: draw(jax.random.key(seed), label))


@pytest.fixture(scope="module")
def draws(draw_with, label):
  return draw_with(KEY, label)


def rows(labels):
  return sorted(map(tuple, np.asarray(labels).tolist()))


def test_targets_are_the_labels_of_their_micro_batch_permuted(draws, label):
  for target, own in zip(draws.target, label, strict=True):
    assert rows(target) == rows(own)
    assert np.any(np.asarray(target) != own)


def test_micro_batches_are_permuted_apart(draw_with, label):
  same = np.repeat(label[:1], N, axis=0)
  target = draw_with(KEY, same).target
  assert np.any(np.asarray(target[0] != target[1]))


def test_every_sample_has_an_alpha_of_its_own_in_0_to_1(draws):
  alpha = np.asarray(draws.alpha)
  assert alpha.shape == (N, BATCH)
  assert np.unique(alpha).size == alpha.size
  assert alpha.min() >= 0 and alpha.max() < 1
  assert abs(alpha.mean() - 0.5) < 0.2


def test_the_sampled_class_is_an_active_one_of_the_last_target(draws):
  active, target = np.asarray(draws.active), np.asarray(draws.target[-1])
  np.testing.assert_array_equal(active * target, active)
  np.testing.assert_array_equal(active.sum(-1), target.any(-1))
  assert set(np.unique(active)) == {0, 1}
  # The batch has a sample without an attribute.
  assert not target.any(-1).all()


def test_every_active_class_is_as_likely_to_be_sampled(draw_with):
  label = jnp.broadcast_to(jnp.array([1.0, 0, 1, 1]), (1, 3000, 4))
  active = draw_with(KEY, label).active
  share = np.asarray(active.mean(axis=0))
  assert share[1] == 0
  # Four standard deviations.
  np.testing.assert_allclose(share[[0, 2, 3]], 1 / 3, atol=0.035)


def test_four_devices_draw_what_one_draws(draws, label):
  shares = label.reshape(N, DEVICES, BATCH // DEVICES, CLASSES)
  split = jax.jit(
    jax.vmap(
      lambda share: draw(jax.random.key(KEY), share, "batch"),
      axis_name="batch",
    )
  )(shares.swapaxes(0, 1))
  together = (
    split.target.swapaxes(0, 1).reshape(label.shape),
    split.alpha.swapaxes(0, 1).reshape(N, BATCH),
    split.active.reshape(BATCH, CLASSES),
  )
  for ours, single in zip(together, jax.tree.leaves(draws), strict=True):
    np.testing.assert_array_equal(ours, single)


def test_draws_depend_on_the_key_of_the_step_alone(draw_with, draws, label):
  first, again, later = (
    jax.tree.leaves(x)
    for x in (draws, draw_with(KEY, label), draw_with(KEY + 1, label))
  )
  for ours, same, other in zip(first, again, later, strict=True):
    np.testing.assert_array_equal(ours, same)
    assert np.any(np.asarray(ours) != np.asarray(other))
