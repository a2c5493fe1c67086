"""Sample pictures: which lines there are of whom."""

from types import SimpleNamespace

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


def test_every_person_is_given_every_attribute(monkeypatch):
  """Two people whose pictures, labels and targets are their own."""
  asked = []

  def translate_with_attention(translator, images, wanted, classes, look):
    asked.append((wanted, classes))
    return images, {name: images[..., 0] for name in look.names}

  monkeypatch.setattr(
    grids, "translate_with_attention", translate_with_attention
  )
  labels = np.array([[1, 0, 0], [0, 1, 1]], np.uint8)

  class Source:
    attributes, exclusive = PEOPLE.attributes, ()

    def __len__(self):
      return COUNT

    def __getitem__(self, index):
      picture = np.full((SIZE, SIZE, 3), 7 + index, np.uint8)
      return {"image": picture, "label": labels[index]}

  people = grids.choose_people(Source())
  translations, attention = grids.draw_lines(
    SimpleNamespace(name="student"), people, {"map": "block_0"}, "grad_cam"
  )
  ((wanted, classes),) = asked
  each = np.eye(CLASSES)
  given = labels.repeat(CLASSES, axis=0)
  np.testing.assert_array_equal(wanted.labels, given)
  np.testing.assert_array_equal(
    wanted.targets, np.maximum(given, np.tile(each, (COUNT, 1)))
  )
  np.testing.assert_array_equal(wanted.edits, np.tile(each, (COUNT, 1)))
  np.testing.assert_array_equal(classes, wanted.edits)
  # A line a person, a column an attribute.
  for grid in (translations.images[..., 0], attention.attention):
    np.testing.assert_array_equal(grid[:, :, 0, 0], [[7] * 3, [8] * 3])
