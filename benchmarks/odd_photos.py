"""Sets of photos that people have, and what damage makes of them.

Each maker writes one set into an empty folder, from a random number generator,
and returns what a right reading finds in it.
"""

import csv
import dataclasses
import io
import os
import struct
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 8
COUNT = 24
CLASSES = ("cat", "dog", "owl")
NAMES = (
  "a/b", "..", ".", "x=1", "$a_$b$", "$\\frac", "n" * 300, "帽子", "Bärte",
  unicodedata.normalize("NFD", "Bärte"), "a,b", "a;b", 'a"b', "a|b", "%2E",
  "\\", " ", "", "a\nb", "a\tb", "-x", "~", "é" * 120, "𝕏", "\u200b", "0", "1",
  "None", "all", "nothing", "CON", "a.", "label",
)  # fmt: skip
KINDS = {
  ".png": ("PNG", {}), ".bmp": ("BMP", {}), ".tif": ("TIFF", {}),
  ".webp": ("WEBP", {"lossless": True}), ".jpg": ("JPEG", {}),
  ".gif": ("GIF", {}), ".avif": ("AVIF", {"speed": 10}),
}  # fmt: skip
EXACT = (".png", ".bmp", ".tif", ".webp")


@dataclasses.dataclass
class Case:
  """A set of photos.

  Attributes:
    fields: of config.data.
    labels: {photo: the names of its attributes}, of a set that can be read; of
      a damaged one, what a reading may find.
    pixels: {photo: uint8 [S, S, 3]}, of those that are whole.
    certain: whether a refusal would be wrong.
  """

  fields: dict[str, Any]
  labels: dict[str, frozenset[str]]
  pixels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
  certain: bool = False


def encode(pixels, suffix, **options):
  kind, usual = KINDS[suffix]
  stream = io.BytesIO()
  Image.fromarray(pixels).save(stream, kind, **usual | options)
  return stream.getvalue()


def draw(rng):
  return rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def damage(rng, content):
  """Flips bits, cuts off, or writes zeros over a part."""
  data = bytearray(content)
  how = rng.integers(5)
  if how == 0 or not data:
    return bytes(data[: rng.integers(len(data) + 1)])
  if how == 1:
    start = rng.integers(len(data))
    length = int(rng.integers(1, 64))
    data[start : start + length] = bytes(length)
    return bytes(data)
  if how == 2:
    start = rng.integers(len(data))
    return bytes(data[:start] + rng.bytes(rng.integers(1, 9)) + data[start:])
  # The start is what decoders believe.
  reach = len(data) if how == 3 else min(len(data), 64)
  for place in rng.integers(0, reach, rng.integers(1, 9)):
    data[place] ^= 1 << int(rng.integers(8))
  return bytes(data)


def write_photos(rng, root, names, suffix=None):
  """Writes photos; returns the pixels of those that lose none."""
  pixels = {}
  for name in names:
    kind = suffix or Path(name).suffix
    value = draw(rng)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(value, kind))
    if kind in EXACT:
      pixels[name] = value
  return pixels


def folder(rng, root):
  """A folder of classes, undamaged."""
  suffixes = rng.choice(list(KINDS), COUNT, p=[0.4] + [0.1] * 6)
  if rng.random() < 0.3:
    suffixes = np.char.upper(suffixes)
  labels = {}
  for number, suffix in enumerate(suffixes):
    name = CLASSES[number % len(CLASSES)]
    labels[f"{name}/{number}{suffix}"] = frozenset([name])
  pixels = {}
  for name in labels:
    pixels |= write_photos(rng, root, [name], Path(name).suffix.lower())
  return Case({"name": "folder", "path": str(root)}, labels, pixels, True)


def damaged_photo(rng, root):
  """A folder in which photos are damaged."""
  case = folder(rng, root)
  for name in rng.choice(list(case.labels), rng.integers(1, 4), replace=False):
    path = root / name
    path.write_bytes(damage(rng, path.read_bytes()))
    case.pixels.pop(name, None)
  case.fields["skip_unreadable"] = bool(rng.random() < 0.3)
  case.certain = False
  return case


