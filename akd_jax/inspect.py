r"""Says what a folder of photos holds, before anything is trained on it.

  python -m akd_jax.inspect PATH [--out=FILE.png] \
      [--config.data.FIELD=VALUE ...]

PATH is CelebA's files, photos with a CSV of attributes, or a folder with a
sub-folder for each class. Reads every photo once. Prints how many there are of
each attribute in each split, sizes, what is cut off, photos that cannot be read
or are there twice, what is ignored, what is rare, and the commands that train
on them. The contact sheet, --out, has some photos with a frame around what a
network sees, and what it sees of each attribute.

Fields of config.data are those of configs/teacher.py:photos, and go into these
commands: --config.data.csv=FILE, --config.data.crop=178.
"""

import itertools
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from akd_jax.common import cli, overrides, paths
from akd_jax.common.errors import UserError
from akd_jax.common.files import lies_in
from akd_jax.common.text_table import align_columns

if TYPE_CHECKING:
  from ml_collections import ConfigDict

  from akd_jax.data.photos.source import PhotoSource
  from akd_jax.data.photos.survey import Inspected

_KINDS = {
  "celeba": "CelebA's files",
  "folder": "a folder of classes",
  "table": "a table",
}
# Pictures in a line of the contact sheet, and lines of attributes.
_COLUMNS, _LINES = 8, 40
# Groups of the same photo that are named.
_NAMED = 3


def _read_fields(path: str, given: Mapping[str, Any]) -> "ConfigDict":
  """Returns config.data of the photos at a path.

  Raises:
    UserError: a field is wrong, or training would refuse it.
  """
  from akd_jax.configs import teacher
  from akd_jax.data.photos.kind import settle
  from akd_jax.training import validation

  config = teacher.get_config("photos")
  for field, value in {**given, "data.path": path}.items():
    if field.partition(".")[0] != "data":
      raise UserError(
        f"--config.{field}: only fields of config.data say what is inspected"
      )
    config.update_from_flattened_dict({field: value})
  config = settle(config)
  if config.data.name not in _KINDS:
    raise UserError(
      f"config.data.name={config.data.name!r} is none of {', '.join(_KINDS)},"
      " whose photos can be inspected"
    )
  # Training on them is what the command advises in the end.
  validation.check(config)
  return config.data


def _open(data: "ConfigDict") -> "tuple[dict[str, PhotoSource], bool]":
  """Opens every split, as training does.

  Returns:
    The splits; and whether photos that are listed and not there had to be left
    out.

  Raises:
    UserError: training would refuse one.
  """
  from ml_collections import ConfigDict

  from akd_jax.data import dataset_of
  from akd_jax.data.dataset import SPLITS

  dataset: Any = dataset_of(data)
  try:
    return {split: dataset.open(data, split) for split in SPLITS}, False
  except UserError:
    lenient = ConfigDict({**data.to_dict(), "skip_unreadable": True})
    return {split: dataset.open(lenient, split) for split in SPLITS}, True


def _counts(sources: "Mapping[str, PhotoSource]") -> list[list[str]]:
  """Returns a line an attribute: how many photos of each split have it."""
  shares = sources["train"].labels.mean(axis=0)
  rows = [["", *sources, "of train"]]
  rows.append(["photos", *(f"{len(x):,}" for x in sources.values()), ""])
  found = zip(sources["train"].attributes, shares, strict=True)
  for column, (name, share) in enumerate(found):
    counts = (int(x.labels[:, column].sum()) for x in sources.values())
    rows.append([name, *(f"{x:,}" for x in counts), f"{100 * share:.1f} %"])
  return rows


