"""What is drawn of photos: translations, attention, sheets of everything."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.data.photos.images import open_image
from akd_jax.inference.loaded import LoadedModel
from akd_jax.inference.network import Wanted
from akd_jax.inference.photos import (
  Photo,
  name_request,
  name_result,
  read_profile,
)
from akd_jax.inference.view import (
  Sight,
  View,
  join_squares,
  split_by_photo,
)
from akd_jax.plotting import sample_grid


class Request(NamedTuple):
  """What is asked for, of every photo.

  Attributes:
    wanted: attributes to set, 0 or 1 by name; none for a sheet of all.
    own: attributes that photos are known to have, or to lack.
    strength: see `LoadedModel.translate`.
    view: which squares of a photo are seen.
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
    sight: what is seen of it.
    profile: what its colours mean, as ICC has it; None is sRGB.
  """

  photo: Photo
  size: tuple[int, int]
  sight: Sight
  profile: bytes | None


class Result(NamedTuple):
  """A picture that is to be written.

  Attributes:
    path: where to.
    pictures: uint8 [F, H, W, 3]: the squares of a photo, or one sheet.
  """

  path: Path
  pictures: np.ndarray


def read_photo(photo: Photo, request: Request, size: int) -> Seen:
  """Reads a photo, and the squares of it that are seen, of side `size`.

  Raises:
    UserError: it cannot be read, or shows no face where that is asked for.
  """
  whole = open_image(photo.path)
  try:
    sight = request.view.see(whole, size)
  except UserError as error:
    raise UserError(f"{photo.path}: {error}") from error
  return Seen(photo, whole.size, sight, read_profile(whole))


def check_kept(request: Request, photos: Sequence[Photo]) -> None:
  """Refuses to write a result over one of the photos.

  Raises:
    UserError: one has the name of a result, of itself or of another.
  """
  given = {_identify(photo.path) for photo in photos} - {None}
  for photo in photos:
    for names in _names(request):
      path = name_result(request.out, photo, *names)
      if _identify(path) in given:
        raise UserError(
          f"the result of {photo.path} would replace the photo {path}: give"
          " results another --out"
        )


def _identify(path: Path) -> tuple[int, int] | None:
  """Returns what a file is known by, however it is spelt; None of no file."""
  try:
    found = os.stat(path)
  except (OSError, ValueError):
    return None
  return found.st_dev, found.st_ino


def _names(request: Request) -> list[list[str]]:
  """Returns the parts of the name of each result of a photo, in their order."""
  asked = name_request(request.wanted, request.strength)
  if not request.wanted:
    return [["all", *asked]]
  looks = request.wanted if request.attention else ()
  return [asked, *([*asked, f"attention={name}"] for name in looks)]


def save(request: Request, seen: Seen, results: Sequence[Result]) -> None:
  """Writes the results of one photo, pasted back where that is asked for.

  Raises:
    UserError: the whole photo cannot be read any more.
    WriteError: a result cannot be written.
  """
  if not request.view.pastes:
    for path, (picture,) in results:
      sample_grid.save_png(path, picture, profile=seen.profile)
    return
  # Once more: kept until all are drawn, eight of a phone's photos and what
  # comes of them would take gigabytes.
  whole = open_image(seen.photo.path)
  for path, squares in results:
    picture = seen.sight.paste(whole, squares)
    sample_grid.save_png(path, picture, profile=seen.profile)


def draw(
  model: LoadedModel,
  request: Request,
  seen: Sequence[Seen],
  labels: Sequence[np.ndarray],
) -> list[list[Result]]:
  """Draws what is asked for, of each photo.

  Args:
    model: the network.
    request: what is asked for.
    seen: the photos.
    labels: float32 [F, C] of each, its squares' own.

  Returns:
    The results of each photo.

  Raises:
    UserError: the network can not draw that.
  """
  if not request.wanted:
    pairs = zip(seen, labels, strict=True)
    return [[_sheet(model, request, x, label[0])] for x, label in pairs]
  columns = []
  sights = [x.sight for x in seen]
  drawn = _squares(model, request, sights, labels)
  for names, pictures in zip(_names(request), drawn, strict=True):
    of_each = split_by_photo(sights, pictures)
    columns.append(
      [
        Result(name_result(request.out, x.photo, *names), own)
        for x, own in zip(seen, of_each, strict=True)
      ]
    )
  return [list(results) for results in zip(*columns, strict=True)]


def _squares(
  model: LoadedModel,
  request: Request,
  sights: Sequence[Sight],
  labels: Sequence[np.ndarray],
) -> Iterator[np.ndarray]:
  """Yields the squares of all photos: translations, then each overlay."""
  squares = join_squares(sights)
  every = np.concatenate(labels)
  wanted = model.wanted_of(every, request.wanted, request.strength)
  drawn = model.network.translate(squares, wanted)
  yield drawn
  for name in request.wanted if request.attention else ():
    columns = np.full(len(squares), model.attributes.index(name))
    maps = model.network.attend(squares, wanted, columns, request.block)
    overlays = map(sample_grid.overlay, drawn, maps)
    yield np.stack(list(overlays))


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
  squares = np.repeat(seen.sight.squares, len(switched), axis=0)
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
  (names,) = _names(request)
  return Result(
    name_result(request.out, seen.photo, *names),
    sample_grid.draw_sheet("", headings, seen.sight.squares, lines)[None],
  )
