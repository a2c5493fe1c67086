"""How a translation goes back into a photo that is larger than it.

  python benchmarks/detail.py RUN ... [--size=256] [--images=24]

Draws people of the avatars' test split larger than a network sees them, has
each attribute set, and pastes the result back, in three ways: enlarged in place
of the photo; as a change that is added to the photo; and as akd_jax does it
(akd_jax.data.photos.pasting.paste). Prints the distance from the true
translation, drawn as large, inside the attribute and outside.
"""

import argparse
from collections.abc import Callable

import numpy as np
from PIL import Image

import akd_jax
from akd_jax.data import pipeline
from akd_jax.data.avatars import drawing
from akd_jax.data.avatars.drawing import Person
from akd_jax.data.avatars.labels import switch_on
from akd_jax.data.photos import frames, pasting

Pasting = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def enlarge(square: np.ndarray, size: int) -> np.ndarray:
  """Returns [S, S, 3] as [size, size, 3], of fractions."""
  channels = np.moveaxis(square.astype(np.float32), -1, 0)
  bicubic = Image.Resampling.BICUBIC
  large = [Image.fromarray(x).resize((size, size), bicubic) for x in channels]
  return np.stack([np.asarray(x) for x in large], -1)


def replace(
  photo: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
  """Returns the translation, enlarged."""
  del before
  return enlarge(after, len(photo))


def add(photo: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
  """Returns the photo with the enlarged change added."""
  return photo + enlarge(after.astype(np.float32) - before, len(photo))


def paste(
  photo: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
  """Returns what akd_jax makes of it."""
  whole = Image.fromarray(photo)
  square = [frames.frame_centre(whole.size, 0)]
  return pasting.paste(whole, square, before[None], after[None])


WAYS: dict[str, Pasting] = {"in place": replace, "added": add, "pasted": paste}


def measure(path: str, size: int, count: int) -> dict[str, np.ndarray]:
  """Returns errors inside and outside, means over attributes, of each way."""
  model = akd_jax.load(path)
  run = model.network.run
  assert run is not None, f"{path} is no run"
  source = pipeline.open_source(run.config.data, "test")
  errors: dict[str, list[np.ndarray]] = {"doing nothing": []}
  errors |= {name: [] for name in WAYS}
  for column, attribute in enumerate(model.attributes):
    chosen = np.flatnonzero(source.labels[:, column] == 0)[:count]
    photos, true = draw(source, chosen, attribute, size)
    whole = [frames.frame_centre((size, size), 0)] * len(photos)
    seen = [
      frames.cut(Image.fromarray(x), frame, model.image_size)
      for x, frame in zip(photos, whole, strict=True)
    ]
    own = source.labels[chosen].astype(np.float32)
    drawn = model.translate(np.stack(seen), set={attribute: 1}, own=own)
    errors["doing nothing"].append(distances(photos, true, photos))
    for name, way in WAYS.items():
      triples = zip(photos, seen, drawn, strict=True)
      made = [way(*triple) for triple in triples]
      errors[name].append(distances(photos, true, made))
  return {name: np.mean(values, axis=0) for name, values in errors.items()}


def draw(
  source: pipeline.Source, chosen: np.ndarray, attribute: str, size: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
  """Draws people, and the same with an attribute set, [size, size, 3]."""
  people = [source.person(int(index)) for index in chosen]
  return (
    [drawing.render(x, size) for x in people],
    [
      drawing.render(Person(switch_on(x.on, attribute), x.long, x.picks), size)
      for x in people
    ],
  )


def distances(photos: list, true: list, made: list) -> np.ndarray:
  """Returns mean distances inside and outside an attribute, in percent."""
  found = []
  for photo, truth, picture in zip(photos, true, made, strict=True):
    inside = (photo != truth).any(-1)
    apart = np.abs(np.clip(picture, 0, 255) - truth.astype(np.float32)).mean(-1)
    found.append((apart[inside].mean(), apart[~inside].mean()))
  return 100 / 255 * np.mean(found, axis=0)


def main() -> None:
  """Prints a table for each run."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("runs", nargs="+", metavar="RUN")
  parser.add_argument("--size", type=int, default=256, help="of the photos")
  parser.add_argument(
    "--images", type=int, default=24, help="of each attribute"
  )
  options = parser.parse_args()
  for path in options.runs:
    print(path)
    for name, errors in measure(path, options.size, options.images).items():
      print(
        f"  {name:<14} inside {errors[0]:4.1f} %, outside {errors[1]:4.1f} %"
      )


if __name__ == "__main__":
  main()
