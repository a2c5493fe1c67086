"""Smiles that a network draws beside those that people smiled.

  python benchmarks/true_smiles.py PHOTOS RUN [RUN ...] [--save=FILE.png]

RUN is a run's directory or an exported file that can set Smiling. PHOTOS has
PERSON_neutral.jpg and PERSON_smiling.jpg of the same people: of the Face
Research Lab London Set (doi 10.6084/m9.figshare.5047666), whose eyes were put
where the run's photos have them. Needs the extra `faces`.

The neutral photo is translated to Smiling and compared with the smiling one, in
the pixels where either photo has its mouth, and in all others. Beside it stand
doing nothing and the smiling photo itself: two photos of one person differ in
more than a smile. "Better than nothing" is the share of people whose error
inside is less. The face distance is dlib's (below 0.6: one person).
"""

import argparse
import pathlib
from typing import NamedTuple

import numpy as np

import akd_jax
from akd_jax.data.photos.images import load_image
from akd_jax.evaluation.metrics.counterfactual import counterfactual_errors
from akd_jax.evaluation.metrics.localization import localization
from akd_jax.evaluation.regions import draw_region
from akd_jax.interop.dlib_faces import FaceNetwork, has_faces
from akd_jax.plotting.sample_grid import save_png

ATTRIBUTE = "Smiling"
# By row: what it is multiplied by, and how it is printed.
ROWS = {
  "error inside": (100, "{:.1f} ± {:.1f} %"),
  "error outside": (100, "{:.1f} ± {:.1f} %"),
  "better than nothing": (100, "{:.0f} ± {:.0f} %"),
  "change inside": (100, "{:.1f} ± {:.1f} %"),
  "face distance to the neutral photo": (1, "{:.2f} ± {:.2f}"),
  "face distance to the smiling photo": (1, "{:.2f} ± {:.2f}"),
}


class Pairs(NamedTuple):
  """N people, each neutral and smiling.

  Attributes:
    neutral, smiling: uint8 [N, S, S, 3].
    masks: bool [N, S, S], the mouth in either.
    places: the landmarks of each neutral face.
    faces: [N, 128] each, descriptors of the neutral and of the smiling ones.
  """

  neutral: np.ndarray
  smiling: np.ndarray
  masks: np.ndarray
  places: list[np.ndarray]
  faces: tuple[np.ndarray, np.ndarray]


def read_pairs(folder, network, crop, size):
  """Pairs of all people whose face is found in both photos."""
  both, found = [], []
  for path in sorted(folder.glob("*_neutral.jpg")):
    pair = [
      load_image(str(path).replace("_neutral", how), crop, size)
      for how in ("_neutral", "_smiling")
    ]
    places = [network.find(photo) for photo in pair]
    if all(place is not None for place in places):
      both.append(pair)
      found.append(places)
  neutral, smiling = (np.stack(photos) for photos in zip(*both, strict=True))
  places, smiling_places = (list(x) for x in zip(*found, strict=True))
  masks = [
    np.any([draw_region(ATTRIBUTE, place, size) for place in pair], axis=0)
    for pair in found
  ]
  faces = (
    network.describe(neutral, places),
    network.describe(smiling, smiling_places),
  )
  return Pairs(neutral, smiling, np.stack(masks), places, faces)


def judge(pairs, pictures, described):
  """{row: [N]} of pictures [N, S, S, 3] and their descriptors [N, 128]."""
  people = zip(pairs.neutral, pictures, pairs.smiling, pairs.masks, strict=True)
  found = [counterfactual_errors(*(x[None] for x in y)) for y in people]
  inside, nothing, outside = (
    np.array([x[where][what] for x in found])
    for where, what in (
      ("inside", "error"),
      ("inside", "nothing"),
      ("outside", "error"),
    )
  )
  apart = (np.linalg.norm(described - faces, axis=1) for faces in pairs.faces)
  columns = inside, outside, inside < nothing, changes(pairs, pictures), *apart
  return dict(zip(ROWS, columns, strict=True))


def changes(pairs, pictures):
  """[N], the share of each change that is inside; nan where nothing changes."""
  change = np.abs(pictures.astype(int) - pairs.neutral).mean(-1)
  shares = [
    localization(one[None], mask[None])["share"]["value"]
    for one, mask in zip(change, pairs.masks, strict=True)
  ]
  return np.array(shares, float)


def write(row, values):
  """A mean over people with its 95 % interval; - of what nobody has."""
  scale, form = ROWS[row]
  known = scale * values[~np.isnan(values)]
  if not len(known):
    return "-"
  return form.format(known.mean(), 1.96 * known.std() / len(known) ** 0.5)


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("photos", type=pathlib.Path, metavar="PHOTOS")
  parser.add_argument("runs", nargs="+", metavar="RUN")
  parser.add_argument(
    "--save", metavar="FILE.png", help="neutral, smiling and drawn, of eight"
  )
  arguments = parser.parse_args()
  if not has_faces():
    parser.error("this takes launch/setup.sh faces")
  if not any(arguments.photos.glob("*_neutral.jpg")):
    parser.error(f"{arguments.photos} has no PERSON_neutral.jpg")
  network, loaded, columns, lines = FaceNetwork(), {}, {}, []
  for path in arguments.runs:
    model = akd_jax.load(path)
    square = model.crop, model.image_size
    if square not in loaded:
      pairs = read_pairs(arguments.photos, network, *square)
      loaded[square] = pairs
      size = f"{model.image_size} px"
      nothing = judge(pairs, pairs.neutral, pairs.faces[0])
      columns[f"doing nothing, {size}"] = nothing
      truth = judge(pairs, pairs.smiling, pairs.faces[1])
      columns[f"true smiles, {size}"] = truth
      lines += [pairs.neutral[:8], pairs.smiling[:8]]
      print(
        f"{len(pairs.masks)} people, {size}; the mouth is"
        f" {pairs.masks.mean():.1%} of the picture"
      )
    pairs = loaded[square]
    drawn = model.translate(
      pairs.neutral, set={ATTRIBUTE: 1}, own={ATTRIBUTE: 0}
    )
    described = network.describe(drawn, pairs.places)
    columns[path] = judge(pairs, drawn, described)
    lines.append(drawn[:8])
  print(f"\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
  for row in ROWS:
    cells = (write(row, column[row]) for column in columns.values())
    print(f"| {row} | {' | '.join(cells)} |")
  if arguments.save:
    shown = [np.concatenate(line, axis=1) for line in lines]
    save_png(arguments.save, np.concatenate(shown))


if __name__ == "__main__":
  main()
