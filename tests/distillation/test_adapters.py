"""Learnt 1x1 convolutions between the channels of two networks."""

import jax
import numpy as np

from akd_jax.distillation.adapters import adapt, create_adapters

SHAPES = [
  tuple(jax.ShapeDtypeStruct((1, 4, 4, k), np.float32) for k in channels)
  for channels in ((16, 24), (16, 24), (4, 3))
]


def test_every_pair_has_an_adapter_of_its_channels():
  created = create_adapters(jax.random.key(0), SHAPES)
  assert {
    name: (x["kernel"].shape, x["bias"].shape) for name, x in created.items()
  } == {
    "adapter_0": ((16, 24), (24,)),
    "adapter_1": ((16, 24), (24,)),
    "adapter_2": ((4, 3), (3,)),
  }


def test_adapters_start_apart_within_the_bound_of_their_fan_in():
  created = create_adapters(jax.random.key(0), SHAPES)
  first, second, third = (x["kernel"] for x in created.values())
  assert np.all(np.asarray(first) != np.asarray(second))
  for kernel, bound in ((first, 0.25), (second, 0.25), (third, 0.5)):
    assert 0.8 * bound < np.abs(kernel).max() <= bound
    assert np.asarray(kernel).min() < 0 < np.asarray(kernel).max()


def test_biases_start_within_the_same_bound_and_are_no_weights():
  for adapter in create_adapters(jax.random.key(0), SHAPES[:2]).values():
    kernel, bias = map(np.asarray, (adapter["kernel"], adapter["bias"]))
    # A quarter of 16 channels in, whatever comes out.
    assert 0.9 * 0.25 < np.abs(bias).max() <= 0.25
    assert not np.isin(bias, kernel).any()


def test_an_adapter_mixes_the_channels_of_each_pixel():
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, 3, 3, 4)).astype(np.float32)
  kernel, bias = rng.normal(size=(4, 5)), rng.normal(size=5)
  (found,) = adapt({"adapter_0": {"kernel": kernel, "bias": bias}}, [(x, None)])
  for b, i, j in np.ndindex(2, 3, 3):
    expected = kernel.T @ x[b, i, j] + bias
    np.testing.assert_allclose(found[b, i, j], expected, rtol=1e-4, atol=1e-5)
