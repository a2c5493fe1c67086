"""RelGAN as a system: what a step draws, and how students are cut out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.configs import relgan as recipe
from akd_jax.models.relgan import Generator
from akd_jax.systems import relgan
from akd_jax.systems.model import Model, Networks, over_devices
from akd_jax.systems.relgan import RELGAN
from tests.layouts import error
from tests.small_runs import assert_same_bits

DEVICES, BATCH, CLASSES = 4, 16, 3


@pytest.fixture(scope="module")
def label():
  rng = np.random.default_rng(0)
  label = rng.integers(0, 2, (3, BATCH, CLASSES)).astype(np.float32)
  label[1, 0] = label[0, 0]
  return label


@pytest.fixture(scope="module")
def draws(label):
  return jax.jit(relgan.draw)(jax.random.key(7), label)


def test_sources_are_translated_to_the_labels_of_the_second_batch(draws, label):
  images = jnp.arange(3.0)[:, None] + jnp.zeros((3, BATCH))
  of_discriminator, of_generator = RELGAN.arrange(
    jnp.zeros(()), images, label, draws
  )
  np.testing.assert_array_equal(of_discriminator.target, label[1:2])
  np.testing.assert_array_equal(of_generator.target, label[1])
  for batch, image, own in (
    (of_discriminator, of_discriminator.image[0], of_discriminator.label[0]),
    (of_generator, of_generator.image, of_generator.label),
  ):
    np.testing.assert_array_equal(image, images[0])
    np.testing.assert_array_equal(own, label[0])
    given = RELGAN.generator_label(batch.target, batch.label)
    np.testing.assert_array_equal(given.reshape(own.shape), label[1] - label[0])
  more = of_discriminator.more
  np.testing.assert_array_equal(more["target_image"][0], images[1])
  np.testing.assert_array_equal(more["other_image"][0], images[2])
  np.testing.assert_array_equal(more["other_label"][0], label[2])
  places = (
    of_discriminator.alpha[0],
    more["strength"][0],
    of_generator.more["strength"],
  )
  assert np.unique(places).size == 3 * BATCH


def test_the_active_attribute_is_one_that_changes(draws, label):
  changed = np.abs(label[1] - label[0])
  active = np.asarray(draws.active)
  np.testing.assert_array_equal(active * changed, active)
  np.testing.assert_array_equal(active.sum(-1), changed.any(-1))
  assert not changed.any(-1).all()


def test_four_devices_draw_what_one_draws(draws, label):
  shares = label.reshape(3, DEVICES, -1, CLASSES).swapaxes(0, 1)
  split = jax.jit(
    jax.vmap(
      lambda share: relgan.draw(jax.random.key(7), share, "batch"),
      axis_name="batch",
    )
  )(shares)
  np.testing.assert_array_equal(split.active.reshape(BATCH, -1), draws.active)
  alpha = split.alpha.swapaxes(0, 1).reshape(3, BATCH)
  np.testing.assert_array_equal(alpha, draws.alpha)


def test_the_last_block_is_the_last_residual_one():
  generator = Generator(2, 3)
  for hook, name in (("block", "block_2"), ("down", "down2"), ("up", "up1")):
    options = ConfigDict({"hook": hook, "block": "last"})
    assert RELGAN.name_activation(options, generator) == name
  options = ConfigDict({"hook": "conv", "block": "last"})
  message = error(RELGAN.list_activations, options, generator)
  assert "config.attention.hook='conv'" in message and "branch" in message


@pytest.mark.parametrize("size, layers", [(48, 5), (6, 1)])
def test_sizes_that_the_networks_can_not_see_are_refused(size, layers):
  config = recipe.get_config("debug")
  config.data.image_size, config.discriminator.layers = size, layers
  message = error(RELGAN.create_networks, config)
  assert f"config.data.image_size={size}" in message


def test_a_half_as_wide_generator_is_cut_out(initialize, shapes_of):
  inputs = (1, 8, 8, 3), (1, CLASSES)
  wide = jax.tree.map(np.array, initialize(Generator(4, 2), *inputs))
  # Statistics stand beside the scales.
  whole = wide["residual_1"]
  whole["norm_0"]["mean"] = np.arange(16.0)
  assert_same_bits(RELGAN.slice_generator(wide, wide), wide)
  narrow = jax.tree.map(
    lambda x: np.zeros(x.shape), shapes_of(Generator(2, 1), *inputs)
  )
  sliced = RELGAN.slice_generator(wide, narrow)
  part = sliced["residual_0"]
  sizes = np.abs(whole["conv_0"]["kernel"]).sum((0, 1, 2))
  kept = np.sort(np.argsort(-sizes)[:8])
  np.testing.assert_array_equal(part["norm_0"].pop("mean"), kept)
  assert jax.tree.map(np.shape, sliced) == jax.tree.map(np.shape, narrow)
  # A channel keeps its bias; how a norm mixes is no channel's.
  for layer, name in (
    ("conv_0", "bias"),
    ("norm_0", "scale"),
    ("norm_0", "bias"),
  ):
    expected = whole[layer][name][kept]
    np.testing.assert_array_equal(part[layer][name], expected)
  for name in ("mean_weight", "var_weight"):
    np.testing.assert_array_equal(part["norm_0"][name], whole["norm_0"][name])


@pytest.mark.parametrize("devices", [1, 2])
def test_statistics_are_exchanged_only_where_there_is_another(devices):
  alone = Model(None, None, Networks(Generator(2, 1), None), {})
  names = []

  def look(x):
    model = over_devices(alone, "devices")
    names.append(model.networks.generator.axis_name)
    return x

  jax.vmap(look, axis_name="devices")(jnp.zeros(devices))
  assert names == ["devices" if devices > 1 else None]
