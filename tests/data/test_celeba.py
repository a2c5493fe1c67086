"""CelebA: every layout people have, both splits, clear errors."""

import random
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from akd_jax.data.attributes import CELEBA
from akd_jax.data.photos.celeba import open_celeba
from akd_jax.data.photos.images import load_image
from tests import layouts
from tests.layouts import SPLITS, assert_same, config, error

COUNT = 24


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
  """CelebA's official files; tests must not change them."""
  return layouts.write_celeba(tmp_path_factory.mktemp("celeba"), COUNT)


@pytest.fixture
def celeba(official: Path, tmp_path: Path) -> Path:
  """A copy of them that a test may change."""
  return Path(shutil.copytree(official, tmp_path / "celeba"))


def test_celeba_official_files(official):
  attributes = ("Smiling", "Blond_Hair", "Male")
  data = config(official, attributes=attributes)
  labels = layouts.celeba_labels(COUNT)
  columns = [CELEBA.index(name) for name in attributes]
  partition = np.array(layouts.celeba_partition(COUNT))
  for number, split in enumerate(SPLITS):
    source = open_celeba(data, split)
    rows = np.flatnonzero(partition == number)
    assert len(source) == len(rows) > 0
    assert source.attributes == attributes
    assert source.labels.dtype == np.uint8
    np.testing.assert_array_equal(source.labels, labels[rows][:, columns])
    for index, row in enumerate(rows):
      record = source[index]
      file = official / "img_align_celeba" / f"{row + 1:06d}.jpg"
      np.testing.assert_array_equal(record["image"], load_image(file, 178, 32))
      np.testing.assert_array_equal(record["label"], source.labels[index])


def test_celeba_knows_all_forty_attributes_and_what_excludes_what(official):
  source = open_celeba(config(official), "train")
  assert source.attributes == CELEBA
  assert source.exclusive == (
    ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Bald"),
    ("Straight_Hair", "Wavy_Hair"),
    ("Bald", "Bangs"),
    ("Receding_Hairline", "Bangs"),
  )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_celeba_zip_equals_folder(celeba, method):
  expected = open_celeba(config(celeba), "train")
  unpacked = celeba / "img_align_celeba"
  archive = layouts.zip_folder(unpacked, method)
  unpacked.rename(celeba.parent / "away")
  source = open_celeba(config(celeba), "train")
  assert source.where == str(archive)
  (celeba.parent / "away").rename(unpacked)
  assert_same(source, expected)


def write_identities(root: Path, people: Sequence[object]) -> Path:
  path = root / "identity_CelebA.txt"
  names = layouts.celeba_names(len(people))
  pairs = zip(names, people, strict=True)
  path.write_text("".join(f"{name} {person}\n" for name, person in pairs))
  return path


@pytest.mark.parametrize("folder", [".", "Anno"])
def test_people_are_known_where_their_list_is_there(celeba, folder):
  assert open_celeba(config(celeba), "train").identities is None
  people = np.arange(COUNT) % 5 + 2880
  path = write_identities(celeba, people)
  (celeba / folder).mkdir(exist_ok=True)
  path.rename(celeba / folder / path.name)
  partition = np.array(layouts.celeba_partition(COUNT))
  for number, split in enumerate(SPLITS):
    found = open_celeba(config(celeba), split).identities
    np.testing.assert_array_equal(found, people[partition == number])


@pytest.mark.parametrize(
  ("people", "expected"),
  [
    ([1] * (COUNT - 1), f"{COUNT:06}.jpg"),
    ([1, "x"] + [1] * (COUNT - 2), "line 2"),
    ([1, 0] + [1] * (COUNT - 2), "line 2"),
  ],
)
def test_a_damaged_list_of_people_is_named(celeba, people, expected):
  path = write_identities(celeba, people)
  message = error(open_celeba, config(celeba), "test")
  assert str(path) in message and expected in message


def _nest_lists(root: Path) -> None:
  for folder, name in (
      ("Anno", "list_attr_celeba.txt"), ("Eval", "list_eval_partition.txt")
  ):  # fmt: skip
    (root / folder).mkdir()
    (root / name).rename(root / folder / name)


def _google_drive(root: Path) -> None:
  _nest_lists(root)
  (root / "Img").mkdir()
  archive = layouts.zip_folder(root / "img_align_celeba")
  archive.rename(root / "Img" / archive.name)
  shutil.rmtree(root / "img_align_celeba")


