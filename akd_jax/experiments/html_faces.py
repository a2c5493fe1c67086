"""Faces of the page that a browser shows: each network's translations."""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.common.output import note
from akd_jax.data import pipeline
from akd_jax.experiments.compared import Seed, Variant
from akd_jax.inference.grids import (
  People,
  choose_people,
  distilled_attention,
  draw_lines,
)
from akd_jax.inference.translator import Translator, load_translators
from akd_jax.plotting.sample_grid import Line, overlay
from akd_jax.training.run_dir import load_run

_SHOWN = 3


class Strip(NamedTuple):
  """A person by one network.

  Attributes:
    name: of the network, or of its map.
    is_map: whether a map is laid over the translations.
    pictures: data URLs, one an attribute.
  """

  name: str
  is_map: bool
  pictures: list[str]


class Person(NamedTuple):
  """Someone from the test split.

  Attributes:
    source: data URL of the picture that is translated.
    strips: what networks make of it.
  """

  source: str
  strips: list[Strip]


class Faces(NamedTuple):
  """The same people by every network.

  Attributes:
    attributes: that are set, one after the other.
    people: who.
  """

  attributes: tuple[str, ...]
  people: list[Person]


def show(variants: Sequence[Variant]) -> Faces:
  """Translates the first people of the test split by the first seed of each.

  A variant of other attributes than the first, or of pictures of another size,
  is left out. What cannot be shown, since a checkpoint or the data is not there
  any more, is said on standard error.
  """
  first = variants[0].seeds[0].config
  try:
    people = choose_people(pipeline.open_source(first.data, "test"), _SHOWN)
  except UserError as error:
    _leave_out("no faces", error)
    return Faces((), [])
  lines: list[Line] = []
  several = len({x.seeds[0].config.teacher for x in variants} - {""}) > 1
  teachers = set()
  for variant in variants:
    config = variant.seeds[0].config
    try:
      *above, trained = _load_networks(variant.seeds[0], people)
    except UserError as error:
      _leave_out(variant.name, error)
      continue
    if config.teacher in teachers:
      above = []
    elif several:
      above = [x._replace(name=f"{x.name}, {variant.name}") for x in above]
    teachers.add(config.teacher)
    for network in (*above, trained._replace(name=variant.name)):
      maps = distilled_attention(network, config.attention)
      lines += draw_lines(network, people, maps, config.attention.method)
  return Faces(
    people.attributes,
    [
      Person(_url(image), [_strip(line, person) for line in lines])
      for person, image in enumerate(people.images)
    ],
  )


def _load_networks(seed: Seed, people: People) -> list[Translator]:
  """Loads a run's teacher, if it has one, and what it has trained.

  Raises:
    UserError: they cannot be loaded, or do not suit these people.
  """
  if seed.config.data.second:
    raise UserError("it was trained on two label sets")
  if seed.config.data.image_size != people.images.shape[1]:
    raise UserError("its pictures are of another size")
  run = load_run(str(seed.workdir))
  # Where it lies now.
  run.config.teacher = seed.config.teacher
  networks = load_translators(run)
  if run.attributes != people.attributes:
    raise UserError("it knows other attributes")
  return networks


def _leave_out(what: str, why: object) -> None:
  note(f"left out of the pictures: {what}: {why}")


def _strip(line: Line, person: int) -> Strip:
  pictures = line.images[person]
  if line.attention is not None:
    maps = line.attention[person]
    pictures = np.stack(list(map(overlay, pictures, maps)))
  return Strip(
    line.legend, line.attention is not None, list(map(_url, pictures))
  )


def _url(picture: np.ndarray) -> str:
  file = io.BytesIO()
  Image.fromarray(picture).save(file, format="PNG", optimize=True)
  return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
