"""Narrow generators that are cut out of wide ones."""

import copy

import jax
import numpy as np
import pytest

from akd_jax.models.stargan import Generator
from akd_jax.systems.stargan_slices import slice_generator
from tests.layouts import error
from tests.small_runs import assert_same_bits

CLASSES = 3
INPUTS = (2, 16, 16, 3), (2, CLASSES)
NARROW, WIDE = Generator(2, 1), Generator(4, 2)


@pytest.fixture(scope="module")
def narrow(initialize):
  return on_host(initialize(NARROW, *INPUTS))


@pytest.fixture(scope="module")
def wide(initialize):
  return on_host(initialize(WIDE, *INPUTS, seed=1))


def on_host(params):
  return jax.tree.map(np.array, params)


def shaped(shapes_of, generator, classes=CLASSES):
  """Parameters of the shapes that another generator has."""
  shapes = shapes_of(generator, INPUTS[0], (2, classes))
  return jax.tree.map(lambda x: np.zeros(x.shape, np.float32), shapes)


def test_a_generator_of_the_same_size_is_a_copy(wide):
  assert_same_bits(slice_generator(wide, wide), wide)


def largest(kernel, axis, count):
  """Channels with the largest sum of |weights|, one by one."""
  sizes = [
    sum(abs(float(x)) for x in np.take(kernel, i, axis).ravel())
    for i in range(kernel.shape[axis])
  ]
  order = sorted(range(len(sizes)), key=lambda i: -sizes[i])
  return sorted(order[:count])


def test_kernels_are_entries_of_the_largest_channels(wide, narrow):
  sliced = slice_generator(wide, narrow)
  kernels = [wide[f"encoder_{i}"]["conv"]["kernel"] for i in range(3)]
  first, second, trunk = (
    largest(kernel, 3, count)
    for kernel, count in zip(kernels, (2, 4, 8), strict=True)
  )
  block = wide["residual_1"]
  inner = largest(block["conv_0"]["kernel"], 3, 8)
  decoders = [wide[f"decoder_{i}"]["conv"]["kernel"] for i in range(2)]
  fourth, fifth = (
    largest(kernel, 2, count)
    for kernel, count in zip(decoders, (4, 2), strict=True)
  )
  planes = list(range(3 + CLASSES))
  for path, source, incoming, outgoing in (
    ("encoder_0/conv", kernels[0], planes, first),
    ("encoder_1/conv", kernels[1], first, second),
    ("encoder_2/conv", kernels[2], second, trunk),
    ("residual_0/conv_0", block["conv_0"]["kernel"], trunk, inner),
    ("residual_0/conv_1", block["conv_1"]["kernel"], inner, trunk),
    # Kernels of transposed convolutions have their outgoing channels first.
    ("decoder_0/conv", decoders[0], fourth, trunk),
    ("decoder_1/conv", decoders[1], fifth, fourth),
    ("output", wide["output"]["kernel"], fifth, [0, 1, 2]),
  ):
    found = sliced
    for name in path.split("/"):
      found = found[name]
    pixels = map(range, source.shape[:2])
    expected = source[np.ix_(*pixels, incoming, outgoing)]
    np.testing.assert_array_equal(found["kernel"], expected)
  for path, norm, chosen in (
    ("encoder_1/norm", wide["encoder_1"]["norm"], second),
    ("residual_0/norm_0", block["norm_0"], inner),
    ("residual_0/norm_1", block["norm_1"], trunk),
    ("decoder_0/norm", wide["decoder_0"]["norm"], fourth),
  ):
    layer, name = path.split("/")
    for key, x in sliced[layer][name].items():
      np.testing.assert_array_equal(x, norm[key][chosen])


