"""Whoever cannot be seen is not tested as somebody else."""

import types

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.joined import JoinedSource
from akd_jax.data.photos.folder import open_folder
from akd_jax.data.photos.source import assign_split
from akd_jax.data.photos.table import open_table
from akd_jax.data.replaced import read_own
from akd_jax.evaluation import held_out
from akd_jax.evaluation.selection import load_test_set
from akd_jax.training import loop
from tests import layouts

FACES = ("angry", "happy", "sad")


@pytest.fixture
def source(tmp_path):
  """Six photos of two people; the second's happy face cannot be read."""
  people = [p for p in range(1, 74) if in_test(p)][:2]
  layouts.write_rafd(tmp_path, people, FACES)
  data = layouts.config(
    tmp_path, label_rule="exclusive", skip_unreadable=True, test_share=0.5
  )
  source = open_folder(data, "test")
  assert len(source) == 6
  (tmp_path / source.names[3]).write_bytes(b"")
  return source


def in_test(person):
  return assign_split(f"rafd {person:02d}", 0.5) == "test"


def test_a_picture_that_cannot_be_read_is_left_out_of_a_test(source, capsys):
  test = load_test_set(source, 0, 1)
  kept = [0, 1, 2, 4, 5]
  assert test.positions.tolist() == kept
  np.testing.assert_array_equal(test.people, source.identities[kept])
  np.testing.assert_array_equal(test.labels, source.labels[kept])
  for image, position in zip(test.images, kept, strict=True):
    np.testing.assert_array_equal(image, source[position]["image"])
  assert capsys.readouterr().err == (
    "note: 1 of 6 pictures of the test split cannot be read and are left out\n"
  )
  # Of six, those two are taken.
  assert load_test_set(source, 2, 1).positions.tolist() == [0]


def test_a_test_needs_a_picture(source):
  with pytest.raises(UserError, match="config.evaluation.images=1: none of"):
    source.skipped.add(source.names[0])
    load_test_set(source, 1, 1)


def test_a_generator_is_not_scored_on_one_that_stands_in(source):
  config = ConfigDict(
    {"data": {"label_rule": "exclusive", "threads": 1}, "held_out": {}}
  )
  task = held_out._task(config, source, 6)
  # Five, each to the two expressions that it lacks.
  assert len(task.images) == len(task.labels) == len(task.targets) == 10


def test_nor_of_the_second_of_two_label_sets(source, tmp_path):
  layouts.format_table(tmp_path / "table", {"Hat": [0, 1] * 10})
  data = layouts.config(tmp_path / "table", test_share=0.5)
  first = open_table(data, "test")
  both = JoinedSource(first, source)
  found = read_own(both, range(len(both)), 1, "test")
  kept = [x for x in range(len(both)) if x != len(first) + 3]
  assert found.positions.tolist() == kept


def test_photos_that_were_passed_over_are_counted_and_said_at_the_end(capsys):
  config = types.SimpleNamespace(data=types.SimpleNamespace())
  parts = [types.SimpleNamespace(skipped={"b.jpg", "a.jpg"}), ()]
  for skip, source in ((True, parts[0]), (False, parts[1])):
    config.data.skip_unreadable = skip
    run = types.SimpleNamespace(config=config, source=source)
    counted = loop._count_skipped(run)
    loop._note_skipped(run)
    said = capsys.readouterr().err
    assert counted == ({"unreadable_images": 2.0} if skip else {})
    assert ("passed over: 2, first a.jpg" in said) == skip
