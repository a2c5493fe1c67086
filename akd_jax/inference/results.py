"""What is drawn of photos: translations, attention, sheets of everything."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.data.photos.frames import Frame, cut
from akd_jax.data.photos.images import open_image
from akd_jax.data.photos.pasting import paste
from akd_jax.inference.loaded import LoadedModel
from akd_jax.inference.network import Wanted
from akd_jax.inference.photos import (
  Photo,
  colour_profile,
  name_request,
  result_path,
)
from akd_jax.inference.view import View
from akd_jax.plotting import sample_grid


class Request(NamedTuple):
  """What is asked for, of every photo.

  Attributes:
    wanted: attributes to set, 0 or 1 by name; none for a sheet of all.
    own: attributes that photos are known to have, or to lack.
    strength: see `LoadedModel.translate`.
    view: which square of a photo is seen.
    attention: whether to draw attention, too.
    block: where it is taken; None is the run's.
    out: the folder of results.
  """

  wanted: Mapping[str, int]
  own: Mapping[str, int]
  strength: float
  view: View
  attention: bool
  block: str | None
  out: Path


class Seen(NamedTuple):
  """A photo that has been read.

  Attributes:
    photo: which.
    size: its width and height.
    frame: the square of it that is seen.
    square: uint8 [S, S, 3], what the network sees.
  """

  photo: Photo
  size: tuple[int, int]
  frame: Frame
  square: np.ndarray


class Result(NamedTuple):
  """A picture that is to be written.

  Attributes:
    path: where to.
    picture: uint8 [H, W, 3]: a square, or a sheet.
  """

  path: Path
  picture: np.ndarray


def see(photo: Photo, request: Request, size: int) -> Seen:
  """Reads a photo, and the square of it that is seen, of side `size`.

  Raises:
    UserError: it cannot be read, or shows no face where that is asked for.
  """
  whole = open_image(photo.path)
  try:
    frame = request.view.frame(whole)
  except UserError as error:
    raise UserError(f"{photo.path}: {error}") from error
  return Seen(photo, whole.size, frame, cut(whole, frame, size))


def save(request: Request, seen: Seen, results: Sequence[Result]) -> None:
  """Writes the results of one photo, pasted back where that is asked for.

  Raises:
    UserError: the whole photo cannot be read any more.
    WriteError: a result cannot be written.
  """
  if not request.view.pastes:
    for path, picture in results:
      sample_grid.save_png(path, picture)
    return
  # Once more: kept until all are drawn, eight of a phone's photos and what
  # comes of them would take gigabytes.
  whole = open_image(seen.photo.path)
  for path, square in results:
    picture = paste(whole, seen.frame, seen.square, square)
    sample_grid.save_png(path, picture, profile=colour_profile(whole))


def draw(
  model: LoadedModel, request: Request, seen: Sequence[Seen], labels: np.ndarray
) -> list[list[Result]]:
  """Draws what is asked for, of each photo.

  Args:
    model: the network.
    request: what is asked for.
    seen: the photos.
    labels: float32 [N, C], their own.

  Returns:
    The results of each photo.

  Raises:
    UserError: the network can not draw that.
  """
  if not request.wanted:
    pairs = zip(seen, labels, strict=True)
    return [[_sheet(model, request, x, label)] for x, label in pairs]
  columns = list(_columns(model, request, seen, labels))
  return [list(results) for results in zip(*columns, strict=True)]


def _columns(
  model: LoadedModel, request: Request, seen: Sequence[Seen], labels: np.ndarray
) -> Iterator[list[Result]]:
  """Yields results of all photos: the translations, then each overlay."""
  asked = name_request(request.wanted, request.strength)
  squares = np.stack([x.square for x in seen])
  wanted = model.wanted_of(labels, request.wanted, request.strength)
  drawn = model.network.translate(squares, wanted)
  yield [
    Result(result_path(request.out, x.photo, *asked), y)
    for x, y in zip(seen, drawn, strict=True)
  ]
  for name in request.wanted if request.attention else ():
    columns = np.full(len(seen), model.attributes.index(name))
    maps = model.network.attend(squares, wanted, columns, request.block)
    named = [*asked, f"attention={name}"]
    yield [
      Result(
        result_path(request.out, x.photo, *named),
        sample_grid.overlay(y, attention),
      )
      for x, y, attention in zip(seen, drawn, maps, strict=True)
    ]


def _sheet(
  model: LoadedModel, request: Request, seen: Seen, label: np.ndarray
) -> Result:
  """Draws a photo with every attribute switched, one at a time."""
  switched = []
  for name, has in zip(model.attributes, label, strict=True):
    # Of classes that exclude each other, one is always on.
    switched.append({name: 1 if model.exclusive else int(not has)})
  each = [model.wanted_of(label[None], x, request.strength) for x in switched]
  wanted = Wanted(*map(np.concatenate, zip(*each, strict=True)))
  squares = np.repeat(seen.square[None], len(switched), axis=0)
  drawn = model.network.translate(squares, wanted)
  lines = [sample_grid.Line("translation", drawn[None])]
  if request.attention:
    maps = model.network.attend(
      squares, wanted, np.arange(len(switched)), request.block
    )
    lines.append(sample_grid.Line("attention", drawn[None], maps[None]))
  headings = [
    name if value else f"no {name}"
    for x in switched
    for name, value in x.items()
  ]
  asked = ["all", *name_request({}, request.strength)]
  return Result(
    result_path(request.out, seen.photo, *asked),
    sample_grid.sample_sheet("", headings, seen.square[None], lines),
  )
