"""Attention maps: the same numbers by other ways of getting them."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.distillation import attention
from akd_jax.models.layers import Conv
from akd_jax.models.stargan import (
  ConvBlock,
  Discriminator,
  Generator,
  ResidualBlock,
)
from akd_jax.systems.model import (
  Model,
  Networks,
  Pass,
  Scores,
  Translation,
  translate,
)
from akd_jax.systems.stargan import STARGAN
from benchmarks import mean_gradient

BATCH, WIDTH, SIZE, CLASSES = 3, 2, 16, 3
GENERATOR = Generator(WIDTH, blocks=2)
DISCRIMINATOR = Discriminator(width=4, layers=2, classes=CLASSES)


@pytest.fixture(scope="module")
def params(initialize):
  return initialize(GENERATOR, (BATCH, SIZE, SIZE, 3), (BATCH, CLASSES))


@pytest.fixture(scope="module")
def model(params, initialize):
  scored_by = initialize(DISCRIMINATOR, (BATCH, SIZE, SIZE, 3), seed=1)
  return Model(params, scored_by, Networks(GENERATOR, DISCRIMINATOR))


@pytest.fixture(scope="module")
def inputs():
  image = np.random.default_rng(2).uniform(-1, 1, (BATCH, SIZE, SIZE, 3))
  label = jnp.array([[1.0, 0, 1], [0, 1, 1], [1, 0, 0]])
  return jnp.asarray(image, jnp.float32), label


SELECTOR = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 0]], np.float32)


@pytest.fixture(scope="module")
def maps_of(model):
  """(image, label, weights of the logits, names) -> maps."""

  def maps(image, label, weights, names, **options):
    translated = STARGAN.complete(model, translate(model, image, label, names))
    gradient = translated.pull_classes(jnp.asarray(weights))
    return attention.attention_maps(translated, gradient, **options)

  return maps


@pytest.fixture(scope="module")
def maps(maps_of, inputs):
  """Of both blocks, for SELECTOR."""
  return maps_of(*inputs, SELECTOR, ["block_0", "block_1"])


@pytest.fixture(scope="module")
def features(params, inputs):
  return GENERATOR.apply({"params": params}, *inputs)[1]


def assert_close(ours, reference, tolerance=1e-5):
  ours, reference = np.asarray(ours), np.asarray(reference)
  assert ours.shape == reference.shape
  assert np.abs(ours - reference).max() <= tolerance * np.abs(reference).max()


def grad_cam(gradient, activation):
  """Equations 1 and 2 of paper 1, in NumPy."""
  alpha = np.asarray(gradient).mean(axis=(1, 2))
  weighted = (alpha[:, None, None] * np.asarray(activation)).sum(-1)
  return np.maximum(weighted, 0)


def test_maps_are_not_trivial(maps):
  for name, values in maps.items():
    assert values.shape == (BATCH, SIZE // 4, SIZE // 4), name
    assert float(values.min()) == 0 < float(values.max(axis=(1, 2)).min())


def test_maps_equal_the_gradient_of_the_split_off_head(
  maps, features, params, model
):
  def head(x):
    up = (ConvBlock(2 * WIDTH, 4, "up"), ConvBlock(WIDTH, 4, "up"), Conv(3, 7))
    names = ("decoder_0", "decoder_1", "output")
    for layer, name in zip(up, names, strict=True):
      x = layer.apply({"params": params[name]}, x)
    return jnp.sum(model.discriminate(jnp.tanh(x)).logits * SELECTOR)

  activation = features["block_1"]
  gradient = jax.grad(head)(activation)
  assert_close(maps["block_1"], grad_cam(gradient, activation))


def test_maps_equal_those_of_intercepted_methods(maps, inputs, model):
  def score(added):
    seen = {}

    def add(method, args, kwargs, context):
      output = method(*args, **kwargs)
      if isinstance(context.module, ResidualBlock):
        name = f"block_{context.module.index}"
        output = seen[name] = output + added[name]
      return output

    with nn.intercept_methods(add):
      fake, _ = model.generate(*inputs)
    return jnp.sum(model.discriminate(fake).logits * SELECTOR), seen

  zeros = jnp.zeros((BATCH, SIZE // 4, SIZE // 4, 4 * WIDTH))
  added = {"block_0": zeros, "block_1": zeros}
  gradients, seen = jax.grad(score, has_aux=True)(added)
  for name in added:
    assert_close(maps[name], grad_cam(gradients[name], seen[name]))


def test_channel_weights_are_what_a_constant_added_to_a_channel_does(
  maps_of, inputs, model, monkeypatch
):
  # Smooth networks: differences across the kinks of ReLU are no derivatives.
  monkeypatch.setattr(nn, "relu", nn.softplus)
  monkeypatch.setattr(nn, "leaky_relu", lambda x, slope: nn.softplus(x))

  def run(tap):
    taps = {"block_1": tap}
    fake, features = model.generate(*inputs, taps)
    logits = model.discriminate(fake).logits
    return jnp.sum(logits * SELECTOR, axis=-1), features["block_1"]

  zeros, step = jnp.zeros((BATCH, SIZE // 4, SIZE // 4, 4 * WIDTH)), 0.1
  differences = [
    (run(zeros.at[..., k].set(step))[0] - run(zeros.at[..., k].set(-step))[0])
    for k in range(zeros.shape[-1])
  ]
  pixels = (SIZE // 4) ** 2
  alpha = np.stack(differences, axis=-1) / (2 * step * pixels)
  found = maps_of(*inputs, SELECTOR, ["block_1"])["block_1"]
  expected = grad_cam(alpha[:, None, None], run(zeros)[1])
  assert np.all(expected.max(axis=(1, 2)) > 0)
  assert_close(found, expected, 1e-3)


def test_a_map_does_not_depend_on_the_rest_of_the_batch(maps, maps_of, inputs):
  image, label = inputs
  others = maps_of(
    image.at[1].set(-image[1]),
    label.at[1].set(1 - label[1]),
    jnp.asarray(SELECTOR).at[1].set(0),
    ["block_0", "block_1"],
  )
  for name, values in maps.items():
    assert_close(others[name][0], values[0])
    assert not np.any(others[name][1])


def test_several_blocks_in_one_backward_pass_equal_single_ones(
  maps, maps_of, inputs
):
  for name, values in maps.items():
    assert_close(maps_of(*inputs, SELECTOR, [name])[name], values)


def test_the_map_of_the_sum_weighs_channels_by_the_sum_of_the_classes():
  activation = jnp.array([[[[1.0, 2.0]]]])
  weights = jnp.array([[3.0, -1.0], [-2.0, 2.0]])  # [class, channel]
  maps = {}
  for name, selector in {"0": [1, 0], "1": [0, 1], "both": [1, 1]}.items():
    maps[name] = toy_map(activation, weights, jnp.array([selector]))
  assert maps == {"0": [[1.0]], "1": [[2.0]], "both": [[3.0]]}


def toy_pass(activation, logits):
  """A pass whose picture is its activation, scored by a function of it."""
  found, pull = jax.vjp(logits, activation)
  return Pass(
    model=None,
    translation=Translation(
      activation,
      {"block_0": activation},
      lambda cotangent: {"block_0": cotangent},
      *(None, None, {}, None),
    ),
    scores=Scores(None, found, {}),
    pull_classes=lambda weights: pull(weights)[0],
  )


def toy_map(activation, weights, selector, **options):
  """The map of logits c = the mean over pixels of weights[c] . activation."""
  translated = toy_pass(
    activation, lambda x: jnp.mean(x, axis=(1, 2)) @ weights.T
  )
  gradient = translated.pull_classes(jnp.asarray(selector, jnp.float32))
  maps = attention.attention_maps(translated, gradient, **options)
  return maps["block_0"][0].tolist()


@pytest.mark.parametrize("second_order", [True, False])
def test_linear_logits_give_the_map_worked_out_by_hand(second_order):
  activation = jnp.array([[[[1.0, 0.0], [2.0, 1.0]], [[0.0, 4.0], [1.0, 1.0]]]])
  weights = jnp.array([[8.0, -4.0]])
  # alpha = weights / 4 pixels = (2, -1): 2 F_0 - F_1, and no less than 0.
  found = toy_map(
    activation, weights, jnp.ones((1, 1)), second_order=second_order
  )
  assert found == [[2.0, 3.0], [0.0, 1.0]]


@pytest.mark.parametrize("second_order", [True, False])
def test_hires_cam_keeps_where_the_gradient_was(second_order):
  # y = 3 F_0 at the first pixel + F_1 squared at the second.
  activation = jnp.array([[[[1.0, 5.0], [7.0, 2.0]]]])

  def logit(x):
    return (3 * x[:, 0, 0, 0] + x[:, 0, 1, 1] ** 2)[:, None]

  def found(activation):
    translated = toy_pass(activation, logit)
    maps = attention.attention_maps(
      translated, translated.pull_classes(jnp.ones((1, 1))),
      method="hires_cam", second_order=second_order,
    )  # fmt: skip
    return maps["block_0"][0]

  # 3 * 1, and 2 * 2 * 2; Grad-CAM would have seen F_1's 5, too.
  assert found(activation).tolist() == [[3.0, 8.0]]
  # 2 x^2 with its weight 2 x, or as if that were a constant.
  slope = jax.jacrev(found)(activation)[0, 1, 0, 0, 1, 1]
  assert slope == (8.0 if second_order else 4.0)


def test_the_picture_does_not_depend_on_what_is_looked_at(model, inputs):
  plain, looked_at = (
    translate(model, *inputs, names).image for names in ((), ("block_1",))
  )
  np.testing.assert_array_equal(plain, looked_at)


MAPS = np.array([[[1.0, 2], [2, 4]], [[0, 0], [0, 0]]], np.float32)


@pytest.mark.parametrize(
  "how, size", [("none", [4, 0]), ("max", [1, 0]), ("l2", [0.8, 0])]
)
def test_each_map_is_normalised_by_its_own_size(how, size):
  scaled = attention.NORMALIZATIONS[how](jnp.asarray(MAPS))
  expected = MAPS / 4 * np.array(size)[:, None, None]
  np.testing.assert_allclose(scaled, expected, rtol=1e-6)


@pytest.mark.parametrize("how", attention.NORMALIZATIONS)
def test_an_empty_map_stays_empty_with_a_finite_gradient(how):
  for maps in (jnp.asarray(MAPS), jnp.zeros((1, 3, 3))):
    gradient = jax.grad(
      lambda m: jnp.sum(
        jnp.sin(attention.NORMALIZATIONS[how](m)) * MAPS[0, 0, 1]
      )
    )(maps)
    assert bool(jnp.all(jnp.isfinite(gradient)))
  assert not np.any(attention.NORMALIZATIONS[how](jnp.zeros((1, 3, 3))))


@pytest.mark.parametrize("how", ["max", "l2"])
def test_a_normalised_map_does_not_depend_on_its_scale(how):
  small = attention.NORMALIZATIONS[how](jnp.asarray(MAPS * 1e-6))
  np.testing.assert_allclose(
    small, attention.NORMALIZATIONS[how](jnp.asarray(MAPS)), rtol=1e-5
  )


def test_a_mean_keeps_a_constant_gradient_and_none_that_cancels():
  """As `benchmarks/mean_gradient.py` measures it, by the size of channels."""
  rows, columns = np.indices((4, 4))
  constant, cancels = np.ones((4, 4)), (-1.0) ** (rows + columns)
  gradient = np.stack([2 * constant, 6 * cancels], axis=-1)[None]
  share = mean_gradient.kept(gradient, gradient)
  np.testing.assert_allclose(share, np.full((1, 4, 4), 2 / 8), rtol=1e-6)