def odd_photo(rng, root):
  """A folder with photos of odd modes, sizes and contents."""
  case = folder(rng, root)
  for name in rng.choice(list(case.labels), 4, replace=False):
    (root / name).write_bytes(odd_content(rng))
    case.pixels.pop(name, None)
  case.certain = False
  return case


def odd_content(rng):
  """The content of a file that is called a photo."""
  size = tuple(int(x) for x in rng.choice([1, 2, 3, 8, 500, 3000], 2))
  modes = ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "LAB", "HSV",
           "I;16", "I", "F", "RGB", "La", "RGBa", "RGBX"]  # fmt: skip
  choice = rng.integers(8)
  if choice == 0:
    return [b"", b"\0" * 99, b"<html>", b"%PDF-1.7", b"GIF89a", b"II*\0",
            b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP",
            b"P5 99999 99999 255 ", b"P6 0 0 255 ", b"PK\x03\x04",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            ][rng.integers(13)]  # fmt: skip
  if choice == 1:  # Sizes that nobody has memory for.
    wide, high = (int(x) for x in rng.choice([0, 1, 2**16, 2**31 - 1], 2))
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + head + rng.bytes(40)
  for _ in range(9):
    mode, kind = rng.choice(modes), rng.choice(list(KINDS.values()))[0]
    try:
      stream = io.BytesIO()
      image = Image.new(mode, size)
      options = {}
      if choice == 2:
        exif = Image.Exif()
        exif[0x0112] = int(rng.integers(0, 12))
        options["exif"] = exif
      if choice == 3:
        options |= {"save_all": True, "append_images": [image] * 3}
      image.save(stream, kind, **options)
      return stream.getvalue()
    except (OSError, ValueError, KeyError, SystemError, TypeError):
      continue
  return b""


def odd_folder(rng, root):
  """A folder with things in it that are no photos of a class."""
  case = folder(rng, root)
  case.certain = False
  for _ in range(rng.integers(1, 4)):
    _put_odd(rng, root, case)
  if rng.random() < 0.3:
    case.fields["attributes"] = tuple(rng.permutation(CLASSES).tolist())
  return case


def _put_odd(rng, root, case):
  where = root / rng.choice([".", *CLASSES])
  name = f"odd{rng.integers(99)}"
  target = where / name
  if os.path.lexists(target):
    return
  choice = rng.integers(12)
  if choice == 0:
    target.mkdir()
  elif choice == 1:
    target.symlink_to(target.name)
  elif choice == 2:
    target.symlink_to(root)
  elif choice == 3:
    os.mkfifo(f"{target}.png")
    if where != root:
      case.labels[f"{where.name}/{name}.png"] = frozenset([where.name])
  elif choice == 4:
    (where / f"{name}.heic").write_bytes(b"x")
  elif choice == 5:
    (where / f"{name}.png").symlink_to("nowhere.png")
    if where != root:
      case.labels[f"{where.name}/{name}.png"] = frozenset([where.name])
  elif choice == 6:
    target.mkdir()
    write_photos(rng, target, ["1.png"])
    if where == root:
      case.labels[f"{name}/1.png"] = frozenset([name])
  elif choice == 7:
    (where / f"{name}.png").mkdir()
  elif choice == 8:
    write_photos(rng, where, [f"{name}.png"])
    if where != root:
      case.labels[f"{where.name}/{name}.png"] = frozenset([where.name])
  elif choice == 9:
    (target / "deep").mkdir(parents=True)
    write_photos(rng, target / "deep", ["1.png"])
  elif choice == 10:
    for hidden in (".DS_Store", "Thumbs.db", f".{name}.png"):
      (where / hidden).write_bytes(b"x")
  else:
    target.write_bytes(b"no suffix")


