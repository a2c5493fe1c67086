"""RelGAN's networks: sizes, start, norms, heads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.models import convolutions
from akd_jax.models.relgan import Discriminator, Generator
from akd_jax.models.switch_norm import SwitchNorm

SMALL = Generator(width=2, blocks=1)
INPUTS = ((4, 8, 8, 3), (4, 3))
JUDGE = Discriminator(4, 2, 6, 5, classes=INPUTS[1][1])


def count(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("classes, size", [(17, 8_471_977), (13, 8_459_433)])
def test_generator_has_the_released_number_of_parameters(
  classes, size, shapes_of
):
  params = shapes_of(Generator(), (1, 256, 256, 3), (1, classes))
  assert count(params) == size


@pytest.mark.parametrize("width, size", [(16, 53_165_010), (64, 53_263_362)])
def test_discriminator_has_the_released_number_of_parameters(
  width, size, shapes_of
):
  network = Discriminator(interpolation_width=width)
  assert count(shapes_of(network, (1, 256, 256, 3))) == size


def test_parameters_start_as_released():
  image, vector = jnp.zeros((1, 8, 8, 3)), jnp.zeros((1, 3))
  key = jax.random.key(0)
  starts = [
    jax.jit(Generator(16, 1).init)(key, image, vector),
    jax.jit(Discriminator(16, 2, 64, 16, 3).init)(key, image),
  ]
  assert not any(np.any(x) for x in jax.tree.leaves(starts[0]["batch_stats"]))
  for start in starts:
    for path, x in traverse_util.flatten_dict(start["params"]).items():
      if path[-1] == "bias":
        assert not np.any(x), path
      elif path[-1] != "kernel":
        np.testing.assert_array_equal(x, 1)
      elif path[0].startswith("decoder"):
        # He normal; PyTorch's fan in of a transposed one counts its outputs.
        expected = np.sqrt(2 / np.prod(x.shape[:3]))
        assert abs(np.std(x) / expected - 1) < 0.05, path
        assert np.abs(x).max() > 2.5 * expected, path
      else:
        area, inputs, outputs = np.prod(x.shape[:2]), *x.shape[2:]
        bound = np.sqrt(6 / (area * (inputs + outputs)))
        assert 0.9 * bound < np.abs(x).max() <= bound, path


@pytest.fixture(scope="module")
def inputs():
  rng = np.random.default_rng(1)
  image = rng.uniform(-1, 1, INPUTS[0]).astype(np.float32)
  vector = rng.integers(-1, 2, INPUTS[1]).astype(np.float32)
  return jnp.asarray(image), jnp.asarray(vector)


@pytest.fixture(scope="module")
def variables(initialize, inputs):
  """Parameters, and running statistics that are no batch's."""
  params = initialize(SMALL, *INPUTS)
  shapes = jax.eval_shape(SMALL.init, jax.random.key(0), *inputs)
  rng = np.random.default_rng(2)
  statistics = jax.tree.map(
    lambda x: jnp.asarray(rng.uniform(0.5, 1.5, x.shape), jnp.float32),
    shapes["batch_stats"],
  )
  return {"params": params, "batch_stats": statistics}


@pytest.fixture(scope="module")
def used(variables, inputs):
  """The picture and the activations of the network in use."""
  return jax.jit(SMALL.apply)(variables, *inputs)


def test_activations_come_in_the_order_of_the_data_flow(used, inputs):
  image, activations = used
  assert image.shape == inputs[0].shape
  assert {name: x.shape[1:] for name, x in activations.items()} == {
    "down2": (2, 2, 8),
    "branch_0": (2, 2, 8),
    "block_0": (2, 2, 8),
    "up2": (4, 4, 4),
    "up1": (8, 8, 2),
  }


def test_a_used_network_translates_each_picture_by_itself(
  variables, inputs, used
):
  alone, _ = jax.jit(SMALL.apply)(variables, *(x[1:2] for x in inputs))
  np.testing.assert_allclose(alone, used[0][1:2], atol=1e-6)


def test_every_activation_can_be_tapped(variables, inputs, used):
  zeros = jax.tree.map(jnp.zeros_like, used[1])
  gradients = jax.jit(
    jax.grad(lambda taps: SMALL.apply(variables, *inputs, taps)[0].var())
  )(zeros)
  assert list(gradients) == sorted(used[1])
  assert all(np.any(x) for x in gradients.values())


