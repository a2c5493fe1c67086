"""A narrow AttGAN or STGAN out of a wide one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.models import attgan, stgan
from akd_jax.systems.attgan_slices import slice_generator
from tests.layouts import error

IMAGE, LABEL = (2, 16, 16, 3), (2, 3)
# Skips or labels join some layers of the decoder and not others.
NETWORKS = {
  "attgan": attgan.Generator(4, 3, shortcut=1, inject=1),
  "attgan_no_skip": attgan.Generator(4, 3, shortcut=0, inject=2),
  "stgan": stgan.Generator(4, 3, 2, 1, unit_width=6, unit_inject=0),
  "stgan_resize": stgan.Generator(
    4, 3, 2, 1, unit_width=6, unit_inject=0, upsample="resize"
  ),
}
NARROW = {
  name: network.clone(width=2, **({"unit_width": 3} if "stgan" in name else {}))
  for name, network in NETWORKS.items()
}


def create(network, seed=0, label=LABEL):
  """Variables that are nowhere at their start."""
  rng = np.random.default_rng(seed)
  shapes = jax.eval_shape(
    lambda: network.init(jax.random.key(0), jnp.zeros(IMAGE), jnp.zeros(label))
  )

  def fill(leaf):
    if len(leaf.shape) == 1:
      return np.float32(rng.uniform(0.2, 1, leaf.shape))
    return np.float32(rng.normal(0, 0.15, leaf.shape))

  return jax.tree.map(fill, shapes)


def joined(variables):
  """One tree: the statistics of a norm beside its scale."""
  flat = [traverse_util.flatten_dict(tree) for tree in variables.values()]
  return traverse_util.unflatten_dict(flat[0] | flat[1])


def parted(tree):
  flat = traverse_util.flatten_dict(tree)
  moving = {path for path in flat if path[-1] in ("mean", "var")}
  return {
    "params": traverse_util.unflatten_dict(
      {path: flat[path] for path in flat if path not in moving}
    ),
    "batch_stats": traverse_util.unflatten_dict(
      {path: flat[path] for path in moving}
    ),
  }


def silence_half(tree):
  """Half of every layer's channels are 0, and so is all that they cause."""
  rng = np.random.default_rng(1)

  def silence(layer, axis, dead):
    name = "kernel"
    if "resize_kernel" in layer:
      name, axis = "resize_kernel", 3
    layer[name] = np.moveaxis(np.array(layer[name]), axis, -1)
    layer[name][..., dead] = 0
    layer[name] = np.moveaxis(layer[name], -1, axis)
    if "bias" in layer:
      layer["bias"][dead] = 0

  for part, axis in (("encoder", 3), ("decoder", 2)):
    for name, layer in tree[part].items():
      if name != "output":
        width = len(layer["norm"]["scale"])
        dead = rng.permutation(width)[: width // 2]
        silence(layer["conv"], axis, dead)
        layer["norm"]["scale"][dead] = layer["norm"]["bias"][dead] = 0
  for name, unit in tree.items():
    if name.startswith("unit"):
      width = len(unit["upsample"]["bias"])
      dead = rng.permutation(width)[: width // 2]
      for gate, layer in unit.items():
        silence(layer, 2 if gate == "upsample" else 3, dead)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_channels_of_nothing_the_picture_is_the_same(name):
  wide, narrow = NETWORKS[name], NARROW[name]
  tree = joined(create(wide))
  silence_half(tree)
  sliced = slice_generator(tree, joined(create(narrow)))
  rng = np.random.default_rng(2)
  inputs = rng.uniform(-1, 1, IMAGE), rng.uniform(-1, 1, LABEL)
  pictures = [
    jax.jit(lambda v, network=network: network.apply(v, *inputs)[0])(parted(x))
    for network, x in ((wide, tree), (narrow, sliced))
  ]
  assert np.ptp(pictures[0]) > 0.1
  np.testing.assert_allclose(*pictures, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_width_is_a_copy(name):
  wide = joined(create(NETWORKS[name]))
  sliced = slice_generator(wide, joined(create(NETWORKS[name], seed=1)))
  jax.tree.map(np.testing.assert_array_equal, sliced, wide)


@pytest.mark.parametrize(
  "name, fields, label",
  [
    ("attgan", {"width": 8}, LABEL),
    ("attgan", {"layers": 2}, LABEL),
    ("attgan", {"shortcut": 2}, LABEL),
    ("attgan", {"inject": 2}, LABEL),
    ("attgan", {}, (2, 4)),
    ("stgan", {"shortcut": 1}, LABEL),
    ("stgan", {"unit_width": 12}, LABEL),
    ("stgan", {"unit_inject": 1}, LABEL),
    ("stgan", {"upsample": "resize"}, LABEL),
  ],
)
def test_what_differs_in_more_than_width_is_refused(name, fields, label):
  narrow = NARROW[name].clone(**fields)
  message = error(
    slice_generator, joined(create(NETWORKS[name])),
    joined(create(narrow, label=label)),
  )  # fmt: skip
  assert "config.init='sliced'" in message
