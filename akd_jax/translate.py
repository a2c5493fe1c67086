r"""Sets attributes of photos, by a trained network.

  python -m akd_jax.translate --workdir=DIR|FILE.npz|pretrained:NAME \
      --set Blond_Hair=1 [--set Eyeglasses=0 ...] [--from Smiling=1 ...] \
      [--strength=0..1.5] [--attention [--block=last]] \
      [--crop=none|face|faces] --out=DIR photo.jpg folder ...
  python -m akd_jax.translate --workdir=runs/student --all --out=DIR photo.jpg

Writes OUT/PHOTO_REQUEST.png for each photo; folders are searched with all that
is inside them. All attributes that are not set stay as they are: a photo's own
are recognized by the run's attribute classifier if it is shipped or has been
trained already, else by the discriminator, and printed; --from says otherwise.
Setting one of several that exclude each other (colours of the hair) clears the
others.

A photo unlike those that the network has learnt from gets a warning: whatever
comes of it means little.

A photo that cannot be read is named and counted, and the others go on; the exit
status is 2 then.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from akd_jax.common import cli, paths
from akd_jax.common.errors import UserError, WriteError
from akd_jax.common.writing import is_full, writing
from akd_jax.inference.tally import Tally

if TYPE_CHECKING:
  from akd_jax.evaluation.familiarity import Familiarity
  from akd_jax.inference.loaded import LoadedModel
  from akd_jax.inference.photos import Photo
  from akd_jax.inference.results import Request, Seen

# Photos that are in memory at once.
_TOGETHER = 8


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  paths.define(
    "workdir",
    None,
    "The network: a run's directory, a file of export --format=run or"
    " --format=numpy, or pretrained:NAME.",
    required=True,
  )
  paths.define("out", None, "Folder of the results.", required=True)
  flags.DEFINE_multi_string("set", [], "NAME=1 or NAME=0: an attribute to set")
  flags.DEFINE_multi_string(
    "from",
    [],
    "NAME=1 or NAME=0: an attribute that the photos have or lack, whatever is"
    " recognized. Of a --format=numpy file, which recognizes nothing, what is"
    " not named is 0",
  )
  flags.DEFINE_bool(
    "all", False, "A sheet for each photo: every attribute switched."
  )
  flags.DEFINE_float(
    "strength",
    1.0,
    "How far to go from the photo's own label, 0, to the one that is asked for,"
    " 1, or beyond, up to 1.5.",
  )
  flags.DEFINE_bool(
    "attention", False, "Draw where the network looks for each attribute, too."
  )
  flags.DEFINE_string(
    "block",
    None,
    "Residual block of --attention: its index, last or second_last; the run's"
    " if not set.",
  )
  flags.DEFINE_string(
    "crop",
    None,
    "Side in pixels of the centre that is seen, 0 for the largest square. none"
    " pastes that back into the whole photo; face, the square around its"
    " largest face; faces, those around all faces. If not set, the run's, or"
    " the largest where that is less than half of the photo.",
  )
  flags.DEFINE_string(
    "step", None, "The checkpoint: its step, or best; the last if not set."
  )


def main(arguments: list[str]) -> None:
  """Translates, and prints what was written."""
  from akd_jax.inference.view import FACES, PASTED, View

  args = flags.FLAGS
  wanted, own = (_attributes(name) for name in ("set", "from"))
  if bool(wanted) == args.all:
    raise UserError("give either --all, or --set NAME=1 once or several times")
  if args.block is not None and not args.attention:
    raise UserError(f"--block={args.block} needs --attention")
  if args.all and args.crop in PASTED:
    raise UserError(
      f"--crop={args.crop} pastes one change back: it goes with --set, not with"
      " --all"
    )
  if not arguments:
    raise UserError("name photos to translate, or folders of them")
  crop = _crop(args.crop, PASTED)
  step = cli.read_step(args.step)
  from akd_jax import api
  from akd_jax.common import cache
  from akd_jax.inference.photos import find_photos
  from akd_jax.inference.results import Request, check_kept
  from akd_jax.interop import dlib_faces

  paths.check_folder(args.out)
  out = Path(args.out)
  photos = find_photos(arguments, out)
  model = api.load(args.workdir, step)
  # What is wrong with the request is said before anything is looked at.
  label = model.own_label(own, None)
  asked = wanted or {model.attributes[0]: 1}
  model.wanted_of(label[None], asked, args.strength)
  if args.attention:
    model.network.check_attention(args.block)
  if model.network.run is not None:
    cache.use_persistent_cache()
  view = View(crop, model.crop, model.find_framing)
  if view.finds:
    dlib_faces.load_finder()
    whose = view.find_framing().whose
    which = "all faces" if crop == FACES else "the largest face"
    print(f"{which} of each photo: framed as in {whose}")
  request = Request(
    wanted=wanted,
    own=own,
    strength=args.strength,
    view=view,
    attention=args.attention,
    block=args.block,
    out=out,
  )
  check_kept(request, photos)
  with writing(out):
    out.mkdir(parents=True, exist_ok=True)
  _translate_all(model, request, photos)


def _attributes(flag: str) -> dict[str, int]:
  """Returns the attributes that a flag names, with their values.

  Raises:
    UserError: one has no value, or two.
  """
  found: dict[str, int] = {}
  for setting in flags.FLAGS[flag].value or ():
    name, _, value = setting.rpartition("=")
    if not name or value not in ("0", "1"):
      raise UserError(f"--{flag} {setting} should be NAME=1 or NAME=0")
    if found.setdefault(name, int(value)) != int(value):
      raise UserError(f"--{flag} {name} is given as 0 and as 1")
  return found


def _crop(text: str | None, names: Sequence[str]) -> int | str | None:
  if text is None or text in names:
    return text
  side = cli.parse_number(text)
  if side is not None:
    return side
  raise UserError(
    f"--crop={text} should be a side in pixels, 0 for the largest, or one of"
    f" {', '.join(names)}"
  )


def _translate_all(
  model: "LoadedModel", request: "Request", photos: "list[Photo]"
) -> None:
  """Translates photos, some at a time.

  Raises:
    UserError: some could not be read or written, and all others are done; or
      nothing can be drawn as it was asked for.
  """
  from akd_jax.inference.results import read_photo

  def read(photo: "Photo") -> "Seen | UserError":
    try:
      return read_photo(photo, request, model.image_size)
    except UserError as error:
      return error

  familiarity = _introduce(model, request)
  tally = Tally(len(photos))
  with ThreadPoolExecutor(os.cpu_count()) as pool:
    for first in range(0, len(photos), _TOGETHER):
      seen = []
      for one in pool.map(read, photos[first : first + _TOGETHER]):
        if isinstance(one, UserError):
          tally.fail(one)
        else:
          seen.append(one)
      if seen:
        _translate_some(model, request, seen, familiarity, tally)
  tally.end()


def _introduce(
  model: "LoadedModel", request: "Request"
) -> "Familiarity | None":
  """Says how a photo is known; returns what is usual, where that is known."""
  if model.network.run is None:
    print("whether photos suit it is not known: it is a generator alone")
    return None
  from akd_jax.evaluation.familiarity import load_or_measure

  familiarity = None
  try:
    familiarity = load_or_measure(model.network.run)
  except UserError as error:
    print(f"whether photos suit it is not known: {error}")
  if recognizer := model.recognizer:
    accuracy, split = recognizer.accuracy, "test"
    if accuracy is None and familiarity:
      accuracy, split = familiarity.accuracy, "validation"
    print(f"own attributes are recognized by the {recognizer.name}", end="")
    print(f", right on {accuracy:.2%} of the {split} split" if accuracy else "")
  if request.attention:
    print(f"attention explains the logits of {model.network.explained}")
  return familiarity


def _translate_some(
  model: "LoadedModel",
  request: "Request",
  seen: "list[Seen]",
  familiarity: "Familiarity | None",
  tally: Tally,
) -> None:
  """Translates photos that have been read, and writes what came of them."""
  from akd_jax.inference.results import draw, save
  from akd_jax.inference.view import join_squares, split_by_photo

  sights = [one.sight for one in seen]
  squares = join_squares(sights)
  every = model.labels_of(squares, request.own, request.strength != 1)
  labels = split_by_photo(sights, every)
  unusual = split_by_photo(
    sights, np.array(_unusual(model, familiarity, squares))
  )
  results = draw(model, request, seen, labels)
  for one, own, odd, drawn in zip(seen, labels, unusual, results, strict=True):
    found = (request.view.warn(one.size), *odd)
    warnings = list(dict.fromkeys(x for x in found if x))
    try:
      save(request, one, drawn)
    except (UserError, WriteError) as error:
      if isinstance(error, WriteError) and is_full(error):
        raise
      tally.fail(error)
      continue
    has = _has(model, request, own)
    more = f" and {len(drawn) - 1} of attention" if len(drawn) > 1 else ""
    tally.done(f"{one.photo.path} ({has}): {drawn[0].path}{more}", warnings)


def _has(model: "LoadedModel", request: "Request", labels: np.ndarray) -> str:
  """Says which attributes the faces of a photo have, [F, C]."""
  if not (model.recognizer or request.own):
    return "not known"
  said = []
  for label in labels:
    on = [x for x, value in zip(model.attributes, label, strict=True) if value]
    said.append(", ".join(on) or "none of them")
  if len(said) > 1:
    return f"{len(said)} faces: {'; '.join(said)}"
  return f"has {said[0]}"


def _unusual(
  model: "LoadedModel", familiarity: "Familiarity | None", squares: np.ndarray
) -> list[str | None]:
  """Returns what is to be said of pictures unlike those that are known."""
  run = model.network.run
  if familiarity is None or run is None:
    return [None] * len(squares)
  from akd_jax.evaluation.familiarity import score_pictures

  return [familiarity.warn(x) for x in score_pictures(run.model, squares)[0]]


if __name__ == "__main__":
  define_flags()
  cli.run(main)