def _kaggle(root: Path) -> None:
  for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
    (root / name).unlink()
  layouts.write_celeba_csvs(root, COUNT)
  (root / "img_align_celeba").rename(root / "inner")
  (root / "img_align_celeba").mkdir()
  (root / "inner").rename(root / "img_align_celeba/img_align_celeba")


def _stargan(root: Path) -> None:
  (root / "img_align_celeba").rename(root / "images")


def _windows(root: Path) -> None:
  for path in root.glob("*.txt"):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
  "rearrange", [_nest_lists, _google_drive, _kaggle, _stargan, _windows]
)
def test_celeba_as_people_have_it(official, celeba, rearrange):
  rearrange(celeba)
  for split in SPLITS:
    assert_same(
      open_celeba(config(celeba), split),
      open_celeba(config(official), split),
    )


def test_stargan_split_is_that_of_the_released_code(tmp_path):
  count = 4100
  layouts.write_celeba_lists(tmp_path, count)
  with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "w") as archive:
    for name in layouts.celeba_names(count):
      archive.writestr(f"img_align_celeba/{name}", b"")
  before = random.getstate()
  data = config(tmp_path, split_rule="stargan")
  found = layouts.names_by_split(open_celeba, data)
  assert random.getstate() == before

  lines = layouts.celeba_names(count)
  random.Random(1234).shuffle(lines)
  assert found["test"] == set(lines[:1999])
  assert found["validation"] == set(lines[1999:3998])
  assert found["train"] == set(lines[3998:])


def _edit(path: Path, line: int, old: str, new: str) -> None:
  lines = path.read_text().split("\n")
  assert old in lines[line - 1]
  lines[line - 1] = lines[line - 1].replace(old, new, 1)
  path.write_text("\n".join(lines))


def _wrong_value(root: Path) -> None:
  path = root / "list_attr_celeba.txt"
  lines = path.read_text().split("\n")
  cells = lines[6].split()
  cells[1 + CELEBA.index("Eyeglasses")] = "2"
  lines[6] = " ".join(cells)
  path.write_text("\n".join(lines))


def _attributes(edit: Callable[[Path], None]) -> Callable[[Path], None]:
  return lambda root: edit(root / "list_attr_celeba.txt")