def test_a_pass_that_is_made_again_for_a_gradient_is_computed_once():
  x = jnp.ones(INPUTS[0])
  start = SwitchNorm().init(jax.random.key(0), x)
  norm = start["params"]
  kernel = jnp.ones((3, 3, 3, 3))

  def train(kernel, norm):
    y = convolutions.conv(x, kernel, 1)
    y, _ = SwitchNorm().apply(
      start | {"params": norm}, y, mutable=["batch_stats"]
    )
    return jnp.sin(convolutions.conv(y, kernel, 1))

  def count(f):
    program = jax.jit(f).lower(kernel, norm).compile().as_text()
    return program.count(" convolution(")

  def learn(kernel, norm):
    def loss(kernel, norm):
      y = train(kernel, norm)
      return jnp.sum(y), y

    return jax.grad(loss, argnums=(0, 1), has_aux=True)(kernel, norm)

  twice = count(lambda *inputs: (train(*inputs), learn(*inputs)))
  assert twice == count(learn) > count(train) == 2


def test_a_batch_over_devices_is_normalised_as_one():
  norm, x = (
    SwitchNorm("devices"),
    jnp.asarray(
      np.random.default_rng(0).normal(size=(4, 3, 3, 2)), jnp.float32
    ),
  )
  start = SwitchNorm().init(jax.random.key(0), x)

  def train(norm, x):
    return norm.apply(start, x, mutable=["batch_stats"])

  y, statistics = jax.jit(lambda x: train(SwitchNorm(), x))(x)
  over_devices = jax.vmap(lambda x: train(norm, x), axis_name="devices")
  parts, spread = jax.jit(over_devices)(x.reshape(2, 2, *x.shape[1:]))
  np.testing.assert_allclose(parts.reshape(x.shape), y, atol=1e-6)
  for ours, theirs in zip(
    jax.tree.leaves(spread), jax.tree.leaves(statistics), strict=True
  ):
    np.testing.assert_allclose(ours, [theirs, theirs], atol=1e-6)


@pytest.fixture(scope="module")
def judge(initialize):
  return {"params": initialize(JUDGE, INPUTS[0])}


def test_each_vector_is_answered_as_if_asked_alone(judge, inputs):
  image, vector = inputs
  vectors = jnp.stack([vector, -vector, 0 * vector], 1)

  @jax.jit
  def ask(vectors):
    source, last = (
      JUDGE.apply(judge, x, method="look")[0] for x in (image[::-1], image)
    )
    return JUDGE.apply(judge, source, last, vectors, method="match")

  answers = ask(vectors)
  assert answers.shape == (4, 3, 2, 2)
  for i in range(3):
    alone = ask(vectors[:, i : i + 1])
    np.testing.assert_allclose(answers[:, i], alone[:, 0], atol=1e-6)
  assert np.all(np.ptp(answers, axis=1)[np.any(vector, 1)] > 0)


def test_bfloat16_keeps_parameters_statistics_and_outputs_in_float32(
  variables, inputs, used, judge
):
  narrow = SMALL.clone(dtype=jnp.bfloat16)
  (image, activations), moved = jax.jit(
    lambda v: narrow.apply(v, *inputs, mutable=["batch_stats"])
  )(variables)
  assert {x.dtype for x in jax.tree.leaves(moved)} == {jnp.dtype("float32")}
  assert image.dtype == jnp.float32
  assert {x.dtype.name for x in activations.values()} == {"bfloat16"}
  (wide, _), _ = jax.jit(JUDGE.apply)(judge, inputs[0])
  low = JUDGE.clone(dtype=jnp.bfloat16)
  (half, _), _ = jax.jit(low.apply)(judge, inputs[0])
  assert half.dtype == jnp.float32
  assert 0 < np.abs(half - wide).max() < 0.1 * np.abs(wide).max()


def test_networks_equal_those_of_an_accelerator(
  variables, inputs, used, monkeypatch
):
  monkeypatch.setattr(convolutions, "on_cpu", lambda: False)
  image, _ = jax.jit(SMALL.apply)(variables, *inputs)
  np.testing.assert_allclose(image, used[0], atol=1e-5)
