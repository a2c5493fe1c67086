"""A folder of photos and a CSV."""

import errno
import os
import unicodedata

import numpy as np
import pytest

from akd_jax.data.photos.images import load_image
from akd_jax.data.photos.source import assign_split
from akd_jax.data.photos.table import open_table
from tests import layouts
from tests.layouts import SPLITS, config, error

COLUMNS = {
  "Black_Hair": [0, 1, 0, 1] * 5,
  "Gray_Hair": [1, 0, 1, 0] * 5,
  "Happy": [1, 1, 0, 0] * 5,
}


def test_table_of_attributes(tmp_path):
  layouts.format_table(tmp_path, COLUMNS)
  data = config(tmp_path, test_share=0.5)
  by_split = layouts.names_by_split(open_table, data)
  assert sum(map(len, by_split.values())) == 20
  for split in SPLITS:
    source = open_table(data, split)
    assert source.attributes == tuple(COLUMNS)
    assert source.exclusive == (("Black_Hair", "Gray_Hair"),)
    for index, name in enumerate(source.names):
      row = int(name[5:8])
      expected = [column[row] for column in COLUMNS.values()]
      assert source[index]["label"].tolist() == expected
      np.testing.assert_array_equal(
        source[index]["image"], load_image(tmp_path / name, 178, 32)
      )


def test_table_with_minus_ones_and_photos_in_sub_folders(tmp_path):
  layouts.write_folder(tmp_path, {"x": 3, "y": 3})
  labels = {f"{c}/{n:03d}.jpg": n % 2 for c in "xy" for n in range(3)}
  rows = [f"{name}, {2 * on - 1}, ?" for name, on in labels.items()]
  text = "\n".join(["\ufefffile, Happy, comment", *rows])
  (tmp_path / "a.csv").write_text(text, encoding="utf-8")
  data = config(tmp_path, attributes=("Happy",), test_share=0.01)
  source = open_table(data, "train")
  read = zip(source.names, source.labels[:, 0].tolist(), strict=True)
  assert dict(read) == labels


def test_exclusive_table(tmp_path):
  layouts.format_table(tmp_path, COLUMNS)
  data = config(
    tmp_path, label_rule="exclusive", attributes=("Gray_Hair", "Black_Hair")
  )
  assert open_table(data, "train").exclusive == (("Gray_Hair", "Black_Hair"),)
  data.attributes = tuple(COLUMNS)
  message = error(open_table, data, "train")
  assert "config.data.label_rule" in message and " 10 " in message


def test_table_mistakes_are_named(tmp_path):
  root = layouts.format_table(tmp_path / "faces", COLUMNS)
  table = root / "labels.csv"
  text = table.read_text()
  line = "face_004.jpg,0,1,1"
  for changed, expected in (
    (text.replace(line, "face_004.jpg,0,yes,1"), "line 6, column Gray_Hair"),
    (text.replace(line, "face_004.jpg,0,,1"), "line 6, column Gray_Hair"),
    (text.replace(line, "face_004.jpg,0,-1,1"), "line 2, column Black_Hair"),
    (text.replace(line, "face_004.jpg,0,1"), "line 6: 2 "),
    (text.replace(line, "face.png,0,1,1"), "1 of the 20 "),
    (text.replace(line, "face_003.jpg,0,1,1"), "line 5"),
    (text.splitlines()[0], "header"),
    ("", "header"),
  ):
    table.write_text(changed)
    message = error(open_table, config(root), "train")
    assert expected in message
    assert str(table) in message
  table.write_text(text)

  data = config(root, attributes=("Hapy",))
  assert "'Happy'" in error(open_table, data, "train")
  assert "no.csv" in error(open_table, config(root, csv="no.csv"), "train")
  (root / "other.csv").write_text(text)
  message = error(open_table, config(root), "train")
  assert "labels.csv, other.csv" in message
  assert len(open_table(config(root, csv="labels.csv"), "train")) > 0

  above = root.parent / "labels.csv"
  above.write_text(text)
  message = error(open_table, config(root.parent), "train")
  csv = f"../{above.name}"
  assert message.endswith(f"config.data.path={root} and config.data.csv={csv}")
  assert len(open_table(config(root, csv=csv), "train")) > 0


def format_table(root, text, encoding="utf-8"):
  """The photos of COLUMNS, with another table."""
  layouts.format_table(root, COLUMNS)
  (root / "labels.csv").write_text(text, encoding=encoding)
  return root


