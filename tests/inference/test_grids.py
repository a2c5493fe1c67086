"""Sample pictures: which lines there are of whom."""

import numpy as np
import pytest

from akd_jax.inference import grids
from akd_jax.inference.translator import Translator
from akd_jax.models.stargan import MASK, Discriminator, Generator
from akd_jax.systems.model import Model, Networks
from akd_jax.systems.stargan import STARGAN

COUNT, CLASSES, SIZE = 2, 3, 8
PEOPLE = grids.People(
  images=np.zeros((COUNT, SIZE, SIZE, 3), np.uint8),
  labels=np.zeros((COUNT, CLASSES), np.uint8),
  targets=np.tile(np.eye(CLASSES, dtype=np.uint8), (COUNT, 1, 1)),
  attributes=("a", "b", "c"),
)


@pytest.mark.parametrize("output", ["image", "blend"])
def test_the_mask_of_a_blend_is_one_more_line(monkeypatch, output):
  drawn = np.arange(COUNT * CLASSES)[:, None, None] * np.ones((SIZE, SIZE))

  def translate_with_attention(translator, images, *_):
    maps = {"block_0": np.zeros((len(images), 2, 2))}
    if translator.model.networks.generator.output == "blend":
      maps[MASK] = drawn
    return images, maps

  monkeypatch.setattr(
    grids, "translate_with_attention", translate_with_attention
  )
  networks = Networks(Generator(2, 1, output=output), Discriminator(2, 1, 3))
  own = np.eye(CLASSES)
  student = Translator(
    "student",
    PEOPLE.attributes,
    STARGAN,
    Model({}, {}, networks),
    own,
    STARGAN,
    own,
  )
  attentions = {"student attention": "block_0"}
  lines = grids.draw_lines(student, PEOPLE, attentions, "grad_cam")
  translations, attention, *more = lines
  assert translations.attention is None
  assert attention.attention.shape == (COUNT, CLASSES, 2, 2)
  if output == "image":
    assert not more
  else:
    (mask,) = more
    np.testing.assert_array_equal(
      mask.attention, drawn.reshape(COUNT, CLASSES, SIZE, SIZE)
    )