def named_folder(rng, root):
  """A folder whose classes and photos have odd names."""
  case = Case({"name": "folder", "path": str(root)}, {})
  names = rng.permutation(np.array(NAMES, object))[:3]
  for place, name in enumerate(names):
    raw = os.fsencode(name) if rng.random() < 0.9 else b"b\xe4r"
    for number in range(8):
      stem = os.fsencode(str(rng.choice(["", "ü", "=", "$", " ", "帽"])))
      if rng.random() < 0.1:
        stem = b"\xe4"
      path = os.path.join(
        os.fsencode(root), raw.replace(b"/", b"-"), stem + b"%d.png" % number
      )
      try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
          value = draw(rng)
          file.write(encode(value, ".png"))
      except (OSError, ValueError):
        continue  # The file system does not take that name.
      photo = os.path.relpath(os.fsdecode(path), root)
      if photo.count("/") != 1 or photo.startswith("."):
        continue
      label = unicodedata.normalize("NFC", photo.split("/")[0])
      case.labels[photo] = frozenset([label])
      case.pixels[photo] = value
    del place
  return case


def table(rng, root, names=None):
  """A folder of photos and a CSV, undamaged but for how it was saved."""
  names = names or ("Hat", "Beard", "Smiling")
  values = rng.integers(0, 2, (COUNT, len(names)))
  photos = [f"{number}.png" for number in range(COUNT)]
  if rng.random() < 0.2:
    photos = [f"sub/{x}" for x in photos]
  minus = rng.random() < 0.5
  rows = [["file", *names]]
  for photo, row in zip(photos, values, strict=True):
    rows.append([photo, *(str(2 * x - 1 if minus else x) for x in row)])
  stream = io.StringIO()
  writer = csv.writer(
    stream,
    delimiter=str(rng.choice([",", ";", "\t"])),
    lineterminator=str(rng.choice(["\n", "\r\n"])),
    quoting=int(rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
  )
  writer.writerows(rows)
  text = stream.getvalue() + str(rng.choice(["", "\n", "\r\n\r\n"]))
  encoding = str(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))
  pixels = write_photos(rng, root, photos)
  (root / "labels.csv").write_bytes(text.encode(encoding))
  labels = {
    photo: frozenset(x for x, on in zip(names, row, strict=True) if on)
    for photo, row in zip(photos, values, strict=True)
  }
  return Case({"name": "table", "path": str(root)}, labels, pixels, True)


def named_table(rng, root):
  """A table whose attributes have odd names."""
  names = tuple(rng.permutation(np.array(NAMES, object))[:3].tolist())
  case = table(rng, root, names)
  case.certain = False
  case.labels = {
    photo: frozenset(name.strip() for name in row)
    for photo, row in case.labels.items()
  }
  return case


def damaged_table(rng, root):
  """A table whose bytes are damaged: what is in it then is what counts."""
  case = table(rng, root)
  path = root / "labels.csv"
  path.write_bytes(damage(rng, path.read_bytes()))
  case.certain = False
  case.labels = _believed(path)
  return case


def edited_table(rng, root):
  """A table with a mistake that people make."""
  case = table(rng, root)
  case.certain = False
  path = root / "labels.csv"
  text = path.read_bytes().decode(_encoding(path))
  lines = text.splitlines()
  place = int(rng.integers(1, COUNT))
  separator = max(",;\t", key=lines[0].count)
  cells = lines[place].split(separator)
  match rng.integers(12):
    case 0:
      del lines[0]
    case 1:
      lines = [f"{i}{separator}{x}" for i, x in enumerate(lines)]
    case 2:
      lines[place] = separator.join(cells[:-1])
    case 3:
      lines[place] += f"{separator}1"
    case 4:
      lines[place] = lines[place - 1]
    case 5:
      word = rng.choice(["2", "yes", "", "0.5", "Truee", " 1", "١"])
      lines[place] = separator.join([*cells[:-1], str(word)])
    case 6:
      lines = [x.replace(".png", ".jpg") for x in lines]
    case 7:
      lines = [x.replace(".png", "") for x in lines]
    case 8:
      del lines[place:]
    case 9:
      lines = [x + separator for x in lines]
    case 10:
      lines.insert(place, separator * 3)
    case 11:
      lines = [f"./{x}" for x in lines]
  path.write_bytes("\n".join(lines).encode("utf-8"))
  case.labels = _believed(path)
  case.fields["skip_unreadable"] = bool(rng.random() < 0.3)
  return case


