"""The sample pictures of training: the same people, given every attribute."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from akd_jax.data.attributes import set_attribute
from akd_jax.inference.network import Wanted
from akd_jax.inference.translator import (
  Look,
  Translator,
  translate_with_attention,
  translators_of,
)
from akd_jax.models.stargan import MASK
from akd_jax.plotting import sample_grid as pictures
from akd_jax.systems.model import Model
from akd_jax.training.hooks import Found, Hook, Setting

PEOPLE = 4
_NAME = "step_{:06}.png"


class People(NamedTuple):
  """People with the labels that each of them is translated to.

  Attributes:
    images: uint8 [N, S, S, 3].
    labels: [N, C], their own.
    targets: [N, C, C], person n with attribute c switched on.
    attributes: the C names.
  """

  images: np.ndarray
  labels: np.ndarray
  targets: np.ndarray
  attributes: tuple[str, ...]


def choose_people(source: Any, count: int = PEOPLE) -> People:
  """Returns the first people of a source, to be given each attribute."""
  records = [source[i] for i in range(min(count, len(source)))]
  labels = np.stack([record["label"] for record in records])
  targets = [
    set_attribute(labels, source.attributes, name, source.exclusive)
    for name in source.attributes
  ]
  images = np.stack([record["image"] for record in records])
  return People(images, labels, np.stack(targets, axis=1), source.attributes)


def make_sample_hook(setting: Setting) -> Hook:
  """Makes the hook that writes WORKDIR/samples/step_N.png.

  Each is a sample grid of validation people: translations and attention, the
  teacher's above. The first is drawn at once, before the first step.
  """
  config, workdir = setting.config, pathlib.Path(setting.workdir)
  people = choose_people(setting.validation)

  def draw(step: int, model: Model) -> Found:
    grid = draw_sample_grid(
      f"{workdir.name}, step {step:,}",
      people,
      [
        Portrayed(translator, config.attention)
        for translator in translators_of(config, model, setting.teacher)
      ],
    )
    pictures.save_png(workdir / "samples" / _NAME.format(step), grid)
    return Found(images={"samples": grid})

  if setting.step == 0 and jax.process_index() == 0:
    draw(0, setting.model)
    print(
      f"look at {workdir}/samples: {_NAME.format(0)} is the first", flush=True
    )
  return Hook(config.sample_every, draw)


class Portrayed(NamedTuple):
  """A network, and how its attention is taken.

  Attributes:
    translator: the network.
    options: config.attention.
  """

  translator: Translator
  options: ConfigDict


def draw_sample_grid(
  title: str, people: People, networks: Sequence[Portrayed]
) -> np.ndarray:
  """Draws people as each network translates them, its attention beneath.

  Args:
    title: the grid's heading.
    people: whom to translate.
    networks: from top to bottom.

  Returns:
    uint8 [H, W, 3].
  """
  lines = []
  for translator, options in networks:
    attentions = distilled_attention(translator, options)
    lines += draw_lines(translator, people, attentions, options.method)
  return pictures.draw_sheet(title, people.attributes, people.images, lines)


def draw_lines(
  translator: Translator,
  people: People,
  attentions: Mapping[str, str],
  method: str,
) -> list[pictures.Line]:
  """Returns a line of translations, then some with attention laid over.

  The last is, of a blend, where it draws.

  Args:
    translator: whose.
    people: whom to translate.
    attentions: legend -> activation that the map is taken at.
    method: config.attention.method.
  """
  count, classes = people.targets.shape[:2]
  each = np.tile(np.eye(classes, dtype=np.float32), (count, 1))
  images, maps = translate_with_attention(
    translator,
    np.repeat(people.images, classes, axis=0),
    Wanted(
      people.targets.reshape(-1, classes),
      np.repeat(people.labels, classes, axis=0),
      each,
    ),
    each,
    Look(tuple(attentions.values()), method),
  )

  def grid(flat: np.ndarray) -> np.ndarray:
    return flat.reshape(count, classes, *flat.shape[1:])

  lines = [pictures.Line(translator.name, grid(images))]
  for name, activation in attentions.items():
    lines.append(pictures.Line(name, grid(images), grid(maps[activation])))
  if MASK in maps:
    legend = f"{translator.name} draws here"
    lines.append(pictures.Line(legend, grid(images), grid(maps[MASK])))
  return lines


def distilled_attention(
  translator: Translator, options: ConfigDict
) -> dict[str, str]:
  """Returns the attention that config.attention distils, for `draw_lines`."""
  name = translator.name_activation(options)
  return {f"{translator.name} attention": name}
