"""Pictures through a generator: any number, with the same result."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.inference.network import Wanted
from akd_jax.inference.translator import (
  Look,
  Translator,
  translate,
  translate_with_attention,
)
from akd_jax.models.pixels import to_uint8, to_unit
from akd_jax.models.stargan import MASK, Discriminator, Generator
from akd_jax.systems.model import Model, Networks
from akd_jax.systems.stargan import STARGAN

SIZE, CLASSES = 16, 3


@pytest.fixture(scope="module")
def trained(initialize):
  return make_translator(initialize, Generator(width=2, blocks=2))


def make_translator(initialize, generator):
  networks = Networks(generator, Discriminator(width=2, layers=2, classes=3))
  image, label = (1, SIZE, SIZE, 3), (1, CLASSES)
  model = Model(
    initialize(networks.generator, image, label),
    initialize(networks.discriminator, image),
    networks,
  )
  own = np.eye(CLASSES, dtype=np.float32)
  return Translator(
    "generator", ("a", "b", "c"), STARGAN, model, own, STARGAN, own
  )


def draw(count):
  rng = np.random.default_rng(count)
  images = rng.integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)
  return images, rng.integers(0, 2, (count, CLASSES)).astype(np.uint8)


def as_it_is(labels):
  """Nothing is to change."""
  return Wanted(labels, labels, np.zeros_like(labels))


def test_every_pixel_value_survives_the_round_trip():
  values = jnp.arange(256, dtype=jnp.uint8)
  unit = to_unit(values)
  assert unit[0] == -1 and unit[-1] == 1
  np.testing.assert_array_equal(to_uint8(unit), values)


def test_what_is_out_of_range_is_clipped():
  assert to_uint8(jnp.array([-1.5, 1.5])).tolist() == [0, 255]


generate = jax.jit(Model.generate)


@pytest.mark.parametrize("count", [1, 8, 19])
def test_an_image_does_not_depend_on_its_batch(trained, count):
  images, labels = draw(count)
  result = translate(trained, images, as_it_is(labels))
  assert result.shape == images.shape and result.dtype == np.uint8
  direct, _ = generate(
    trained.model, to_unit(jnp.asarray(images)), labels.astype(np.float32)
  )
  difference = result.astype(int) - np.asarray(to_uint8(direct))
  # The same numbers, but for a rounding of one half.
  assert np.abs(difference).max() <= 1
  assert np.mean(difference != 0) < 0.001


def test_any_number_of_images_from_two_is_one_program(trained):
  compiled = []
  jax.monitoring.register_event_duration_secs_listener(
    lambda name, *_, **__: (
      compiled.append(name) if "backend_compile" in name else None
    )
  )
  try:
    for count in (33, 3, 8):
      images, labels = draw(count)
      translate(trained, images, as_it_is(labels))
  finally:
    jax.monitoring.clear_event_listeners()
  assert len(compiled) <= 1


def test_attention_comes_with_the_same_images(trained):
  images, labels = draw(4)
  selectors = np.eye(CLASSES)[[0, 1, 2, 0]]
  plain = translate(trained, images, as_it_is(labels))
  translated, maps = translate_with_attention(
    trained,
    images,
    as_it_is(labels),
    selectors,
    Look(["block_0", "branch_0"], "grad_cam"),
  )
  assert np.abs(translated.astype(int) - plain).max() <= 1
  assert list(maps) == ["block_0", "branch_0"]
  for some in maps.values():
    assert some.shape == (4, SIZE // 4, SIZE // 4)
    assert np.all(some >= 0) and some.max() > 0
  # Another class of the same picture is looked for elsewhere.
  same_image = translate_with_attention(
    trained, images[[0, 0]], as_it_is(labels[[0, 0]]), selectors[:2],
    Look(["block_0"], "grad_cam"),
  )[1]["block_0"]  # fmt: skip
  assert not np.allclose(same_image[0], same_image[1])
  other = translate_with_attention(
    trained, images, as_it_is(labels), selectors, Look(["block_0"], "hires_cam")
  )[1]["block_0"]
  assert other.shape == maps["block_0"].shape
  assert not np.allclose(other, maps["block_0"])


def test_a_blend_says_where_it_draws(initialize):
  generator = Generator(width=2, blocks=1, output="blend")
  blend = make_translator(initialize, generator)
  images, labels = draw(3)
  selectors = np.eye(CLASSES)
  translated, maps = translate_with_attention(
    blend, images, as_it_is(labels), selectors, Look(["block_0"], "grad_cam")
  )
  assert set(maps) == {"block_0", MASK}
  unit, given = to_unit(jnp.asarray(images)), labels.astype(np.float32)
  picture, activations = generate(blend.model, unit, given)
  np.testing.assert_allclose(
    maps[MASK], 1 - activations[MASK][..., 0], atol=1e-5
  )
  assert np.abs(translated.astype(int) - to_uint8(picture)).max() <= 1
  # Whatever it changes, it draws: by no more than its share of the range.
  changed = np.abs(picture - unit).max(-1)
  assert (changed <= 2 * maps[MASK] + 1e-5).all() and changed.max() > 0.1