def _partition(edit: Callable[[Path], None]) -> Callable[[Path], None]:
  return lambda root: edit(root / "list_eval_partition.txt")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (_attributes(Path.unlink), ["list_attr_celeba.txt"]),
        (_partition(Path.unlink), ["list_eval_partition.txt"]),
        (
            lambda root: shutil.rmtree(root / "img_align_celeba"),
            ["img_align_celeba.zip", "config.data.path"],
        ),
        (
            lambda root: (root / "img_align_celeba/000007.jpg").unlink(),
            [" 1 of the 24 ", "000007.jpg"],
        ),
        (
            _attributes(lambda path: _edit(path, 1, "24", "25")),
            ["list_attr_celeba.txt", " 25 ", " 24"],
        ),
        (
            _attributes(lambda path: _edit(path, 1, "24", "000001.jpg")),
            ["list_attr_celeba.txt", "line 1"],
        ),
        (
            _attributes(lambda path: _edit(path, 2, "Male ", "")),
            ["line 3", " 40 ", " 39 "],
        ),
        (_wrong_value, ["line 7", "column Eyeglasses", "'2'", "-1/1"]),
        (
            _attributes(lambda path: _edit(path, 9, "000007", "000006")),
            ["line 9", "000006.jpg", "line 8"],
        ),
        (
            _partition(lambda path: _edit(path, 5, " 0", " 3")),
            ["list_eval_partition.txt, line 5", "000005.jpg 3"],
        ),
        (
            _partition(lambda path: _edit(path, 5, "000005", "x")),
            ["list_eval_partition.txt", " 1 of the 24 ", "000005.jpg"],
        ),
        (
            _partition(lambda path: path.write_text(
                path.read_text().replace(" 2", " 0")
            )),
            ["test split"],
        ),
    ],
)  # fmt: skip
def test_damaged_celeba_is_named(celeba, damage, expected):
  damage(celeba)
  message = error(open_celeba, config(celeba), "test")
  for part in (*expected, str(celeba)):
    assert part in message


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_zip_is_named(celeba, method):
  archive = layouts.zip_folder(celeba / "img_align_celeba", method)
  shutil.rmtree(celeba / "img_align_celeba")
  whole = archive.read_bytes()
  source = open_celeba(config(celeba), "train")
  spoiled = bytearray(whole)
  offset, size, *_ = source.read.members["000003.jpg"]
  # One byte of the compressed picture: JPEG alone would not notice.
  spoiled[offset + size - 50] ^= 1
  archive.write_bytes(spoiled)
  assert "000003.jpg" in error(source.__getitem__, 2)
  archive.write_bytes(whole[: len(whole) // 2])
  assert str(archive) in error(open_celeba, config(celeba), "train")


def test_celeba_one_folder_too_high(celeba):
  message = error(open_celeba, config(celeba.parent), "train")
  assert f"config.data.path={celeba}" in message


def test_the_way_without_a_partition_is_named(celeba):
  (celeba / "list_eval_partition.txt").unlink()
  message = error(open_celeba, config(celeba), "train")
  assert "config.data.split_rule=stargan" in message


def test_a_split_rule_that_leaves_nothing_is_named(celeba):
  data = config(celeba, split_rule="stargan")
  message = error(open_celeba, data, "train")
  assert "config.data.split_rule=stargan takes 1,999" in message


def test_a_subset_with_the_whole_lists_is_read_on_request(celeba, official):
  for name in ("000002.jpg", "000020.jpg", "000024.jpg"):
    (celeba / "img_align_celeba" / name).unlink()
  for split in SPLITS:
    message = error(open_celeba, config(celeba), split)
    assert "3 of the 24" in message
    assert "config.data.skip_unreadable=True" in message
    part = open_celeba(config(celeba, skip_unreadable=True), split)
    whole = open_celeba(config(official), split)
    rows = [whole.names.index(name) for name in part.names]
    assert len(rows) in (len(whole) - 1, len(whole) - 2)
    np.testing.assert_array_equal(part.labels, whole.labels[rows])
    assert any("3 of the 24" in line for line in part.remarks)


def test_a_zip_beside_a_half_unpacked_folder_is_named(celeba):
  archive = layouts.zip_folder(celeba / "img_align_celeba")
  (celeba / "img_align_celeba" / "000007.jpg").unlink()
  message = error(open_celeba, config(celeba), "train")
  assert f"{archive} may have them all" in message


def test_two_photos_of_one_name_in_a_zip_are_refused(celeba):
  archive = layouts.zip_folder(celeba / "img_align_celeba")
  shutil.rmtree(celeba / "img_align_celeba")
  with zipfile.ZipFile(archive, "a") as file:
    file.writestr("thumbs/000003.jpg", b"")
  message = error(open_celeba, config(celeba), "train")
  for name in ("img_align_celeba/000003.jpg", "thumbs/000003.jpg"):
    assert name in message


def test_photos_that_the_list_lacks_are_counted(celeba):
  layouts.write_photo(celeba / "img_align_celeba" / "999.jpg", 0)
  (remark,) = open_celeba(config(celeba), "train").remarks[:1]
  assert "1 photos are left out" in remark and "999.jpg" in remark


def test_a_kaggle_list_without_a_header_is_named(celeba):
  _kaggle(celeba)
  table = celeba / "list_eval_partition.csv"
  table.write_text(table.read_text().split("\n", 1)[1])
  message = error(open_celeba, config(celeba), "train")
  assert str(table) in message and "no header" in message


def test_every_folder_that_may_be_meant_is_named(celeba):
  shutil.copytree(celeba, celeba.parent / "other")
  message = error(open_celeba, config(celeba.parent), "train")
  assert f"{celeba}, {celeba.parent / 'other'}" in message


@pytest.mark.parametrize("count", ["²", "9" * 5000])
def test_a_count_that_is_no_number_is_named(celeba, count):
  _edit(celeba / "list_attr_celeba.txt", 1, "24", count)
  assert "line 1" in error(open_celeba, config(celeba), "train")


def test_a_photo_that_is_listed_twice_is_in_no_split(celeba):
  path = celeba / "list_eval_partition.txt"
  first = path.read_text().split()[0]
  path.write_text(f"{path.read_text()}{first} 0\n")
  message = error(open_celeba, config(celeba), "test")
  assert f"line {COUNT + 1}: {first} is listed on line 1 too" in message