@pytest.fixture(scope="module")
def hidden(narrow, wide):
  """The narrow generator inside of the wide one.

  The other channels are there, and small, but nobody looks at them; the first
  block changes nothing.
  """
  rng = np.random.default_rng(2)
  found = jax.tree.map(lambda x: 1e-3 * x, copy.deepcopy(wide))

  def places(count):
    return np.sort(rng.permutation(2 * count)[:count])

  def norm(layer, source, chosen):
    for key, x in source.items():
      layer[key][chosen] = x

  def conv(layer, source, incoming, outgoing, transposed=False):
    kernel = layer["kernel"]
    if transposed:
      # [k, k, out, in], as the source's.
      kernel[:, :, outgoing] = 0
      for i, a in enumerate(outgoing):
        kernel[:, :, a, incoming] = source[:, :, i]
      return
    kernel[..., outgoing] = 0
    for i, a in enumerate(outgoing):
      kernel[:, :, incoming, a] = source[..., i]

  planes = np.arange(3 + CLASSES)
  kept = planes
  for i, count in enumerate((2, 4, 8)):
    chosen, name = places(count), f"encoder_{i}"
    source = narrow[name]
    conv(found[name]["conv"], source["conv"]["kernel"], kept, chosen)
    norm(found[name]["norm"], source["norm"], chosen)
    kept = chosen
  trunk, inner, source = kept, places(8), narrow["residual_0"]
  block = found["residual_1"]
  conv(block["conv_0"], source["conv_0"]["kernel"], trunk, inner)
  conv(block["conv_1"], source["conv_1"]["kernel"], inner, trunk)
  norm(block["norm_0"], source["norm_0"], inner)
  norm(block["norm_1"], source["norm_1"], trunk)
  for x in found["residual_0"]["norm_1"].values():
    x[:] = 0
  for i, count in enumerate((4, 2)):
    chosen, name = places(count), f"decoder_{i}"
    source = narrow[name]
    kernel = source["conv"]["kernel"]
    conv(found[name]["conv"], kernel, kept, chosen, transposed=True)
    norm(found[name]["norm"], source["norm"], chosen)
    kept = chosen
  conv(found["output"], narrow["output"]["kernel"], kept, np.arange(3))
  return found


def test_channels_that_nobody_looks_at_are_not_missed(
  hidden, narrow, shapes_of
):
  sliced = slice_generator(hidden, shaped(shapes_of, NARROW))
  assert_same_bits(sliced, narrow)
  rng = np.random.default_rng(0)
  image = rng.uniform(-1, 1, INPUTS[0]).astype(np.float32)
  label = np.float32([[1, 0, 1], [0, 1, 0]])
  ours, theirs = (
    jax.jit(generator.apply)({"params": params}, image, label)[0]
    for generator, params in ((NARROW, sliced), (WIDE, hidden))
  )
  assert np.abs(ours).max() > 0.1
  np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_mask_that_the_wide_one_lacks_starts_at_a_half(
  wide, narrow, shapes_of
):
  blend = shaped(shapes_of, Generator(2, 1, output="blend"))
  kernel = slice_generator(wide, blend)["output"]["kernel"]
  plain = slice_generator(wide, narrow)["output"]["kernel"]
  np.testing.assert_array_equal(kernel[..., :3], plain)
  assert kernel.shape[-1] == 4 and not np.any(kernel[..., 3])


def test_a_mask_is_taken_from_a_blend_or_left_there(
  initialize, narrow, shapes_of
):
  both = [Generator(width, 1, output="blend") for width in (4, 2)]
  wide = on_host(initialize(both[0], *INPUTS))
  blend = shaped(shapes_of, both[1])
  kernel = slice_generator(wide, blend)["output"]["kernel"]
  assert kernel.shape[-1] == 4 and np.all(kernel[..., 3])
  plain = slice_generator(wide, narrow)["output"]["kernel"]
  np.testing.assert_array_equal(kernel[..., :3], plain)


@pytest.mark.parametrize(
  ("generator", "classes", "parts"),
  [
    (Generator(5, 1), CLASSES, ("width 5", "width 4")),
    (Generator(2, 3), CLASSES, ("3 blocks", "one of 2")),
    (Generator(2, 1), 2, ("2 attributes", "one of 3")),
  ],
)
def test_what_can_not_be_cut_out_is_refused(
  wide, shapes_of, generator, classes, parts
):
  other = shaped(shapes_of, generator, classes)
  message = error(slice_generator, wide, other)
  assert "config.init='sliced'" in message and "\n" not in message
  for part in parts:
    assert part in message


def test_resize_convolutions_are_cut_as_transposed_ones_are(initialize):
  wide, narrow = (
    on_host(initialize(x.clone(upsample="resize"), *INPUTS))
    for x in (WIDE, NARROW)
  )
  assert_same_bits(slice_generator(wide, wide), wide)
  name = "resize_kernel"
  sliced = slice_generator(wide, narrow)["decoder_0"]["conv"][name]
  kernel = wide["decoder_0"]["conv"][name]
  trunk = largest(wide["encoder_2"]["conv"]["kernel"], 3, 8)
  chosen = largest(kernel, 3, 4)
  np.testing.assert_array_equal(sliced, kernel[:, :, trunk][..., chosen])


def test_one_kind_of_decoder_is_not_cut_out_of_the_other(initialize, wide):
  narrow = initialize(NARROW.clone(upsample="resize"), *INPUTS)
  message = error(slice_generator, wide, on_host(narrow))
  assert "config.generator.upsample='resize' from one of 'transp" in message
