"""Photos are looked at once, and once more when one has changed."""

import hashlib
import os
import shutil
import zipfile

import pytest

from akd_jax.common import cache
from akd_jax.data import pipeline
from akd_jax.data.joined import JoinedSource
from akd_jax.data.photos import photo_digest, readable
from akd_jax.data.photos.celeba import open_celeba
from akd_jax.data.photos.source import PhotoSource
from tests import layouts
from tests.layouts import config, error

COUNT = 12


@pytest.fixture
def celeba(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  return layouts.write_celeba(tmp_path / "celeba", COUNT)


@pytest.fixture
def looks(monkeypatch):
  """How many photos have been decoded."""
  seen = []
  decode = PhotoSource.__getitem__

  def counted(source, index):
    seen.append(index)
    return decode(source, index)

  monkeypatch.setattr(PhotoSource, "__getitem__", counted)
  return seen


def check(root):
  readable.check_readable(open_celeba(config(root), "train"), 2)


def first_photo(root):
  return root / "img_align_celeba" / "000001.jpg"


def test_photos_are_decoded_once(celeba, looks):
  check(celeba)
  count = len(looks)
  assert count
  check(celeba)
  assert len(looks) == count


def test_a_photo_replaced_in_place_is_looked_at(celeba):
  check(celeba)
  photo = first_photo(celeba)
  whole, folder = photo.stat(), photo.parent.stat()
  photo.write_bytes(b"no picture".ljust(whole.st_size))
  # A folder's time does not change with what is in its files.
  os.utime(photo.parent, ns=(folder.st_atime_ns, folder.st_mtime_ns))
  message = error(check, celeba)
  assert str(photo) in message and "skip_unreadable=True" in message


def test_a_photo_of_another_size_is_looked_at_whatever_its_time(celeba):
  check(celeba)
  photo = first_photo(celeba)
  before = photo.stat()
  photo.write_bytes(b"no picture")
  os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))
  assert str(photo) in error(check, celeba)


def test_a_zip_replaced_in_place_is_looked_at(celeba, looks):
  archive = layouts.zip_folder(celeba / "img_align_celeba")
  shutil.rmtree(celeba / "img_align_celeba")
  check(celeba)
  count = len(looks)
  check(celeba)
  assert len(looks) == count
  os.utime(archive, ns=(1, 1))
  check(celeba)
  assert len(looks) == 2 * count


def test_a_memory_that_cannot_be_written_is_done_without(
  celeba, looks, monkeypatch, tmp_path
):
  (tmp_path / "file").write_text("")
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
  assert tmp_path / "file" in cache.cache_directory().parents
  check(celeba)
  count = len(looks)
  check(celeba)
  assert len(looks) == 2 * count > 0


def test_moved_photos_keep_their_digest(celeba, tmp_path):
  digest = photo_digest.digest_photos(open_celeba(config(celeba), "train"), 2)
  moved = tmp_path / "moved"
  shutil.copytree(celeba, moved, copy_function=shutil.copyfile)
  source = open_celeba(config(moved), "train")
  assert photo_digest.digest_photos(source, 2) == digest
  first_photo(moved).write_bytes(first_photo(celeba).read_bytes()[:-1] + b"x")
  assert photo_digest.digest_photos(source, 2) != digest


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_photos_have_the_same_digest_in_a_zip(celeba, method, tmp_path):
  folder = celeba / "img_align_celeba"
  unpacked = open_celeba(config(celeba), "train")
  digest = photo_digest.digest_photos(unpacked, 2)
  # What earlier versions have kept of a folder has sizes, of a zip none.
  assert pipeline.digests_of_content(unpacked, 2) == [digest]
  assert photo_digest.digest_photos(unpacked, 2, zip_sizes=False) == digest
  archive = layouts.zip_folder(folder, method)
  folder.rename(celeba / "elsewhere")
  packed = open_celeba(config(celeba), "train")
  assert packed.where == str(archive)
  assert photo_digest.digest_photos(packed, 2) == digest
  before = photo_digest.digest_photos(packed, 2, zip_sizes=False)
  assert before != digest
  assert pipeline.digests_of_content(packed, 2) == [digest, before]
  # And of both, as two label sets may be.
  other = layouts.write_celeba(tmp_path / "other", COUNT)
  unpacked = open_celeba(config(other), "train")
  parts = before, photo_digest.digest_photos(unpacked, 2)
  joined = hashlib.sha256("".join(parts).encode()).hexdigest()
  both = object.__new__(JoinedSource)
  both.parts = packed, unpacked
  assert pipeline.digest_content(both, 2, zip_sizes=False) == joined


def test_a_photo_of_another_size_in_a_zip_has_another_digest(celeba):
  layouts.zip_folder(celeba / "img_align_celeba")
  shutil.rmtree(celeba / "img_align_celeba")
  source = open_celeba(config(celeba), "train")
  digest = photo_digest.digest_photos(source, 2)
  *found, size = source.read.members[source.names[3]]
  source.read.members[source.names[3]] = (*found, size + 1)
  assert photo_digest.digest_photos(source, 2) != digest


def test_photos_of_other_labels_have_another_digest(celeba):
  digests = {
    photo_digest.digest_photos(
      open_celeba(config(celeba, attributes=(name,)), "train"), 2
    )
    for name in ("Male", "Smiling")
  }
  assert len(digests) == 2
