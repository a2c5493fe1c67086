"""Loss terms against NumPy, under jit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.systems import losses

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.uniform(-1, 1, (2, 3, 4, 4, 3)).astype(np.float32)
LOGITS = RNG.normal(size=(3, 4)).astype(np.float32)
LABEL = np.float32([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
ALPHA = np.float32([0, 0.25, 1])


@pytest.fixture(autouse=True)
def no_implicit_broadcasting():
  """[B, 1] - [B] would be [B, B], and its mean a plausible loss."""
  with jax.numpy_rank_promotion("raise"):
    yield


def test_critic_score_is_the_mean_of_the_map_of_each_sample():
  source = RNG.normal(size=(3, 2, 2, 1)).astype(np.float32)
  found = jax.jit(losses.critic_score)(source)
  np.testing.assert_allclose(found, source.mean(axis=(1, 2, 3)), rtol=1e-6)


def test_labels_that_go_together_cost_a_sigmoid_each_summed():
  found = jax.jit(losses.classification, static_argnums=2)(
    LOGITS, LABEL, "multilabel"
  )
  p = 1 / (1 + np.exp(-LOGITS))
  each = -(LABEL * np.log(p) + (1 - LABEL) * np.log(1 - p))
  np.testing.assert_allclose(found, each.sum(-1), rtol=1e-5)


def test_attgans_class_loss_is_a_sigmoid_each_averaged():
  found = jax.jit(losses.mean_of_sigmoids)(LOGITS, LABEL)
  summed = losses.classification(LOGITS, LABEL, "multilabel")
  np.testing.assert_allclose(found, summed / LABEL.shape[1], rtol=1e-6)


def test_labels_that_exclude_each_other_cost_a_softmax():
  label = np.eye(4, dtype=np.float32)[[2, 0, 3]]
  found = jax.jit(losses.classification, static_argnums=2)(
    LOGITS, label, "exclusive"
  )
  p = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
  np.testing.assert_allclose(found, -np.log(p[[0, 1, 2], [2, 0, 3]]), rtol=1e-5)


@pytest.mark.parametrize("rule", ["multilabel", "exclusive"])
def test_classification_of_huge_logits_is_finite(rule):
  logits = jnp.array([[1e4, -1e4]])
  loss, gradient = jax.value_and_grad(
    lambda x: jnp.sum(losses.classification(x, jnp.array([[0.0, 1]]), rule))
  )(logits)
  assert np.isfinite(loss) and np.all(np.isfinite(gradient))


def test_agreement_is_the_share_of_attributes_that_are_found():
  logits = np.float32([[3, -1, 0.5, -2], [-1, -1, 2, -1], [1, 1, 1, -9]])
  # Wrong are the third, the third and the last.
  found = jax.jit(losses.fake_agreement, static_argnums=2)(
    logits, np.float32([[1, 0, 0, 0], [0] * 4, [1] * 4]), "multilabel"
  )
  np.testing.assert_allclose(found, 9 / 12)


def test_agreement_of_classes_is_the_share_of_pictures():
  logits = np.float32([[3, 1, 2], [-3, -1, -2], [1, 2, 3]])
  found = losses.fake_agreement(logits, np.eye(3)[[0, 1, 1]], "exclusive")
  np.testing.assert_allclose(found, 2 / 3)


def test_agreement_of_two_label_sets_is_that_of_the_batch_s_own():
  # Two attributes, and three classes that exclude each other.
  logits = np.float32([[1, -1, 3, 1, 2], [1, 1, 1, 3, 2]])
  first = np.float32([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0]])
  second = np.float32([[0, 0, 1, 0, 0], [0, 0, 1, 0, 0]])
  for target, share in ((first, 3 / 4), (second, 1 / 2)):
    found = losses.fake_agreement(logits, target, "multilabel", 3)
    np.testing.assert_allclose(found, share)


def test_l1_distance_is_the_mean_absolute_difference_of_each_sample():
  found = jax.jit(losses.l1_distance)(REAL, FAKE)
  expected = np.abs(REAL - FAKE).mean(axis=(1, 2, 3))
  np.testing.assert_allclose(found, expected, rtol=1e-6)


def penalty(weight, order):
  """Of a critic whose gradient is weight * image ** (order - 1)."""
  return losses.gradient_penalty(
    lambda x: weight * x**order / order, REAL, FAKE, ALPHA
  )


def test_gradient_penalty_of_a_linear_critic():
  found = jax.jit(penalty, static_argnums=1)(0.5, 1)
  expected = (0.5 * np.sqrt(REAL[0].size) - 1) ** 2
  np.testing.assert_allclose(found, [expected] * 3, rtol=1e-5)


def test_gradient_penalty_looks_between_real_and_fake():
  alpha = ALPHA[:, None, None, None]
  mixed = alpha * REAL + (1 - alpha) * FAKE
  size = np.sqrt(np.square(2 * mixed).sum(axis=(1, 2, 3)))
  found = jax.jit(penalty, static_argnums=1)(2.0, 2)
  np.testing.assert_allclose(found, (size - 1) ** 2, rtol=1e-5)


def test_gradient_penalty_of_a_flat_critic_has_a_finite_gradient():
  loss, gradient = jax.jit(
    jax.value_and_grad(lambda w: jnp.sum(penalty(w, 2)))
  )(0.0)
  assert loss == 3
  assert np.isfinite(gradient)


def test_adversarial_examples_of_a_linear_loss_are_the_worst_of_all():
  direction = np.arange(REAL[0].size, dtype=np.float32).reshape(REAL[0].shape)
  worst = losses.adversarial_examples(
    lambda x: jnp.sum(x * direction[None], axis=(1, 2, 3)), REAL, 0.5
  )
  expected = REAL + 0.5 * direction / np.linalg.norm(direction)
  np.testing.assert_allclose(worst, expected, rtol=1e-5, atol=1e-6)


def test_the_gradient_reaches_the_image_but_not_the_adversarial_step():
  def total(image, weight):
    worst = losses.adversarial_examples(
      lambda x: jnp.sum(jnp.exp(weight * x), axis=(1, 2, 3)), image, 0.5
    )
    return jnp.sum(worst * FAKE)

  of_image, of_loss = jax.grad(total, argnums=(0, 1))(REAL, 2.0)
  np.testing.assert_array_equal(of_image, FAKE)
  assert of_loss == 0


def test_adversarial_examples_of_a_flat_loss_are_the_images():
  found = losses.adversarial_examples(
    lambda x: 0 * jnp.sum(x, (1, 2, 3)), REAL, 0.5
  )
  np.testing.assert_array_equal(found, REAL)


@pytest.mark.parametrize(
  "loss",
  [
    lambda: losses.classification(LOGITS, LABEL[:1], "multilabel"),
    lambda: losses.classification(LOGITS, LABEL[:1], "exclusive"),
    lambda: losses.mean_of_sigmoids(LOGITS, LABEL[:1]),
    lambda: losses.l1_distance(REAL, FAKE[:1]),
    lambda: losses.gradient_penalty(jnp.sum, REAL, FAKE[:1], ALPHA),
  ],
)
def test_shapes_that_differ_are_not_broadcast(loss):
  with pytest.raises(ValueError, match=r"shapes differ: \(\d.*\(1, "):
    loss()


def test_the_size_of_a_mask_is_its_mean_square_and_its_variation():
  rng = np.random.default_rng(0)
  mask = rng.uniform(size=(2, 4, 4, 1)).astype(np.float32)
  mask[1] = 1
  variation = np.zeros(2)
  for b, i, j in np.ndindex(2, 4, 4):
    if i:
      variation[b] += (mask[b, i, j, 0] - mask[b, i - 1, j, 0]) ** 2
    if j:
      variation[b] += (mask[b, i, j, 0] - mask[b, i, j - 1, 0]) ** 2
  expected = (mask**2).mean((1, 2, 3)) + 1e-4 * variation
  np.testing.assert_allclose(losses.mask_size(mask), expected, rtol=1e-5)
  # All is copied.
  assert losses.mask_size(mask)[1] == 1