def _findings(
  data: "ConfigDict", inspected: "Sequence[Inspected]"
) -> list[list[str]]:
  """Returns a line each: sizes, what is cut off, what cannot be read."""
  from akd_jax.data.photos import survey

  sizes = survey.sizes_of(inspected)
  small, middle, large = (
    "{} x {}".format(*sizes[i]) for i in (0, len(sizes) // 2, -1)
  )
  size = f"{small}, all"
  if small != large:
    size = f"{small} to {large}, half at most {middle}"
  square = f"the centre {data.crop} x {data.crop}" if data.crop else ""
  cut = survey.measure_cut_off(inspected, data.crop)
  unreadable = [photo.name for photo in inspected if photo.size is None]
  return [
    ["sizes", size],
    [
      "seen",
      f"{square or 'the largest centre square'}, at {data.image_size} x"
      f" {data.image_size}; {100 * cut:.0f} % of a photo is cut off",
    ],
    ["unreadable", _some(unreadable)],
    ["duplicates", _say_duplicates(survey.find_duplicates(inspected))],
  ]


def _some(names: Sequence[str]) -> str:
  from akd_jax.data.photos.listing import say_some

  return f"{len(names):,}: {say_some(names)}" if names else "none"


def _say_duplicates(found: Any) -> str:
  if not found.groups:
    return "none"
  named = "; ".join(" = ".join(x[:2]) for x in found.groups[:_NAMED])
  text = f"{len(found.groups):,} photos are there more than once ({named})"
  if found.across:
    text += f"; {found.across:,} in several splits: tests see what was learnt"
  if found.contradicting:
    text += f"; {found.contradicting:,} with several labels"
  return text


def _draw(
  path: pathlib.Path,
  data: "ConfigDict",
  source: "PhotoSource",
  inspected: "Sequence[Inspected]",
) -> None:
  """Writes the contact sheet of photos that can be read, of the first split."""
  import numpy as np

  from akd_jax.data.photos.images import center_box, open_image, to_square
  from akd_jax.plotting.contact_sheet import draw_contact_sheet, frame
  from akd_jax.plotting.sample_grid import save_png

  good = [
    (photo.name, photo.label)
    for photo in inspected
    if photo.split == "train" and photo.size
  ]

  def pictures(column: int | None) -> list[Any]:
    has = [x for x, label in good if column is None or label[column]]
    places = np.linspace(0, len(has) - 1, min(_COLUMNS, len(has))).astype(int)
    return [open_image(source.read(has[place])) for place in places]

  lines = {
    "what a network sees": [
      frame(x, center_box(x.size, data.crop)) for x in pictures(None)
    ]
  }
  attributes = source.attributes[:_LINES]
  for column, name in enumerate(attributes):
    lines[name] = [
      to_square(x, data.crop, data.image_size) for x in pictures(column)
    ]
  save_png(path, draw_contact_sheet(str(data.path), lines))


def _command(who: str, path: str, fields: Mapping[str, Any]) -> str:
  """Returns the command that trains a teacher or student on the photos."""
  values = {**fields, "data.path": path}
  return shlex.join(
    [
      *("python", "-m", "akd_jax.main", f"--config=configs/{who}.py:photos"),
      *overrides.format_flags(values),
      # Where students of photos look for their teacher.
      f"--workdir=runs/photos/{who}",
    ]
  )


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  paths.define(
    "out", "runs/photos.png", "The contact sheet to write; empty for none."
  )


def _check_out(out: str, photos: str) -> None:
  """Refuses a contact sheet that cannot be written, or is among the photos."""
  from akd_jax.common.writing import check_writable

  paths.check_file(out, (".png",))
  if lies_in(out, photos):
    raise UserError(
      f"--out={out} lies in {photos}, among the photos: name it elsewhere"
    )
  check_writable(pathlib.Path(out).parent)


def main(argv: list[str]) -> None:
  """Reads all photos, prints what there is, draws the contact sheet."""
  if len(argv) != 1:
    raise UserError(f"give one PATH, the folder of the photos; not {len(argv)}")
  out = flags.FLAGS.out
  if out:
    _check_out(out, argv[0])
  given = overrides.read_given()
  data = _read_fields(argv[0], given)
  sources, lacks_photos = _open(data)
  from akd_jax.data.photos import remarks, survey

  inspected = survey.survey(sources, data.threads)
  if not survey.sizes_of(inspected):
    raise UserError(
      f"none of the {len(inspected)} images in {argv[0]} can be read"
    )
  split = ", split by its folders" if data.split == "folders" else ""
  print(f"{argv[0]}: {_KINDS[data.name]}{split}, {len(inspected):,} photos\n")
  print(align_columns(_counts(sources)), end="\n\n")
  for name, text in _findings(data, inspected):
    print(f"{name:11} {text}")
  noted = itertools.chain(*(x.remarks for x in sources.values()))
  for line in dict.fromkeys(
    [
      *noted,
      *remarks.say_crop(sources["train"]),
      *survey.say_imbalance(sources["train"], data.label_rule),
    ]
  ):
    print(f"note: {line}")
  if out:
    _draw(pathlib.Path(out), data, sources["train"], inspected)
    print(f"\n{out} shows some of them")
  fields = dict(given)
  if lacks_photos or any(photo.size is None for photo in inspected):
    fields["data.skip_unreadable"] = True
  for who in ("teacher", "student"):
    print(f"\nTrain a {who} on them:\n  {_command(who, argv[0], fields)}")


if __name__ == "__main__":
  define_flags()
  cli.run(main, overrides.define)
