"""AttGAN's and STGAN's networks: sizes, taps, statistics, types."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.models import convolutions
from akd_jax.models.attgan import Generator, channels
from akd_jax.models.attgan_discriminator import Discriminator
from akd_jax.models.layers import BatchNorm, Conv
from akd_jax.models.stgan import STATES, Unit
from akd_jax.models.stgan import Generator as SelectiveGenerator

# 13 attributes, 128 and 384 pixels: counted by tf_slim's formula.
SIZES = {
  "attgan": (Generator(), 128, 43_459_203),
  "attgan_inject_0": (Generator(inject=0), 128, 43_352_707),
  "attgan_384": (Generator(48), 384, 24_508_899),
  "stgan": (SelectiveGenerator(), 128, 74_998_771),
  "stgan_384": (SelectiveGenerator(48), 384, 52_040_019),
}
DISCRIMINATORS = {
  128: (Discriminator(), 44_718_990),
  384: (Discriminator(48, hidden=512), 119_526_574),
}
# Each encoding is 2^(i+1) times smaller than the picture.
IMAGE, LABEL = (2, 16, 16, 3), (2, 3)
SMALL = {
  "attgan": Generator(2, 3, 1, 1),
  "stgan": SelectiveGenerator(2, 3, 2, 2, unit_width=2),
}


def shapes(network, *inputs):
  return jax.eval_shape(
    lambda: network.init(jax.random.key(0), *map(jnp.zeros, inputs))
  )


def count(tree):
  return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("name", SIZES)
def test_a_generator_has_the_released_number_of_parameters(name):
  network, size, expected = SIZES[name]
  variables = shapes(network, (1, size, size, 3), (1, 13))
  assert count(variables["params"]) == expected
  # A mean and a variance for every scale and bias.
  norms = sum(
    2 * leaf.size
    for path, leaf in jax.tree.leaves_with_path(variables["params"])
    if path[-1].key == "scale"
  )
  assert count(variables["batch_stats"]) == norms


@pytest.mark.parametrize("size", DISCRIMINATORS)
def test_a_discriminator_has_the_released_number_of_parameters(size):
  network, expected = DISCRIMINATORS[size]
  variables = shapes(network, (1, size, size, 3))
  assert count(variables) == expected
  (critic, logits), features = jax.eval_shape(
    network.apply, variables, jnp.zeros((2, size, size, 3))
  )
  assert critic.shape == (2, 1, 1, 1) and logits.shape == (2, 13)
  assert [x.shape[1:] for x in features.values()] == [
    (size // 2 ** (i + 1),) * 2 + (channels(network.width, i),)
    for i in range(5)
  ]


def test_no_layer_is_wider_than_1024():
  assert [channels(64, i) for i in range(6)] == [64, 128, 256, 512, 1024, 1024]


@pytest.mark.parametrize("name", ["attgan", "stgan"])
def test_activations_of_the_published_size_come_in_the_order_of_the_flow(name):
  network, size, _ = SIZES[name]
  variables = shapes(network, (1, size, size, 3), (1, 13))
  image, activations = jax.eval_shape(
    network.apply, variables, jnp.zeros((1, 128, 128, 3)), jnp.zeros((1, 13))
  )
  assert image.shape == (1, 128, 128, 3)
  expected = {"bottleneck": (1, 4, 4, 1024)}
  units = {
    f"{kind}_{i}": (1, 8 * 2**i, 8 * 2**i, 512 // 2**i)
    for i in range(4)
    for kind in ("stu", "state")
  }
  expected |= units if name == "stgan" else {}
  expected |= {
    f"decode_{i}": (1, 8 * 2**i, 8 * 2**i, 1024 // 2**i) for i in range(4)
  }
  assert {k: x.shape for k, x in activations.items()} == expected


@pytest.fixture(scope="module", params=SMALL)
def small(request):
  """A network, its variables, its inputs, and what it makes of them."""
  network = SMALL[request.param]
  rng = np.random.default_rng(0)

  def fill(path, leaf):
    noise, name = rng.normal(size=leaf.shape), path[-1].key
    if name == "kernel":
      return jnp.float32(noise * np.prod(leaf.shape[:-1]) ** -0.5)
    # Norms and statistics are away from where they start.
    return jnp.float32(0.3 * noise + (name == "scale") + 2 * (name == "var"))

  variables = jax.tree_util.tree_map_with_path(
    fill, shapes(network, IMAGE, LABEL)
  )
  image = jnp.float32(rng.uniform(-1, 1, IMAGE))
  label = jnp.array([[1.0, -1, 1], [-1, 1, 1]])
  apply = jax.jit(network.apply)
  return network, variables, (image, label), apply(variables, image, label)


def test_taps_are_added_and_taps_of_zeros_change_nothing(small):
  network, variables, inputs, (image, activations) = small
  apply = jax.jit(network.apply)
  zeros = jax.tree.map(jnp.zeros_like, activations)
  again, _ = apply(variables, *inputs, zeros)
  np.testing.assert_allclose(again, image, atol=1e-6)
  for name, x in activations.items():
    tapped, moved = apply(variables, *inputs, zeros | {name: zeros[name] + 1})
    np.testing.assert_allclose(moved[name], x + 1, atol=1e-6)
    # Nothing comes of what the last unit passes on.
    seen = float(jnp.abs(tapped - again).max())
    assert seen > 1e-3 or (name == "state_1" and seen == 0)


def test_a_tap_of_no_activation_is_refused(small):
  network, variables, inputs, (_, activations) = small
  tap = {"decode_2": activations["decode_1"]}
  with pytest.raises(ValueError, match="decode_2"):
    jax.eval_shape(network.apply, variables, *inputs, tap)


def test_a_picture_depends_on_no_other_by_running_statistics(small):
  network, variables, (image, label), (together, _) = small
  other = image.at[1].set(-image[1])
  again, _ = jax.jit(network.apply)(variables, other, label)
  np.testing.assert_array_equal(again[0], together[0])
  assert np.any(again[1] != together[1])


def test_a_batch_split_over_devices_is_normalised_as_one(small):
  network, variables, (image, label), (by_running, _) = small

  def run(network):
    return lambda image, label: network.apply(
      variables, image, label, mutable=["batch_stats"]
    )

  (together, _), whole = jax.jit(run(network))(image, label)
  assert float(jnp.abs(together - by_running).max()) > 0.1
  spread = run(network.clone(axis_name="batch"))
  (apart, _), parts = jax.jit(jax.vmap(spread, axis_name="batch"))(
    image[:, None], label[:, None]
  )
  np.testing.assert_allclose(apart[:, 0], together, atol=1e-5)
  for ours, theirs in zip(*map(jax.tree.leaves, (parts, whole)), strict=True):
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(ours[0], ours[1])


def test_statistics_move_by_a_thousandth_towards_the_unbiased_ones():
  x = np.random.default_rng(0).normal(3, 2, (2, 4, 4, 5)).astype(np.float32)
  start = jax.jit(BatchNorm().init)(jax.random.key(0), x)
  assert not np.any(start["batch_stats"]["mean"])
  np.testing.assert_array_equal(start["batch_stats"]["var"], 1)
  y, moved = BatchNorm().apply(start, x, mutable=["batch_stats"])
  flat = np.float64(x.reshape(-1, 5))
  for name, before, new in (
    ("mean", 0, flat.mean(0)),
    ("var", 1, flat.var(0, ddof=1)),
  ):
    found = np.float64(moved["batch_stats"][name]) - before
    np.testing.assert_allclose(found, 1e-3 * (new - before), rtol=1e-3)
  expected = (x - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-3)
  np.testing.assert_allclose(y, expected, atol=1e-5)


def test_initialisation_is_slims():
  params = jax.jit(SelectiveGenerator(2, 2, 1, 1, unit_width=2).init)(
    jax.random.key(0), jnp.zeros(IMAGE), jnp.zeros(LABEL)
  )["params"]
  leaves = {
    "/".join(x.key for x in path): leaf
    for path, leaf in jax.tree.leaves_with_path(params)
  }
  for path, leaf in leaves.items():
    layer, _, name = path.rpartition("/")
    if name == "kernel":
      # Of a transposed convolution, too, the sum of both fans counts.
      bound = np.sqrt(6 / (leaf.shape[0] ** 2 * sum(leaf.shape[2:])))
      assert 0.8 * bound < float(jnp.abs(leaf).max()) <= bound
      # Where a norm follows, no bias.
      assert (f"{layer}/bias" in leaves) != layer.endswith("/conv")
    else:
      np.testing.assert_array_equal(leaf, float(name == "scale"))


def test_what_a_unit_passes_on_is_the_states_choice():
  encoding, state = jnp.ones((1, 4, 4, 2)), jnp.ones((1, 2, 2, 3))
  units = {passes: Unit(2, passes=passes) for passes in STATES}
  params = jax.jit(units["stu"].init)(jax.random.key(0), encoding, state)

  @jax.jit
  def run(params):
    return {
      passes: unit.apply(params, encoding, state)
      for passes, unit in units.items()
    }

  found = run(params)
  skip, passed = found["gru"]
  np.testing.assert_array_equal(passed, skip)
  before = Conv(2, 4, "up", use_bias=True).apply(
    {"params": params["params"]["upsample"]}, state
  )
  np.testing.assert_allclose(found["direct"][1], before, atol=1e-6)
  # Its reset gate is below 1.
  kept = found["stu"][1]
  assert np.all(np.abs(kept) < np.abs(before))
  for other, _ in found.values():
    np.testing.assert_array_equal(other, skip)


def test_bfloat16_keeps_parameters_statistics_and_pictures_in_float32(small):
  network, variables, inputs, (wide, _) = small
  narrow = network.clone(dtype=jnp.bfloat16)
  assert {str(x.dtype) for x in jax.tree.leaves(shapes(narrow, IMAGE, LABEL))
  } == {"float32"}  # fmt: skip
  image, activations = jax.jit(narrow.apply)(variables, *inputs)
  assert image.dtype == jnp.float32
  assert {str(x.dtype) for x in activations.values()} == {"bfloat16"}
  assert 0 < float(jnp.abs(image - wide).max()) < 0.1


def test_networks_equal_those_of_an_accelerator(small):
  network, variables, inputs, (image, _) = small
  with convolutions.traced_for(cpu=False):
    again, _ = jax.jit(network.clone(name="plain").apply)(variables, *inputs)
  np.testing.assert_allclose(again, image, atol=1e-5)
