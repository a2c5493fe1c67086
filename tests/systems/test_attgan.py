"""AttGAN and STGAN as systems: labels at test, hooks, sizes, weights."""

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.configs import attgan as attgan_recipe
from akd_jax.configs import stgan as stgan_recipe
from akd_jax.data.attributes import HAIR_COLORS, set_attribute
from akd_jax.data.photos.source import find_exclusive
from akd_jax.models import attgan as attgan_networks
from akd_jax.models import stgan as stgan_networks
from akd_jax.models.attgan_discriminator import Discriminator
from akd_jax.systems import attgan, stgan
from akd_jax.systems.model import Networks
from tests.golden_arrays import load
from tests.layouts import error

SYSTEMS = {"attgan": attgan.ATTGAN, "stgan": stgan.STGAN}
GENERATORS = {
  "attgan": attgan_networks.Generator(2, layers=4),
  "stgan": stgan_networks.Generator(2, layers=4, shortcut=3, inject=3),
}


@pytest.fixture(scope="module")
def labels():
  return load("labels")


@pytest.mark.parametrize(
  "system, released",
  [("attgan", "attgan_v2_int2"), ("stgan", "stgan_int2")],
)
@pytest.mark.parametrize("names", ["default13", "all40"])
def test_at_test_a_generator_is_given_what_the_released_one_is(
  system, released, names, labels
):
  label, targets = (labels[f"{names}/{x}"] for x in ("att", "targets"))
  expected = labels[f"{names}/{released}"]
  # The first asks for what is there; then one attribute after the other is set.
  edits = [np.zeros(label.shape[1]), *np.eye(label.shape[1])]
  for target, edit, vector in zip(targets, edits, expected, strict=True):
    given = SYSTEMS[system].test_label(
      jnp.float32(target), jnp.float32(label), jnp.float32(edit)
    )
    np.testing.assert_allclose(given, vector, atol=1e-6)


@pytest.mark.parametrize("names", ["default13", "all40"])
def test_what_conflicts_is_switched_off_as_in_the_released_tests(names, labels):
  attributes = list(labels[f"{names}/names"])
  label, (_, *targets) = (labels[f"{names}/{x}"] for x in ("att", "targets"))
  exclusive = find_exclusive(attributes)
  for i, (name, target) in enumerate(zip(attributes, targets, strict=True)):
    lacking = label[:, i] == 0
    ours = set_attribute(label, attributes, name, exclusive)[lacking]
    # Ours alone: whoever is bald has no hair colour.
    group = {*HAIR_COLORS, "Bald"} if name in (*HAIR_COLORS, "Bald") else ()
    other = [
      x in group and x != name and "Bald" in (x, name) for x in attributes
    ]
    expected = np.where(other, 0, target[lacking])
    np.testing.assert_array_equal(ours, expected)


def test_at_test_what_is_set_is_stronger_than_what_changes_along(labels):
  changed = np.abs(labels["default13/stgan_int2"])
  assert set(np.unique(changed)) == {0, 1, 1.5}


def named(system, hook, block):
  options = ConfigDict({"hook": hook, "block": block})
  return SYSTEMS[system].name_activation(options, GENERATORS[system])


@pytest.mark.parametrize(
  "system, hook, block, name",
  [
    ("attgan", "decode", "last", "decode_2"),
    ("attgan", "decode", "second_last", "decode_1"),
    ("attgan", "decode", 0, "decode_0"),
    ("attgan", "bottleneck", "last", "bottleneck"),
    ("attgan", "bottleneck", "0", "bottleneck"),
    ("stgan", "decode", "2", "decode_2"),
    ("stgan", "stu", "last", "stu_2"),
    ("stgan", "stu", 1, "stu_1"),
  ],
)
def test_activations_are_named_by_hook_and_block(system, hook, block, name):
  assert named(system, hook, block) == name


@pytest.mark.parametrize(
  "hook, block, parts",
  [
    ("stu", "last", ["attention.hook='stu'", "decode, bottleneck"]),
    ("decode", 3, ["attention.block=3", "0 to 2, 'last' or 'second_last'"]),
    ("decode", "first", ["attention.block='first'", "hook='decode'"]),
    ("bottleneck", "second_last", ["'second_last'", "give 0 or 'last'"]),
  ],
)
def test_hooks_and_blocks_that_are_not_there_are_refused(hook, block, parts):
  message = error(named, "attgan", hook, block)
  assert all(part in message for part in parts)


def test_published_attention_is_that_of_the_last_layer_before_the_picture():
  for recipe, system in ((attgan_recipe, "attgan"), (stgan_recipe, "stgan")):
    config = recipe.get_config("celeba")
    generator = SYSTEMS[system].create_networks(config).generator
    names = SYSTEMS[system].list_activations(config.attention, generator)
    assert names == ("decode_0", "decode_1", "decode_2", "decode_3")
    last = SYSTEMS[system].name_activation(config.attention, generator)
    assert last == names[-1]


def test_networks_are_those_of_the_config():
  config = stgan_recipe.get_config("debug")
  config.dtype = "bfloat16"
  config.data.attributes = ("Bald", "Smiling")
  config.generator.unit_state = "gru"
  dtype = jnp.dtype("bfloat16")
  assert SYSTEMS["stgan"].create_networks(config) == Networks(
    stgan_networks.Generator(
      4, 3, 2, 2, dtype, unit_width=4, unit_inject=2, unit_state="gru"
    ),
    Discriminator(4, 3, 16, 2, dtype),
  )
  config = attgan_recipe.get_config("celeba")
  assert SYSTEMS["attgan"].create_networks(config) == Networks(
    attgan_networks.Generator(), Discriminator()
  )


@pytest.mark.parametrize(
  "field, value, parts",
  [
    ("data.image_size", 36, ["image_size=36", "2^config.generator.layers = 8"]),
    ("discriminator.layers", 6, ["2^config.discriminator.layers = 64"]),
    ("discriminator.layers", 5, ["leave 1 pixel", "InstanceNorm", "at most 4"]),
    ("generator.shortcut", 3, ["generator.shortcut=3", "at most", "= 2"]),
    ("generator.inject", 3, ["generator.inject=3", "at most", "= 2"]),
  ],
)
def test_networks_that_do_not_fit_are_refused(field, value, parts):
  config = attgan_recipe.get_config("debug")
  config.update_from_flattened_dict({field: value})
  message = error(attgan.create_networks, config)
  assert all(part in message for part in parts)


def test_without_an_adversary_a_generator_is_not_scored():
  config = attgan_recipe.get_config("debug")
  weights = attgan.weights(config)
  assert (weights["g_loss_fake"], weights["g_loss_cls"]) == (1, 10)
  config.adversary = "none"
  weights = attgan.weights(config)
  assert (weights["g_loss_fake"], weights["g_loss_cls"]) == (0, 0)
  assert weights["g_loss_rec"] == 100
