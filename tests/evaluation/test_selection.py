"""Which pictures are translated, and into what, worked out by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.dataset import spread_evenly
from akd_jax.data.photos.source import find_exclusive
from akd_jax.evaluation import selection
from akd_jax.evaluation.metrics.outcome import Names
from akd_jax.evaluation.selection import (
  load_test_set,
  select,
  target_labels,
)

GOLDEN = Path(__file__).parents[1] / "golden"
ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Eyeglasses")
HAIR = (("Black_Hair", "Blond_Hair", "Gray_Hair"),)
LABELS = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]], np.uint8)

MULTILABEL = {"exclusive": HAIR, "label_rule": "multilabel"}
EXCLUSIVE = {"exclusive": (), "label_rule": "exclusive"}


def targets(name, labels=LABELS, **rules):
  return tuple(
    array.tolist() for array in target_labels(labels, ATTRIBUTES, name, **rules)
  )


@pytest.mark.parametrize(
  "protocol,name,expected",
  [
    ("lacking", "Blond_Hair", ([0, 2], [[0, 1, 0], [0, 1, 1]])),
    ("lacking", "Eyeglasses", ([0], [[1, 0, 1]])),
    ("all", "Blond_Hair", ([0, 1, 2], [[0, 1, 0], [0, 1, 1], [0, 1, 1]])),
    ("flip", "Blond_Hair", ([0, 1, 2], [[0, 1, 0], [0, 0, 1], [0, 1, 1]])),
    ("flip", "Eyeglasses", ([0, 1, 2], [[1, 0, 1], [0, 1, 0], [0, 0, 0]])),
  ],
)
def test_targets_of_each_protocol(protocol, name, expected):
  assert targets(name, protocol=protocol, **MULTILABEL) == expected


@pytest.mark.parametrize(
  "protocol,expected",
  [
    ("lacking", ([0, 2], [[0, 1, 0]] * 2)),
    ("all", ([0, 1, 2], [[0, 1, 0]] * 3)),
  ],
)
def test_an_exclusive_target_is_one_hot(protocol, expected):
  labels = np.eye(3, dtype=np.uint8)
  assert targets("Blond_Hair", labels, protocol=protocol, **EXCLUSIVE) == (
    expected
  )


def test_a_released_network_is_asked_by_its_own_groups():
  both = ("Black_Hair", "No_Beard", "Mustache")
  data = (("Black_Hair", "Blond_Hair", "Bald"), ("No_Beard", "Mustache"))
  source = SimpleNamespace(exclusive=data)
  for own, expected in (
    # What the data say of its attributes: they say more of others.
    (find_exclusive(both, data), data),
    (data, data),
    ((), ()),
    ((("Black_Hair", "No_Beard"),), (("Black_Hair", "No_Beard"),)),
  ):
    run = SimpleNamespace(attributes=both, exclusive=own)
    assert selection.choose_groups(run, source) == expected


@pytest.mark.parametrize("name", ["default13", "all40"])
def test_targets_are_those_of_attgans_test_program(name):
  """Its rules, but that whoever is bald has no hair colour, and back."""
  with np.load(GOLDEN / "labels.npz") as arrays:
    labels, released, names = (
      arrays[f"{name}/{x}"] for x in ("att", "targets", "names")
    )
  names = tuple(map(str, names))
  exclusive = find_exclusive(names)
  hair = [names.index(x) for x in exclusive[0]]
  for i, attribute in enumerate(names):
    chosen, ours = target_labels(
      labels, names, attribute, exclusive=exclusive, label_rule="multilabel",
      protocol="flip",
    )  # fmt: skip
    assert len(chosen) == len(labels)
    differing = np.flatnonzero((ours != released[i + 1]).any(0))
    bald = names.index("Bald")
    may_differ = hair if i == bald else [bald] if i in hair else []
    assert set(differing) <= set(may_differ)


def test_unknown_protocols_and_attributes_are_named():
  with pytest.raises(UserError, match="'lacks' is none.*'lacking'"):
    targets("Blond_Hair", protocol="lacks", **MULTILABEL)
  with pytest.raises(UserError, match="'Blonde_Hair'.*'Blond_Hair'"):
    targets("Blonde_Hair", protocol="all", **MULTILABEL)


def test_true_labels_are_not_edited():
  before = LABELS.copy()
  for protocol in ("lacking", "all", "flip"):
    targets("Blond_Hair", protocol=protocol, **MULTILABEL)
  np.testing.assert_array_equal(LABELS, before)


def test_a_limit_takes_images_from_all_over_the_split():
  assert spread_evenly(10, 3).tolist() == [0, 3, 6]
  assert (
    spread_evenly(3, 0).tolist() == spread_evenly(3, 5).tolist() == [0, 1, 2]
  )


# RAF-DB's layout: a folder a class, read one after the other.
CLASSES = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
COUNTS = (162, 160, 74, 1185, 680, 478)


def sorted_by_class():
  names = Names(CLASSES, CLASSES, (CLASSES,))
  labels = np.eye(len(CLASSES), dtype=np.uint8)
  labels = labels.repeat(COUNTS, axis=0)
  config = ConfigDict(
    {
      "data": {"label_rule": "exclusive"},
      "evaluation": {"protocol": "lacking", "probe_images": 256},
    }
  )
  positions = np.arange(len(labels))
  images = np.zeros((len(labels), 1, 1, 3), np.uint8)
  return (
    selection.TestSet(images, labels, positions, positions, None, None),
    names,
    config,
  )


def test_probe_images_are_of_all_classes_however_a_folder_is_sorted():
  test, names, config = sorted_by_class()
  chosen, _, probes = select(test, names, "sadness", config)
  assert len(probes) == 256
  seen = test.labels[chosen[probes]].sum(0)
  lacking = np.array(COUNTS[:-1])
  # Each class as often as it is among those that lack it, to a picture.
  expected = 256 * lacking / lacking.sum()
  assert np.abs(seen[:-1] - expected).max() <= 1 and seen[-1] == 0


def test_all_pictures_are_probes_where_there_are_few():
  test, names, config = sorted_by_class()
  config.evaluation.probe_images = 10_000
  chosen, _, probes = select(test, names, "anger", config)
  np.testing.assert_array_equal(probes, np.arange(len(chosen)))


class People:
  """Six pictures, of three people where that is known."""

  def __init__(self, identities):
    self.identities = identities

  def __len__(self):
    return 6

  def __getitem__(self, index):
    picture = np.full((2, 2, 3), index, np.uint8)
    return {"image": picture, "label": np.zeros(1, np.uint8)}


def test_pictures_keep_their_people():
  source = People(np.array(["a", "a", "b", "b", "c", "c"]))
  assert load_test_set(source, 3, 1).people.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("identities", [None, "missing"])
def test_who_is_unknown_is_taken_for_another_person(identities):
  source = People(None)
  if identities == "missing":
    del source.identities
  test = load_test_set(source, 0, 1)
  assert len(set(test.people.tolist())) == len(test.images) == 6
