"""Sample grids: the same people, given every attribute by some networks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from akd_jax.data.attributes import set_attribute
from akd_jax.distillation import attention
from akd_jax.distillation.akd import Distillation, Teacher, teacher_target
from akd_jax.inference.translator import Trained, translate_with_attention
from akd_jax.models.stargan import Generator
from akd_jax.plotting import sample_grid as pictures
from akd_jax.training.state import Networks, TrainState

# People on a sample grid.
PEOPLE = 4


class People(NamedTuple):
  """People with the labels that each of them is translated to.

  Attributes:
    images: uint8 [N, S, S, 3].
    targets: [N, C, C], person n with attribute c switched on.
    attributes: the C names.
  """

  images: np.ndarray
  targets: np.ndarray
  attributes: tuple[str, ...]


def first_people(source: Any, count: int = PEOPLE) -> People:
  """Returns the first people of a source, to be given every attribute."""
  records = [source[i] for i in range(min(count, len(source)))]
  labels = np.stack([record["label"] for record in records])
  targets = [
    set_attribute(labels, source.attributes, name, source.exclusive)
    for name in source.attributes
  ]
  images = np.stack([record["image"] for record in records])
  return People(images, np.stack(targets, axis=1), source.attributes)


def draw_sample_grid(
  title: str,
  people: People,
  *,
  networks: Networks,
  state: TrainState,
  teacher: Teacher | None,
  distillation: Distillation | None,
  options: ConfigDict,
) -> np.ndarray:
  """Draws the sample grid of a step: the teacher's lines, if any, above.

  Args:
    title: its heading.
    people: whom to translate.
    networks: those of `state`.
    state: what is trained; its running average is drawn where it has one.
    teacher: its parameters.
    distillation: what else of the teacher is needed.
    options: config.attention.

  Returns:
    uint8 [H, W, 3].
  """
  generator = state.generator if state.ema is None else state.ema
  generator, discriminator, teacher = jax.device_get(
    (generator, state.discriminator, teacher)
  )
  own = logits = np.eye(len(people.attributes), dtype=np.float32)
  scorer = networks.discriminator, discriminator
  lines = []
  if teacher is not None and distillation is not None:
    mapping = distillation.mapping
    taught = Trained(distillation.networks, *teacher)
    attentions = distilled_attention(
      "teacher", taught.networks.generator, options
    )
    lines = draw_lines(
      "teacher", taught, people, attentions, options.method, mapping, mapping
    )
    if options.discriminator == "teacher":
      scorer = distillation.networks.discriminator, teacher.discriminator
      logits = mapping
  legend = "student" if lines else "generator"
  trained = Trained(
    Networks(networks.generator, scorer[0]), generator, scorer[1]
  )
  attentions = distilled_attention(legend, networks.generator, options)
  lines += draw_lines(
    legend, trained, people, attentions, options.method, own, logits
  )
  return pictures.sample_sheet(title, people.attributes, people.images, lines)


def draw_lines(
  legend: str,
  trained: Trained,
  people: People,
  attentions: Mapping[str, str],
  method: str,
  conditions: np.ndarray,
  logits: np.ndarray,
) -> list[pictures.Line]:
  """Draws a line of translations, then some with an attention map laid over.

  Args:
    legend: whose they are.
    trained: networks; its discriminator's logits give the attention.
    people: whom to translate.
    attentions: legend -> activation that the map is taken at.
    method: config.attention.method.
    conditions: [C, T], from the attributes to those the generator is given.
    logits: [C, T'], from the attributes to the discriminator's classes.
  """
  count, classes = people.targets.shape[:2]
  selectors = np.tile(np.eye(classes), (count, 1))
  images, maps = translate_with_attention(
    trained,
    np.repeat(people.images, classes, axis=0),
    np.asarray(teacher_target(people.targets.reshape(-1, classes), conditions)),
    selectors @ logits,
    tuple(attentions.values()),
    method,
  )

  def grid(flat: np.ndarray) -> np.ndarray:
    return flat.reshape(count, classes, *flat.shape[1:])

  lines = [pictures.Line(legend, grid(images))]
  for name, activation in attentions.items():
    lines.append(pictures.Line(name, grid(images), grid(maps[activation])))
  return lines


def distilled_attention(
  legend: str, generator: Generator, options: ConfigDict
) -> dict[str, str]:
  """Returns the attention that config.attention distils, for `draw_lines`."""
  activation = attention.activation_name(
    options.block, options.hook, generator.blocks
  )
  return {f"{legend} attention": activation}