def rows_of(root, **fields):
  """{name: label} of all splits."""
  data = config(root, test_share=0.5, **fields)
  return {
    name: tuple(map(int, label))
    for split in SPLITS
    for source in [open_table(data, split)]
    for name, label in zip(source.names, source.labels, strict=True)
  }


TEXT = "\n".join(
  ["file,Black_Hair,Gray_Hair,Happy"]
  + [
    f"face_{i:03d}.jpg,{a},{b},{c}"
    for i, (a, b, c) in enumerate(zip(*COLUMNS.values(), strict=True))
  ]
)
EXPECTED = {
  f"face_{i:03d}.jpg": labels
  for i, labels in enumerate(zip(*COLUMNS.values(), strict=True))
}


@pytest.mark.parametrize("separator", [",", ";", "\t", ", "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_however_it_was_saved(tmp_path, separator, encoding):
  root = format_table(tmp_path, TEXT.replace(",", separator), encoding)
  assert rows_of(root) == EXPECTED


def test_a_header_with_commas_does_not_make_them_the_separator(tmp_path):
  text = TEXT.replace(",", ";").replace("Happy", "Happy, or glad")
  source = open_table(
    config(format_table(tmp_path, text), test_share=0.5), "test"
  )
  assert source.attributes[-1] == "Happy, or glad"


@pytest.mark.parametrize("before", ["./", "x/../", ".//"])
def test_a_photo_has_one_split_however_its_path_is_written(tmp_path, before):
  splits = [
    layouts.names_by_split(open_table, config(root, test_share=0.3))
    for root in (
      format_table(tmp_path / "plain", TEXT),
      format_table(tmp_path / "other", TEXT.replace("face", f"{before}face")),
    )
  ]
  assert splits[0] == splits[1]
  # As they were in every version.
  assert splits[0]["test"] == {
    x for x in EXPECTED if assign_split(x, 0.3) == "test"
  }


WITHOUT_HEADER = TEXT.split("\n", 1)[1]
LINES = TEXT.split("\n")


@pytest.mark.parametrize(
  ("text", "expected"),
  [
    (WITHOUT_HEADER, ["no header", "face_000.jpg 0 1 1"]),
    (WITHOUT_HEADER.replace(".jpg", ""), ["no header"]),
    (
      "\n".join(
        ["," + LINES[0], *(f"{i},{x}" for i, x in enumerate(LINES[1:]))]
      ),
      ["column 2 (file)", "index=False"],
    ),
    (TEXT.replace("Happy", ""), ["attribute 3 has no name"]),
    (TEXT.replace("Happy", "Gray_Hair"), ["two attributes named 'Gray_Hair'"]),
    (TEXT.replace("Happy", '"Hap\npy"'), ["line break"]),
    (TEXT.replace(",", "|"), ["semicolons or tabs"]),
    (TEXT.replace("face_002.jpg", ""), ["line 4", "name"]),
    (TEXT.replace(".jpg", ".png"), ["20 of the 20", "face_000.jpg is there"]),
    (TEXT.replace(".jpg", ""), ["face_000.jpg is there, whose suffix"]),
    (TEXT.replace("face", "Face"), ["face_000.jpg is there", "capital"]),
    (TEXT.replace("face", "a/face"), ["face_000.jpg is there", "folder"]),
    (TEXT.replace("face", "a\\face"), ["separated by /"]),
    (
      TEXT.replace("face_004", "face_999"),
      ["1 of the 20", "config.data.skip_unreadable=True"],
    ),
    (TEXT + "\n./face_004.jpg,0,1,1", ["face_004.jpg twice"]),
    (TEXT.replace("0,1,1", "0,1,41"), ["Happy: '41'", "config.data.attrib"]),
  ],
)
def test_a_message_has_the_cause_and_the_remedy(tmp_path, text, expected):
  root = format_table(tmp_path, text)
  (root / "a").mkdir()
  layouts.write_photo(root / "a" / "other.jpg", 0)
  message = error(open_table, config(root, test_share=0.5), "train")
  for part in (*expected, str(root)):
    assert part in message


@pytest.mark.parametrize(
  ("content", "expected"),
  [
    (TEXT.replace("Happy", "Fröhlich").encode("latin-1"), "line 1; save it"),
    (TEXT.encode("utf-16-le"), "UTF-16 without a mark"),
    (bytes(range(256)), "save it as UTF-8"),
  ],
)
def test_another_encoding_is_named(tmp_path, content, expected):
  root = format_table(tmp_path, TEXT)
  (root / "labels.csv").write_bytes(content)
  message = error(open_table, config(root), "train")
  assert expected in message and str(root / "labels.csv") in message


def test_umlauts_may_be_spelt_in_two_ways(tmp_path):
  listed = TEXT.replace("face", "Bär/fäce")
  root = tmp_path / "photos"
  for seed in range(20):
    name = f"Bär/fäce_{seed:03d}.jpg"
    layouts.write_photo(root / unicodedata.normalize("NFD", name), seed)
  (root / "labels.csv").write_text(listed, encoding="utf-8")
  found = rows_of(root)
  normal = {unicodedata.normalize("NFC", x): row for x, row in found.items()}
  assert normal == {
    x.replace("face", "Bär/fäce"): row for x, row in EXPECTED.items()
  }
  source = open_table(config(root, test_share=0.5), "train")
  assert source[0]["image"].shape == (32, 32, 3)


def test_photos_that_are_not_there_or_not_listed_are_counted(tmp_path):
  text = "\n".join(LINES[:15]) + "\nabsent.jpg,0,0,1"
  root = format_table(tmp_path, text)
  data = config(root, test_share=0.5, skip_unreadable=True)
  source = open_table(data, "train")
  absent, unlisted = source.remarks
  assert "1 of the 15 images" in absent and "absent.jpg" in absent
  assert "6 photos are left out" in unlisted and "face_014.jpg" in unlisted
  found = rows_of(root, skip_unreadable=True)
  assert found == {x: EXPECTED[x] for x in list(EXPECTED)[:14]}


@pytest.mark.parametrize("inside", ["", "cat/"])
def test_photos_in_folders_that_a_table_does_not_name_are_counted(
  tmp_path, inside
):
  root = format_table(tmp_path, TEXT.replace("face", f"{inside}face"))
  if inside:
    (root / inside).mkdir()
    for photo in root.glob("*.jpg"):
      photo.rename(root / inside / photo.name)
  layouts.write_folder(root, {"dog": 3})
  (root / "dog" / "notes.txt").touch()
  (remark,) = open_table(config(root, test_share=0.5), "train").remarks
  assert f"{root}: 3 photos are left out" in remark
  assert remark.endswith("dog/000.jpg, dog/001.jpg, dog/002.jpg")


def test_a_folder_that_cannot_be_listed_is_passed_over(tmp_path, monkeypatch):
  root = format_table(tmp_path, TEXT)
  (root / "lost+found").mkdir()
  scandir = os.scandir

  def guarded(folder):
    if str(folder).endswith("lost+found"):
      raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return scandir(folder)

  monkeypatch.setattr(os, "scandir", guarded)
  assert open_table(config(root, test_share=0.5), "train").remarks == ()


def test_photos_to_test_with_are_never_proposed(tmp_path):
  text = TEXT
  for name in ("test", "train"):
    layouts.format_table(tmp_path / name, COLUMNS)
    (tmp_path / name / "labels.csv").unlink()
  (tmp_path / "labels.csv").write_text(text)
  message = error(open_table, config(tmp_path), "train")
  assert f"config.data.path={tmp_path / 'train'}" in message
  (tmp_path / "more").mkdir()
  layouts.write_photo(tmp_path / "more" / "face_000.jpg", 0)
  message = error(open_table, config(tmp_path), "train")
  assert f"{tmp_path / 'more'}, {tmp_path / 'train'}" in message
  assert "/test" not in message.replace(str(tmp_path), "")


def test_tables_that_lie_deeper_are_named(tmp_path):
  for name in ("one", "test"):
    layouts.format_table(tmp_path / name, COLUMNS)
  (tmp_path / "labels.xlsx").write_bytes(b"")
  message = error(open_table, config(tmp_path), "train")
  assert "1 of .xlsx" in message
  assert "there is one/labels.csv in" in message
  message = error(open_table, config(tmp_path, csv="one/labels.csv"), "train")
  one = tmp_path / "one"
  assert message.endswith(f"path={one} and config.data.csv=labels.csv")
  assert len(open_table(config(one, csv="labels.csv"), "train")) > 0


@pytest.mark.parametrize("name", ["a/b", "..", "x=1", "$a$", "n" * 300, "帽子"])
def test_an_attribute_may_be_called_anything(tmp_path, name):
  root = format_table(tmp_path, TEXT.replace("Happy", name))
  assert set(rows_of(root, attributes=(name,)).values()) == {(0,), (1,)}
