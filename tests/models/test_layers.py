"""Every fast convolution equals its plain form, at every derivative."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from akd_jax.models import convolutions
from akd_jax.models.layers import (
  Conv,
  InstanceNorm,
  to_transposed,
  without_resizing,
)

TOLERANCE = 1e-5
NHWC = ("NHWC", "HWIO", "NHWC")


def plain_conv(x, kernel, stride=1):
  pad = (kernel.shape[0] - 1) // 2
  return lax.conv_general_dilated(
    x, kernel, (stride, stride), [(pad, pad)] * 2, dimension_numbers=NHWC
  )


def plain_up(y, kernel):
  return lax.conv_transpose(
    y,
    kernel,
    (2, 2),
    [(2, 2)] * 2,
    dimension_numbers=NHWC,
    transpose_kernel=True,
  )


def weight_gradient(forward, size):
  """(x, cotangent) -> the gradient of `forward` in its kernel."""

  def gradient(x, y):
    kernel = jnp.zeros((size, size, x.shape[-1], y.shape[-1]))
    return jax.vjp(lambda w: forward(x, w), kernel)[1](y)[0]

  return gradient


def same(x, kernel):
  return convolutions.conv(x, kernel, kernel.shape[0] // 2)


def with_planes(x_and_planes, kernel):
  """Splits off three planes, constant over space."""
  x, planes = x_and_planes[..., :-3], x_and_planes[:, 0, 0, -3:]
  return convolutions.conv_with_planes(x, planes, kernel)


def tiled_planes(x_and_planes, kernel):
  x, planes = x_and_planes[..., :-3], x_and_planes[:, :1, :1, -3:]
  planes = jnp.broadcast_to(planes, (*x.shape[:3], 3))
  return plain_conv(jnp.concatenate([x, planes], -1), kernel)


down, plain_down = convolutions.down, partial(plain_conv, stride=2)
up = convolutions.up
# (ours, plain, shape of x, shape of the kernel or of the cotangent). The small
# maps and kernel 7 have forms of their own; sides differ to tell them apart.
# A gradient meets the other forms: up_from_1 that of down from 2x2.
CASES = {
  "down": (down, plain_down, (2, 8, 12, 3), (4, 4, 3, 5)),
  "down_from_4": (down, plain_down, (2, 4, 4, 3), (4, 4, 3, 5)),
  "up": (up, plain_up, (2, 4, 6, 5), (4, 4, 3, 5)),
  "up_from_1": (up, plain_up, (2, 1, 1, 5), (4, 4, 3, 5)),
  "correlate": (
    convolutions._correlate,
    weight_gradient(plain_down, 4),
    (2, 8, 12, 3),
    (2, 4, 6, 5),
  ),
  "wide": (same, plain_conv, (2, 6, 10, 3), (7, 7, 3, 5)),
  "wide_to_fewer": (same, plain_conv, (2, 6, 10, 5), (7, 7, 5, 3)),
  "planes": (with_planes, tiled_planes, (2, 6, 10, 5), (7, 7, 5, 4)),
}


@pytest.fixture(params=CASES)
def case(request):
  ours, plain, *shapes = CASES[request.param]
  rng = np.random.default_rng(0)
  x, kernel = (rng.normal(size=shape) for shape in shapes)
  # Sums of about 1, where tanh bends.
  kernel *= np.prod(kernel.shape[:-1]) ** -0.5
  return ours, plain, [jnp.asarray(a, jnp.float32) for a in (x, kernel)]


def assert_close(ours, reference, tolerance=TOLERANCE):
  """Largest error, relative to the array's largest magnitude."""

  def check(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    assert np.abs(a - b).max() <= tolerance * np.abs(b).max()

  jax.tree.map(check, ours, reference)


def value(form, *inputs):
  return form(*inputs)


def gradients(form, *inputs):
  output, pullback = jax.vjp(form, *inputs)
  cotangent = np.random.default_rng(1).normal(size=output.shape)
  return pullback(jnp.asarray(cotangent, jnp.float32))


def bending(form, *inputs):
  """The gradient of the squared gradient norm of a function that bends.

  Twice a Hessian-vector product: what a gradient penalty and a loss on
  attention maps are made of.
  """

  def size(*inputs):
    slopes = jax.grad(lambda *a: jnp.sum(jnp.tanh(form(*a))), (0, 1))(*inputs)
    return sum(jnp.sum(jnp.square(slope)) for slope in slopes)

  return jax.grad(size, (0, 1))(*inputs)


def assert_both_agree(what, case):
  ours, plain, inputs = case
  assert_close(*(jax.jit(partial(what, f))(*inputs) for f in (ours, plain)))


def test_values_equal_those_of_the_plain_form(case):
  assert_both_agree(value, case)


def test_first_derivatives_equal_those_of_the_plain_form(case):
  assert_both_agree(gradients, case)


def test_second_derivatives_equal_those_of_the_plain_form(case):
  assert_both_agree(bending, case)


# An accelerator has no form of its own of a correlation.
@pytest.mark.parametrize(
  "case", [x for x in CASES if x != "correlate"], indirect=True
)
@pytest.mark.parametrize("what", [value, gradients, bending])
def test_an_accelerators_forms_equal_the_cpus(what, case, monkeypatch):
  form, _, inputs = case
  outputs = []
  for on_cpu in (False, True):
    monkeypatch.setattr(convolutions, "on_cpu", lambda here=on_cpu: here)
    outputs.append(jax.jit(partial(what, form))(*inputs))
  assert_close(*outputs)


@pytest.mark.parametrize("size", [3, 7])
def test_maps_with_odd_sides_are_convolved_as_they_are(size):
  x, kernel = jnp.ones((1, 5, 6, 2)), jnp.ones((size, size, 2, 3))
  assert_close(same(x, kernel), plain_conv(x, kernel))


def test_the_platform_picks_the_form(monkeypatch):
  used = []
  monkeypatch.setattr(convolutions, "_up", lambda y, w: used.append("cpu"))
  y, kernel = jnp.zeros((1, 4, 4, 1)), jnp.zeros((4, 4, 1, 1))
  for platform in ("cpu", "gpu", "tpu"):
    monkeypatch.setattr(jax, "default_backend", lambda name=platform: name)
    convolutions.up(y, kernel)
  assert used == ["cpu"]


KINDS = {
  "same": (Conv(40, 3), 24 * 9),
  "down": (Conv(40, 4, "down", use_bias=True), 24 * 16),
  # PyTorch counts the outputs of a transposed convolution.
  "up": (Conv(40, 4, "up", use_bias=True), 40 * 16),
}


@pytest.mark.parametrize("kind", KINDS)
def test_initialisation_is_uniform_within_pytorchs_bounds(kind):
  layer, fan_in = KINDS[kind]
  params = layer.init(jax.random.key(0), jnp.zeros((1, 4, 4, 24)))["params"]
  bound = fan_in**-0.5
  for values in params.values():
    assert float(jnp.abs(values).max()) <= bound
    assert float(jnp.abs(values).max()) > 0.9 * bound
  spread = float(params["kernel"].std()) * 3**0.5
  np.testing.assert_allclose(spread, bound, rtol=0.03)
  np.testing.assert_allclose(params["kernel"].mean(), 0, atol=0.03 * bound)
  assert ("bias" in params) == layer.use_bias


@pytest.mark.parametrize("kind", [*KINDS, "planes"])
def test_convolutions_compute_in_the_type_asked_for(kind, initialize):
  resample = "same" if kind == "planes" else kind
  layer = Conv(4, 4 if resample != "same" else 7, resample, dtype=jnp.bfloat16)
  inputs = [(1, 8, 8, 3)] + [(1, 2)] * (kind == "planes")
  params = initialize(layer, *inputs)
  out = layer.apply({"params": params}, *map(jnp.ones, inputs))
  assert params["kernel"].dtype == jnp.float32
  assert out.dtype == jnp.bfloat16


def two_pass(x, scale, bias):
  x = np.asarray(x, np.float64)
  mean = x.mean(axis=(1, 2), keepdims=True)
  variance = np.square(x - mean).mean(axis=(1, 2), keepdims=True)
  return (x - mean) / np.sqrt(variance + 1e-5) * scale + bias


def norm_case(offset, spread, initialize):
  rng = np.random.default_rng(0)
  x = rng.normal(offset, spread, (2, 6, 5, 3)).astype(np.float32)
  return x, initialize(InstanceNorm(), x.shape)


# The second shows epsilon, the third a variance of one pass.
@pytest.mark.parametrize(
  "offset, spread, tolerance", [(0, 1, 1e-5), (0, 3e-3, 1e-5), (300, 1, 1e-3)]
)
def test_instance_norm_equals_two_passes_in_numpy(
  offset, spread, tolerance, initialize
):
  x, params = norm_case(offset, spread, initialize)
  ours = InstanceNorm().apply({"params": params}, x)
  reference = two_pass(x, np.array(params["scale"]), np.array(params["bias"]))
  assert_close(ours, reference, tolerance)


def test_instance_norm_takes_its_statistics_in_float32(initialize):
  x, params = norm_case(0, 1, initialize)
  narrow = jnp.asarray(x, jnp.bfloat16)
  ours = InstanceNorm().apply({"params": params}, narrow)
  wide = InstanceNorm().apply({"params": params}, narrow.astype(jnp.float32))
  assert ours.dtype == jnp.bfloat16
  np.testing.assert_array_equal(ours, wide.astype(jnp.bfloat16))


def test_instance_norm_cancels_a_constant_added_to_a_channel(initialize):
  x, params = norm_case(0, 1, initialize)
  shifted = x + np.float32([0.5, -2, 1])
  assert_close(
    InstanceNorm().apply({"params": params}, shifted),
    InstanceNorm().apply({"params": params}, x),
  )


def test_a_resize_convolution_convolves_doubled_pixels():
  rng = np.random.default_rng(0)
  x = jnp.asarray(rng.normal(size=(2, 5, 5, 3)), jnp.float32)
  layer = Conv(4, 3, "resize", use_bias=True)
  variables = layer.init(jax.random.key(0), x)
  kernel = variables["params"]["resize_kernel"]
  doubled = x.repeat(2, axis=1).repeat(2, axis=2)
  expected = plain_conv(doubled, kernel) + variables["params"]["bias"]
  np.testing.assert_allclose(
    layer.apply(variables, x), expected, atol=TOLERANCE
  )
  # PyTorch's bound for Conv2d(3, 4, 3).
  assert 0.5 < np.abs(kernel).max() * 27**0.5 <= 1


def test_a_resize_convolution_is_written_as_the_transposed_one_it_equals():
  rng = np.random.default_rng(0)
  x = jnp.asarray(rng.normal(size=(1, 4, 4, 3)), jnp.float32)
  kernel = jnp.asarray(rng.normal(size=(3, 3, 3, 2)), jnp.float32)
  params = {"a": {"conv": {"resize_kernel": kernel}}, "b": {"kernel": 1}}
  written = without_resizing(params)
  assert set(written["a"]["conv"]) == {"kernel"} and written["b"] == {
    "kernel": 1
  }
  np.testing.assert_array_equal(
    written["a"]["conv"]["kernel"], to_transposed(kernel)
  )
  np.testing.assert_allclose(
    plain_up(x, written["a"]["conv"]["kernel"]),
    plain_conv(x.repeat(2, axis=1).repeat(2, axis=2), kernel),
    atol=TOLERANCE,
  )


def test_a_pooled_convolution_averages_what_it_convolves():
  rng = np.random.default_rng(0)
  x = jnp.asarray(rng.normal(size=(2, 8, 6, 3)), jnp.float32)
  layer = Conv(4, 3, "pool", use_bias=True)
  variables = layer.init(jax.random.key(0), x)
  kernel, bias = (variables["params"][k] for k in ("kernel", "bias"))
  convolved = np.asarray(plain_conv(x, kernel) + bias)
  expected = convolved.reshape(2, 4, 2, 3, 2, 4).mean((2, 4))
  np.testing.assert_allclose(
    layer.apply(variables, x), expected, atol=TOLERANCE
  )
