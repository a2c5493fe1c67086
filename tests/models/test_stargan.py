"""StarGAN's networks: sizes, taps, types."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.configs import student, teacher
from akd_jax.interop import numpy_generator
from akd_jax.models import convolutions
from akd_jax.models.stargan import Discriminator, Generator

GENERATORS = {
  (64, 6): {5: 8_430_528, 7: 8_436_800, 8: 8_439_936},
  (32, 3): {5: 1_231_840, 7: 1_234_976, 8: 1_236_544},
  (16, 1): {5: 164_848, 7: 166_416, 8: 167_200},
}
DISCRIMINATORS = {5: 44_762_048, 7: 44_778_432, 8: 44_786_624}

SMALL = Generator(width=2, blocks=2)
SIZE, CLASSES = 16, 3
# The shapes of test_attention and test_distillation: compiled once for all.
INPUTS = ((3, SIZE, SIZE, 3), (3, CLASSES))
JUDGE = Discriminator(width=4, layers=2, classes=CLASSES)


def types(tree):
  return {str(leaf.dtype) for leaf in jax.tree.leaves(tree)}


def count(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("classes", DISCRIMINATORS)
@pytest.mark.parametrize("size", GENERATORS)
def test_generator_has_the_released_number_of_parameters(
  size, classes, shapes_of
):
  params = shapes_of(Generator(*size), (1, 128, 128, 3), (1, classes))
  assert count(params) == GENERATORS[size][classes]


@pytest.mark.parametrize("classes", DISCRIMINATORS)
def test_discriminator_has_the_released_number_of_parameters(
  classes, shapes_of
):
  params = shapes_of(Discriminator(classes=classes), (1, 128, 128, 3))
  assert count(params) == DISCRIMINATORS[classes]


@pytest.mark.parametrize("scale", ["celeba", "rafd"])
@pytest.mark.parametrize("recipe", [teacher, student])
def test_every_generator_of_the_papers_is_in_the_table(recipe, scale):
  config = recipe.get_config(scale)
  size = config.generator.width, config.generator.blocks
  assert len(config.data.attributes) in GENERATORS[size]
  assert config.data.image_size == 128
  judge = Discriminator(**config.discriminator.to_dict())
  assert (judge.width, judge.layers) == (
    Discriminator.width,
    Discriminator.layers,
  )


@pytest.mark.parametrize("size", GENERATORS)
def test_maps_of_all_students_have_the_size_of_the_teachers(size):
  generator = Generator(*size)
  image, label = jnp.zeros((1, 128, 128, 3)), jnp.zeros((1, 7))
  output, features = jax.eval_shape(
    lambda: generator.init_with_output(jax.random.key(0), image, label)[0]
  )
  assert output.shape == image.shape
  shapes = {name: x.shape for name, x in features.items()}
  assert shapes.pop("decode_0") == (1, 64, 64, 2 * size[0])
  assert shapes.pop("decode_1") == (1, 128, 128, size[0])
  assert set(shapes) == {
    f"{h}_{i}" for h in ("block", "branch", "conv") for i in range(size[1])
  }
  assert set(shapes.values()) == {(1, 32, 32, 4 * size[0])}


def test_discriminator_halves_the_picture_layer_by_layer():
  (source, logits), features = jax.eval_shape(
    lambda: Discriminator(8, 3, 5).init_with_output(
      jax.random.key(0), jnp.zeros((2, 32, 32, 3))
    )[0]
  )
  assert source.shape == (2, 4, 4, 1)
  assert logits.shape == (2, 5)
  assert {name: x.shape for name, x in features.items()} == {
    "layer_0": (2, 16, 16, 8),
    "layer_1": (2, 8, 8, 16),
    "layer_2": (2, 4, 4, 32),
  }


@pytest.fixture(scope="module")
def params(initialize):
  return initialize(SMALL, *INPUTS)


@pytest.fixture(scope="module")
def inputs():
  rng = np.random.default_rng(1)
  image = rng.uniform(-1, 1, INPUTS[0]).astype(np.float32)
  return jnp.asarray(image), jnp.array([[1.0, 0, 1], [0, 1, 0], [0, 0, 0]])


@pytest.fixture(scope="module")
def untapped(params, inputs):
  return SMALL.apply({"params": params}, *inputs)


def test_generated_images_are_in_the_range_of_images(untapped):
  image, _ = untapped
  assert 0.1 < float(jnp.abs(image).max()) <= 1


def test_taps_of_zeros_change_nothing(params, inputs, untapped):
  image, features = untapped
  taps = {name: jnp.zeros_like(x) for name, x in features.items()}
  tapped = SMALL.apply({"params": params}, *inputs, taps)
  np.testing.assert_array_equal(tapped[0], image)
  for name, activation in tapped[1].items():
    np.testing.assert_array_equal(activation, features[name])


def test_a_tap_is_added_to_the_activation_of_its_name(params, inputs, untapped):
  image, features = untapped
  taps = {"block_1": jnp.ones_like(features["block_1"])}
  tapped = SMALL.apply({"params": params}, *inputs, taps)
  expected = features["block_1"] + 1
  np.testing.assert_array_equal(tapped[1]["block_1"], expected)
  np.testing.assert_array_equal(tapped[1]["block_0"], features["block_0"])


def test_a_tap_of_another_batch_is_not_broadcast(params, inputs, untapped):
  tap = untapped[1]["block_0"][:1]
  with pytest.raises(ValueError, match=r"'block_0' is \(1, 4, 4, 8\), not \(3"):
    SMALL.apply({"params": params}, *inputs, {"block_0": tap})


def test_a_tap_of_no_activation_is_refused(params, inputs, untapped):
  tap = untapped[1]["block_0"]
  with pytest.raises(ValueError, match="block_2"):
    SMALL.apply({"params": params}, *inputs, {"block_2": tap})


def test_the_decoders_activations_are_what_its_layers_make(params, untapped):
  # By layers that are written in NumPy.
  image, found = untapped
  block, first, last = (
    np.asarray(found[name][0]) for name in ("block_1", "decode_0", "decode_1")
  )
  x = block
  for i, expected in enumerate((first, last)):
    layer = jax.tree.map(np.asarray, params[f"decoder_{i}"])
    x = numpy_generator.upsample(x, layer["conv"]["kernel"])
    x = numpy_generator.normalize(x, **layer["norm"]).clip(0)
    np.testing.assert_allclose(x, expected, atol=2e-5)
  kernel = np.asarray(params["output"]["kernel"])
  drawn = np.tanh(numpy_generator.convolve(x, kernel))
  np.testing.assert_allclose(drawn, image[0], atol=2e-5)


def test_label_planes_are_seen_by_the_generator(params, inputs, untapped):
  image, label = inputs
  other, _ = SMALL.apply({"params": params}, image, 1 - label)
  assert float(jnp.abs(other - untapped[0]).max()) > 1e-3


BLEND = SMALL.clone(output="blend")


@pytest.fixture(scope="module")
def blended(initialize, inputs):
  """A blend's parameters, its picture, activations and last convolution."""
  params = initialize(BLEND, *INPUTS)
  (image, features), state = jax.jit(
    lambda params, *inputs: BLEND.apply(
      {"params": params},
      *inputs,
      capture_intermediates=lambda module, _: module.name == "output",
      mutable=["intermediates"],
    )
  )(params, *inputs)
  (last,) = state["intermediates"]["output"]["__call__"]
  return params, np.asarray(image), features, np.float64(last)


