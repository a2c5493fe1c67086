"""StarGAN of two label sets, as its released code trains it (train_multi).

The golden file holds a small network before and after two iterations, which
end with an update of the generator for each set.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.configs import both
from akd_jax.interop.torch_stargan import (
  discriminator_from_torch,
  generator_from_torch,
)
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems import SYSTEMS
from akd_jax.systems.model import Networks
from akd_jax.systems.randomness import Draws
from akd_jax.training import step as steps
from tests.golden_arrays import error, load, part
from tests.golden_cycles import first_state

SECOND = 4
NETWORKS = Networks(
  Generator(width=4, blocks=1, second=SECOND),
  Discriminator(width=4, layers=3, classes=7),
)
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def arrays():
  return load("stargan_both")


@pytest.fixture(scope="module")
def trained(arrays):
  """The state after one step of ours, and its metrics."""
  config = both.get_config("celeba")
  assert len(config.data.second.attributes) == 8
  config.data.second.attributes = tuple("abcd")
  config.n_critic = 2
  state = first_state(arrays, config)
  # Cycle by cycle: what the release has drawn.
  drawn = iter([slice(3), slice(3, 4)])

  def draw(key, label, axis_name):
    del key, axis_name
    now = next(drawn)
    target = jnp.asarray(arrays["target"][now])
    assert label.shape == target.shape
    return Draws(target, jnp.asarray(arrays["alpha"][now]), target[-1])

  with pytest.MonkeyPatch.context() as patch:
    system = dataclasses.replace(SYSTEMS["stargan"], draw=draw)
    patch.setitem(SYSTEMS, "stargan", system)
    step = functools.partial(steps.train_step, networks=NETWORKS, config=config)
    batch = {name: jnp.asarray(arrays[name]) for name in ("image", "label")}
    return jax.jit(step)(state, None, batch)


def test_terms_equal_the_released_ones(arrays, trained):
  _, metrics = trained
  theirs = arrays["losses"]
  # Of three updates of the discriminator, then of one; each cycle counts once.
  discriminators = (theirs[:3].mean(0) + theirs[3]) / 2
  generators = theirs[2:].mean(0)
  names = ("d_loss_real", "d_loss_fake", "d_loss_cls", "d_loss_gp")
  for name, expected in zip(names, discriminators[:4], strict=True):
    assert metrics[name] == pytest.approx(expected, rel=TOLERANCE), name
  names = ("g_loss_fake", "g_loss_cls", "g_loss_rec")
  for name, expected in zip(names, generators[4:], strict=True):
    assert metrics[name] == pytest.approx(expected, rel=TOLERANCE), name


def test_weights_equal_the_released_ones(arrays, trained):
  state, _ = trained
  assert state.step == 1
  generator = jax.device_get(state.generator)
  released = generator_from_torch(part(arrays, "G1/"))
  ours, theirs = (
    np.array(x["encoder_0"]["conv"].pop("kernel"))
    for x in (generator, released)
  )
  # A norm takes out what the middle of a label's kernel adds everywhere: its
  # gradient is rounding alone, of which Adam takes the sign.
  middle = np.s_[3, 3, 3:]
  assert np.abs(ours[middle] - theirs[middle]).max() <= 2 * 2.1e-4
  ours[middle] = theirs[middle]
  assert error(ours, theirs) <= TOLERANCE
  for one, other in (
    (generator, released),
    (state.discriminator, discriminator_from_torch(part(arrays, "D1/"))),
  ):
    errors = jax.tree.map(error, one, other)
    assert max(jax.tree.leaves(errors)) <= TOLERANCE, errors
