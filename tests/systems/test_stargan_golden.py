"""StarGAN as released: the numbers of its own code, reproduced."""

import jax
import numpy as np
import pytest

from akd_jax.models import convolutions
from akd_jax.training import step as steps
from tests import golden_cycles
from tests.golden_arrays import Released, error

TOLERANCE = 1e-4


def assert_close(ours, reference):
  errors = jax.tree.map(error, ours, reference)
  assert all(x <= TOLERANCE for x in jax.tree.leaves(errors)), errors


@pytest.fixture(scope="module", params=["multilabel", "softmax"])
def released(request):
  return Released(request.param)


def test_outputs_equal_the_released_networks(released):
  assert_close(*released.outputs())


def test_discriminator_loss_and_gradient_equal_the_released_ones(released):
  assert_close(*released.discriminator_update())


def test_generator_loss_and_gradient_equal_the_released_ones(released):
  assert_close(*released.generator_update())


def test_maps_of_every_block_and_class_equal_the_references(released):
  ours, reference = released.maps()
  assert set(reference) == {
    name
    for name in released.arrays
    if name.startswith(("attention/block", "attention/branch"))
  }
  assert_close(ours, reference)


def test_the_weights_of_channels_equal_the_references(released):
  ours, reference = released.channel_weights()
  assert len(reference) == 4  # of the first class, two hooks of two blocks
  assert_close(ours, reference)


def test_maps_at_a_convolution_before_instance_norm_vanish(released):
  for maps in released.all_maps().values():
    for block in (0, 1):
      largest = float(maps[f"block_{block}"].max())
      assert float(maps[f"conv_{block}"].max()) < 1e-5 * largest


@pytest.fixture
def form(request, monkeypatch):
  """As on a CPU, whose updates are unrolled, and as on an accelerator.

  There they are a loop, and convolutions are XLA's own.
  """
  if request.param == "loop":
    for module in (steps, convolutions):
      monkeypatch.setattr(module, "on_cpu", lambda: False)


# Either way of both networks: the student's cycle has the teacher's terms, and
# L_akd beside.
@pytest.mark.parametrize(
  ("who", "form"),
  [("teacher", "loop"), ("student", "unrolled")],
  indirect=["form"],
)
def test_a_cycle_equals_the_references(who, form):
  outcome = getattr(golden_cycles, who)()
  assert_close(*outcome.losses)
  assert_close(*outcome.gradient)
  assert_weights_close(*outcome.discriminator, updates=5)
  assert_weights_close(*outcome.generator, updates=1)


def assert_weights_close(ours, reference, updates):
  """Almost all weights to 1e-4, none further than Adam's noise."""
  every_far = []

  def compare(ours, reference):
    far, furthest = golden_cycles.far_weights(ours, reference, TOLERANCE)
    assert furthest <= updates * 2.1e-4
    assert far <= max(1, 0.02 * ours.size)
    every_far.append(far)

  jax.tree.map(compare, ours, reference)
  weights = sum(np.size(x) for x in jax.tree.leaves(reference))
  assert sum(every_far) <= 0.002 * weights