def test_a_blend_copies_the_photo_where_its_mask_says_so(blended, inputs):
  _, image, features, last = blended
  mask = 1 / (1 + np.exp(-last[..., 3:]))
  assert mask.shape == (*INPUTS[0][:3], 1)
  assert 0 <= mask.min() < 0.4 and 0.6 < mask.max() <= 1
  expected = mask * inputs[0] + (1 - mask) * np.tanh(last[..., :3])
  np.testing.assert_allclose(image, expected, atol=1e-5)
  np.testing.assert_allclose(features["mask"], mask, atol=1e-5)


def test_a_blend_is_the_other_generator_but_for_its_last_layer(
  params, shapes_of
):
  plain, blend = (
    jax.tree.map(np.shape, shapes_of(x, *INPUTS)) for x in (SMALL, BLEND)
  )
  assert plain == jax.tree.map(np.shape, params)
  assert plain.pop("output") == {"kernel": (7, 7, 2, 3)}
  assert blend.pop("output") == {"kernel": (7, 7, 2, 4)}
  assert blend == plain


def test_a_blends_picture_can_be_asked_for_its_blocks(blended, inputs):
  params, image, features, _ = blended
  taps = {name: jnp.zeros_like(x) for name, x in features.items()}
  assert set(taps) == {
    "mask",
    *(
      f"{hook}_{i}"
      for hook in ("block", "branch", "conv", "decode")
      for i in (0, 1)
    ),
  }
  tapped, _ = jax.jit(BLEND.apply)({"params": params}, *inputs, taps)
  np.testing.assert_allclose(tapped, image, atol=1e-6)


