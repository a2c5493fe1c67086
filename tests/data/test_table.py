"""A folder of photos and a CSV."""

import numpy as np

from akd_jax.data.photos.images import load_image
from akd_jax.data.photos.table import open_table
from tests import layouts
from tests.layouts import SPLITS, config, error

COLUMNS = {
  "Black_Hair": [0, 1, 0, 1] * 5,
  "Gray_Hair": [1, 0, 1, 0] * 5,
  "Happy": [1, 1, 0, 0] * 5,
}


def test_table_of_attributes(tmp_path):
  layouts.write_table(tmp_path, COLUMNS)
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
  layouts.write_table(tmp_path, COLUMNS)
  data = config(
    tmp_path, label_rule="exclusive", attributes=("Gray_Hair", "Black_Hair")
  )
  assert open_table(data, "train").exclusive == (("Gray_Hair", "Black_Hair"),)
  data.attributes = tuple(COLUMNS)
  message = error(open_table, data, "train")
  assert "config.data.label_rule" in message and " 10 " in message


def test_table_mistakes_are_named(tmp_path):
  root = layouts.write_table(tmp_path / "faces", COLUMNS)
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
  assert f"config.data.path={root} and config.data.csv={above}" in message
  assert len(open_table(config(root, csv=str(above)), "train")) > 0
