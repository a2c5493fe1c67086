"""Writes the photo data sets to disk as their owners deliver them, and opens
and compares them."""

import functools
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import CELEBA, EXPRESSIONS, HAIR_COLORS
from akd_jax.data.avatars import drawing as avatar_drawing
from akd_jax.data.avatars import source as avatars
from akd_jax.data.avatars.labels import SHARES
from akd_jax.data.avatars.sampler import LabelSampler
from akd_jax.data.dataset import SPLITS, Source
from akd_jax.data.photos.source import PhotoSource, assign_split


def draw_face(seed: int, size: tuple[int, int] = (178, 218)) -> Image.Image:
  """An avatar, different for each seed, in the proportions of CelebA."""
  width, height = size
  scale = height / _avatar(seed).height
  face = _avatar(seed).resize((round(_avatar(seed).width * scale), height))
  left = (face.width - width) // 2
  return face.crop((left, 0, left + width, height))


@functools.cache
def _avatar(seed: int) -> Image.Image:
  numbers = avatars._numbers((0, 0), seed)
  labels = LabelSampler({}, {})(numbers[np.newaxis, : len(SHARES)])
  person = avatars._person(labels[0], numbers)
  return Image.fromarray(avatar_drawing.render(person, 218))


def write_photo(path: Path, seed: int) -> None:
  path.parent.mkdir(parents=True, exist_ok=True)
  draw_face(seed).save(path, quality=90)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
  """The content of an image file."""
  stream = io.BytesIO()
  image.save(stream, kind, **options)
  return stream.getvalue()


def celeba_labels(count: int) -> np.ndarray:
  """Labels [count, 40]; one hair colour each, the others at random.

  Of two that exclude each other a photo has one at most.
  """
  labels = np.random.default_rng(0).integers(0, 2, (count, len(CELEBA)))
  hair = [CELEBA.index(name) for name in HAIR_COLORS]
  labels[:, [*hair, CELEBA.index("Bald")]] = 0
  labels[np.arange(count), np.array(hair)[np.arange(count) % 4]] = 1
  for one, other in (
    ("Straight_Hair", "Wavy_Hair"), ("Receding_Hairline", "Bangs"),
  ):  # fmt: skip
    labels[:, CELEBA.index(one)] *= 1 - labels[:, CELEBA.index(other)]
  return labels.astype(np.uint8)


def celeba_names(count: int) -> list[str]:
  return [f"{number:06d}.jpg" for number in range(1, count + 1)]


def celeba_partition(count: int) -> list[int]:
  """70 % train, 15 % validation, 15 % test, in the order of the names."""
  return [int(i >= 0.7 * count) + int(i >= 0.85 * count) for i in range(count)]


def write_celeba(root: Path, count: int) -> Path:
  """Writes CelebA's official files: images in a folder and both lists."""
  for seed, name in enumerate(celeba_names(count)):
    write_photo(root / "img_align_celeba" / name, seed)
  write_celeba_lists(root, count)
  return root


def write_celeba_lists(root: Path, count: int) -> None:
  root.mkdir(parents=True, exist_ok=True)
  lines = [str(count), " ".join(CELEBA) + " "]
  for name, row in zip(celeba_names(count), celeba_labels(count), strict=True):
    # The official file aligns its columns with spaces.
    lines.append(name + "".join(f"{2 * int(value) - 1:3d}" for value in row))
  (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
  parts = zip(celeba_names(count), celeba_partition(count), strict=True)
  (root / "list_eval_partition.txt").write_text(
    "".join(f"{name} {part}\n" for name, part in parts)
  )


def write_celeba_csvs(root: Path, count: int) -> None:
  """Writes the lists of Kaggle's release."""
  lines = [",".join(("image_id", *CELEBA))]
  for name, row in zip(celeba_names(count), celeba_labels(count), strict=True):
    lines.append(",".join([name, *(str(2 * int(value) - 1) for value in row)]))
  (root / "list_attr_celeba.csv").write_text("\n".join(lines) + "\n")
  parts = zip(celeba_names(count), celeba_partition(count), strict=True)
  (root / "list_eval_partition.csv").write_text(
    "image_id,partition\n" + "".join(f"{n},{part}\n" for n, part in parts)
  )


def zip_folder(folder: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
  """Packs `folder` as `folder`.zip, as the official archive is packed."""
  archive = folder.with_name(folder.name + ".zip")
  with zipfile.ZipFile(archive, "w", method) as file:
    file.mkdir(folder.name)
    for path in sorted(folder.iterdir()):
      file.write(path, f"{folder.name}/{path.name}")
  return archive


def rafd_name(
  person: int, expression: str, angle: int = 90, gaze: str = "frontal"
) -> str:
  gender = "female" if person % 2 else "male"
  return (
    f"Rafd{angle:03d}_{person:02d}_Caucasian_{gender}_{expression}_{gaze}.jpg"
  )


def write_rafd(
  root: Path,
  people: Sequence[int],
  expressions: Sequence[str] = EXPRESSIONS,
  subfolders: bool = False,
) -> Path:
  """Writes RaFD, flat or with one sub-folder an expression."""
  for person in people:
    for expression in expressions:
      folder = root / expression if subfolders else root
      write_photo(folder / rafd_name(person, expression), person)
  return root


def people_of_splits(test_share: float) -> list[int]:
  """Numbers of RaFD's people, one in each split, in the order of SPLITS."""
  splits = {
    person: assign_split(f"rafd {person:02d}", test_share)
    for person in range(1, 74)
  }
  return [next(p for p in splits if splits[p] == split) for split in SPLITS]


def write_folder(root: Path, classes: Mapping[str, int]) -> Path:
  """Writes sub-folders of photos, so many a class."""
  for name, count in classes.items():
    for seed in range(count):
      write_photo(root / name / f"{seed:03d}.jpg", seed)
  return root


def format_table(root: Path, labels: Mapping[str, Sequence[int]]) -> Path:
  """Writes photos and labels.csv; `labels` are the columns."""
  count = len(next(iter(labels.values())))
  lines = [",".join(("file", *labels))]
  for seed in range(count):
    name = f"face_{seed:03d}.jpg"
    write_photo(root / name, seed)
    lines.append(",".join([name, *(str(c[seed]) for c in labels.values())]))
  (root / "labels.csv").write_text("\n".join(lines) + "\n")
  return root


def config(path: Path | str, **fields: Any) -> ConfigDict:
  """The data section of a config."""
  return ConfigDict({
      "path": str(path), "image_size": 32, "crop": 178, "attributes": (),
      "label_rule": "multilabel", "skip_unreadable": False,
      "split_rule": "official", "split": "share", "test_share": 0.1, "csv": "",
      **fields,
  })  # fmt: skip


def error(function: Callable, *args: object) -> str:
  """The message of the UserError that `function` raises: one line."""
  with pytest.raises(UserError) as caught:
    function(*args)
  message = str(caught.value)
  assert "\n" not in message
  return message


def names_by_split(
  open_source: Callable[[ConfigDict, str], PhotoSource], data: ConfigDict
) -> dict[str, set[str]]:
  return {split: set(open_source(data, split).names) for split in SPLITS}


def assert_same(first: Source, second: Source) -> None:
  assert first.attributes == second.attributes
  assert first.exclusive == second.exclusive
  np.testing.assert_array_equal(first.identities, second.identities)
  np.testing.assert_array_equal(first.labels, second.labels)
  for index in range(len(first)):
    a, b = first[index], second[index]
    np.testing.assert_array_equal(a["image"], b["image"])
    np.testing.assert_array_equal(a["label"], b["label"])
