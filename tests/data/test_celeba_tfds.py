"""CelebA from TensorFlow Datasets, with a stand-in for a prepared copy."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from akd_jax.data.attributes import CELEBA
from akd_jax.data.photos import celeba_tfds
from akd_jax.data.photos.celeba import open_celeba
from tests import layouts
from tests.layouts import SPLITS, assert_same, config, encoded, error

COUNT = 12


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
  return layouts.write_celeba(tmp_path_factory.mktemp("celeba"), COUNT)


@pytest.fixture
def tfds_records(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
  """Stands in for a prepared copy: {split: serialized records}."""
  tfds = pytest.importorskip("tensorflow_datasets")
  from tensorflow_datasets.proto import tf_example_pb2

  def record(seed: int, label: np.ndarray) -> bytes:
    example = tf_example_pb2.Example()
    feature = example.features.feature
    content = encoded(layouts.draw_face(seed), "JPEG", quality=90)
    feature["image"].bytes_list.value.append(content)
    for name, value in zip(CELEBA, label, strict=True):
      feature[f"attributes/{name}"].int64_list.value.append(int(value))
    return example.SerializeToString()

  records: dict[str, list[bytes]] = {split: [] for split in SPLITS}
  parts = layouts.celeba_partition(COUNT)
  for seed, label in enumerate(layouts.celeba_labels(COUNT)):
    records[SPLITS[parts[seed]]].append(record(seed, label))

  def data_source(name: str, *, split: str, deserialize_method: object) -> list:
    assert name == "celeb_a"
    assert deserialize_method == tfds.decode.DeserializeMethod.RAW_BYTES
    return records[split]

  monkeypatch.setattr(tfds, "data_source", data_source)
  yield records


def test_a_download_that_nobody_asked_for_is_said_once(tfds_records, capsys):
  celeba_tfds._say_where_from.cache_clear()
  for split in SPLITS:
    open_celeba(config(""), split)
  (line,) = capsys.readouterr().err.splitlines()
  assert "config.data.path is not set" in line and "downloads" in line


def test_celeba_from_tfds_equals_the_official_files(official, tfds_records):
  attributes = ("Male", "Bald")
  for split in SPLITS:
    source = open_celeba(config("", attributes=attributes), split)
    expected = open_celeba(config(official, attributes=attributes), split)
    assert_same(source, expected)
    assert source.exclusive == expected.exclusive
    assert_same(pickle.loads(pickle.dumps(source)), source)


def test_tfds_labels_are_read_without_decoding(tfds_records, monkeypatch):
  monkeypatch.setattr("akd_jax.data.photos.source.load_image", None)
  assert len(open_celeba(config(""), "train").labels) > 0


def test_tfds_problems_are_one_line(tfds_records, monkeypatch):
  import tensorflow_datasets as tfds

  message = error(open_celeba, config("", attributes=("Blond",)), "test")
  assert "Blond_Hair" in message
  message = error(open_celeba, config("", split_rule="stargan"), "test")
  assert "config.data.path" in message

  def offline(*args: object, **kwargs: object) -> None:
    raise ConnectionError("drive.google.com\nnot reached")

  monkeypatch.setattr(tfds, "data_source", offline)
  message = error(open_celeba, config(""), "test")
  assert "config.data.path" in message
  # What TensorFlow Datasets said, on one line.
  assert "drive.google.com not reached" in message