def _encoding(path):
  start = path.read_bytes()[:2]
  return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _believed(path):
  """Returns what a plain reader finds in a table; {} where it fails."""
  try:
    text = path.read_bytes().decode(_encoding(path))
    first = text.split("\n")[0]
    rows = list(csv.reader(
      io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count)
    ))  # fmt: skip
  except (UnicodeDecodeError, csv.Error):
    return {}
  header = [x.strip() for x in rows[0]] if rows else []
  return {
    os.path.normpath(row[0].strip()): frozenset(
      x for x, on in zip(header[1:], row[1:], strict=False) if on.strip() == "1"
    )
    for row in rows[1:]
    if row
  }


def celeba(rng, root):
  """CelebA's official files, the photos in a folder or in a zip."""
  names = [f"{number:06}.jpg" for number in range(1, COUNT + 1)]
  attributes = ("Male", "Smiling", "Young")
  values = rng.integers(0, 2, (COUNT, 3))
  lines = [str(COUNT), " ".join(attributes)]
  for name, row in zip(names, values, strict=True):
    lines.append(" ".join([name, *(f"{2 * x - 1:2d}" for x in row)]))
  (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
  parts = [int(i % 4 == 1) + 2 * int(i % 4 == 2) for i in range(COUNT)]
  (root / "list_eval_partition.txt").write_text(
    "".join(f"{x} {part}\n" for x, part in zip(names, parts, strict=True))
  )
  contents = {name: encode(draw(rng), ".jpg") for name in names}
  if rng.random() < 0.5:
    path = root / "img_align_celeba.zip"
    method = int(rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    with zipfile.ZipFile(path, "w", method) as archive:
      for name, content in contents.items():
        archive.writestr(f"img_align_celeba/{name}", content)
  else:
    (root / "img_align_celeba").mkdir()
    for name, content in contents.items():
      (root / "img_align_celeba" / name).write_bytes(content)
  labels = {
    name: frozenset(x for x, on in zip(attributes, row, strict=True) if on)
    for name, row in zip(names, values, strict=True)
  }
  return Case({"name": "celeba", "path": str(root)}, labels, certain=True)


def damaged_list(rng, root):
  """CelebA with a damaged list of attributes or of splits."""
  case = celeba(rng, root)
  path = root / rng.choice(["list_attr_celeba.txt", "list_eval_partition.txt"])
  path.write_bytes(damage(rng, path.read_bytes()))
  case.certain = False
  lines = (
    (root / "list_attr_celeba.txt").read_bytes().decode("utf-8", "replace")
  )
  rows = [line.split() for line in lines.split("\n")]
  names = rows[1] if len(rows) > 1 else []
  case.labels = {
    row[0]: frozenset(
      x for x, on in zip(names, row[1:], strict=False) if on == "1"
    )
    for row in rows[2:]
    if row
  }
  return case


def odd_zip(rng, root):
  """CelebA in a zip that is damaged, or packed in an odd way."""
  case = celeba(rng, root)
  case.certain = False
  path = root / "img_align_celeba.zip"
  if not path.exists():
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
      for photo in sorted((root / "img_align_celeba").iterdir()):
        archive.write(photo, f"img_align_celeba/{photo.name}")
    for photo in sorted((root / "img_align_celeba").iterdir())[::2]:
      photo.unlink()
    return case
  content = path.read_bytes()
  match rng.integers(6):
    case 0 | 1:
      path.write_bytes(damage(rng, content))
    case 2:  # Its directory is at its end.
      tail = damage(rng, content[-1500:])
      path.write_bytes(content[:-1500] + tail)
    case 3:
      with zipfile.ZipFile(path, "a") as archive:
        folder = rng.choice(["thumbs", "..", "/", "a\\b", "__MACOSX", "ä"])
        archive.writestr(f"{folder}/000003.jpg", b"x")
        archive.writestr(f"{folder}/._000004.jpg", b"x")
        archive.writestr("x.jpg/", b"")
    case 4:
      path.write_bytes(rng.bytes(99) + content)
    case 5:
      with zipfile.ZipFile(path, "a") as archive:
        archive.comment = rng.bytes(50)
  return case


MAKERS = {
  maker.__name__: maker
  for maker in (
    folder, damaged_photo, odd_photo, odd_folder, named_folder, table,
    named_table, damaged_table, edited_table, celeba, damaged_list, odd_zip,
  )
}  # fmt: skip
