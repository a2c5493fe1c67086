"""StarGAN as a system: its activations, and what its class loss is of."""

import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems import stargan
from akd_jax.systems.model import Networks
from akd_jax.systems.stargan import STARGAN
from tests.layouts import error


def named(block, hook, blocks, method="grad_cam"):
  options = ConfigDict({"block": block, "hook": hook, "method": method})
  return STARGAN.name_activation(options, Generator(2, blocks))


@pytest.mark.parametrize(
  "block, name", [("last", "_2"), ("second_last", "_1"), (0, "_0"), ("2", "_2")]
)
def test_blocks_are_named_by_number_or_from_the_end(block, name):
  for hook in ("block", "branch"):
    assert named(block, hook, 3) == hook + name


def test_the_decoder_has_two_layers_whatever_the_blocks():
  for blocks in (1, 6):
    assert named("last", "decode", blocks) == "decode_1"
    assert named(0, "decode", blocks) == "decode_0"


def test_the_convolution_before_a_norm_is_refused_with_the_reason():
  message = error(named, "last", "conv", 3)
  for part in ("attention.hook='conv'", "InstanceNorm", "'block' or 'branch'"):
    assert part in message
  # HiResCAM takes no mean of the gradient.
  assert named("last", "conv", 3, "hires_cam") == "conv_2"


@pytest.mark.parametrize("block", [3, -1, "first", "1.5"])
def test_a_block_that_is_not_there_is_refused(block):
  message = error(named, block, "block", 3)
  assert f"attention.block={block!r}" in message
  assert "0 to 2, 'last' or 'second_last'" in message


def test_the_second_last_of_one_block_is_refused():
  message = error(named, "second_last", "block", 1)
  assert "attention.block='second_last'" in message
  assert "'last'" in message


def test_an_unknown_hook_is_refused():
  message = error(named, "last", "relu", 3)
  for part in ("attention.hook='relu'", "block, branch"):
    assert part in message


def test_all_blocks_are_listed_along_the_data_flow():
  options = ConfigDict({"block": "last", "hook": "branch"})
  names = ("branch_0", "branch_1", "branch_2")
  assert STARGAN.list_activations(options, Generator(2, 3)) == names


def small(**fields):
  config = teacher.get_config("debug")
  config.generator.width = config.discriminator.width = 1
  config.generator.blocks = config.discriminator.layers = 1
  config.data.attributes = ("Bald", "Smiling")
  config.update_from_flattened_dict(fields)
  return config


def test_networks_are_those_of_the_config():
  assert stargan.create_networks(small(dtype="bfloat16")) == Networks(
    Generator(width=1, blocks=1, dtype=jnp.dtype("bfloat16")),
    Discriminator(width=1, layers=1, classes=2, dtype=jnp.dtype("bfloat16")),
  )


@pytest.mark.parametrize("size", [48, 16])
def test_an_image_size_that_can_not_be_halved_is_refused(size):
  config = small(**{"data.image_size": size, "discriminator.layers": 5})
  message = error(stargan.create_networks, config)
  assert f"config.data.image_size={size}" in message
  assert "2^config.discriminator.layers = 32" in message


@pytest.mark.parametrize(
  "step, radius", [(0, 0.0), (50, 1.0), (100, 2.0), (399, 2.0)]
)
def test_adversarial_examples_move_away_for_a_quarter_of_the_steps(
  step, radius
):
  config = small(**{"steps": 400, "loss.cls_radius": 2.0})
  assert stargan.class_radius(jnp.asarray(step), config) == radius


def test_without_a_radius_there_are_no_adversarial_examples():
  assert stargan.class_radius(jnp.asarray(9), small()) is None


@pytest.mark.parametrize("adversary", ["scratch", "teacher", "frozen", "none"])
def test_without_an_adversary_a_generator_is_not_scored(adversary):
  weights = stargan.weights(small(adversary=adversary))
  scored = weights["g_loss_fake"], weights["g_loss_cls"]
  assert any(scored) == all(scored) == (adversary != "none")
  assert weights["g_loss_rec"] > 0 and weights["g_loss_mask"] > 0


def test_a_blends_mask_is_no_activation_that_attention_is_taken_from():
  options = ConfigDict({"block": "last", "hook": "block"})
  blend = Generator(2, 2, output="blend")
  assert STARGAN.name_activation(options, blend) == "block_1"
  assert "mask" not in STARGAN.list_activations(options, blend)


def test_what_a_generator_draws_is_that_of_the_config():
  config = small(**{"generator.output": "blend"})
  assert stargan.create_networks(config).generator.output == "blend"


@pytest.mark.parametrize(("size", "layers"), [(50, 1), (2, 1), (18, 1)])
def test_a_size_that_the_generator_can_not_take_is_refused(size, layers):
  config = teacher.get_config("debug")
  config.data.image_size = size
  config.discriminator.layers = layers
  message = error(stargan.create_networks, config)
  assert f"config.data.image_size={size} is not a multiple of 4" in message