def test_a_mask_whose_kernel_is_zero_is_a_half(blended, inputs):
  params = blended[0]
  kernel = params["output"]["kernel"].at[..., 3].set(0)
  params = params | {"output": {"kernel": kernel}}
  taps = {name: jnp.zeros_like(x) for name, x in blended[2].items()}
  _, features = jax.jit(BLEND.apply)({"params": params}, *inputs, taps)
  np.testing.assert_array_equal(features["mask"], 0.5)


def test_an_image_the_discriminator_can_not_halve_is_refused(shapes_of):
  with pytest.raises(ValueError, match="12 is not a multiple of 2"):
    shapes_of(Discriminator(4, 3, 5), (1, 12, 12, 3))


def test_bfloat16_keeps_parameters_and_outputs_in_float32(
  params, inputs, untapped, initialize, shapes_of
):
  narrow = Generator(SMALL.width, SMALL.blocks, dtype=jnp.bfloat16)
  assert types(shapes_of(narrow, *INPUTS)) == {"float32"}
  image, features = jax.jit(narrow.apply)({"params": params}, *inputs)
  assert types(image) == {"float32"}
  assert types(features) == {"bfloat16"}
  assert_near(image, untapped[0])
  assert_near(features["block_1"].astype(float), untapped[1]["block_1"])

  judge = initialize(JUDGE, INPUTS[0])
  wide, _ = jax.jit(JUDGE.apply)({"params": judge}, inputs[0])
  half = JUDGE.clone(dtype=jnp.bfloat16)
  verdict, _ = jax.jit(half.apply)({"params": judge}, inputs[0])
  assert types(verdict) == {"float32"}
  jax.tree.map(assert_near, verdict, wide)


def assert_near(narrow, wide):
  """Within the noise of 8 bits through ten layers."""
  error = np.abs(np.asarray(narrow) - np.asarray(wide))
  assert 0 < error.max() < 0.1 * np.abs(wide).max()


def test_networks_equal_those_of_an_accelerator(
  params, inputs, untapped, initialize, monkeypatch
):
  judge = initialize(JUDGE, INPUTS[0])
  verdict, _ = JUDGE.apply({"params": judge}, untapped[0])
  monkeypatch.setattr(convolutions, "on_cpu", lambda: False)
  image, _ = SMALL.apply({"params": params}, *inputs)
  np.testing.assert_allclose(image, untapped[0], atol=1e-5)
  again, _ = JUDGE.apply({"params": judge}, image)
  for ours, theirs in zip(verdict, again, strict=True):
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
