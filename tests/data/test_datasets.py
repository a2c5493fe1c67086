"""Every data set keeps what the table of data sets promises."""

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.configs import student, teacher
from akd_jax.data import DATASETS
from akd_jax.data.dataset import SPLITS, Dataset
from akd_jax.data.pipeline import list_attributes, open_source
from tests import layouts
from tests.layouts import error

SIZE = 16
SHARE = 0.3


def draw_avatars(root):
  sizes = {"train": 12, "validation": 4, "test": 6}
  return {"path": str(root), "sizes": sizes, "attributes": ()}


def write_celeba(root):
  layouts.write_celeba(root, 20)
  people = zip(layouts.celeba_names(20), [7, 8] * 10, strict=True)
  lines = "".join(f"{name} {person}\n" for name, person in people)
  (root / "identity_CelebA.txt").write_text(lines)
  return {"path": str(root)}


def write_rafd(root):
  # One in each split, and somebody more.
  layouts.write_rafd(root, layouts.people_of_splits(SHARE))
  return {"path": str(root), "label_rule": "exclusive"}


def format_table(root):
  columns = {"Black_Hair": [0, 1] * 8, "Gray_Hair": [1, 0] * 8, "Hat": [1] * 16}
  layouts.format_table(root, columns)
  return {"path": str(root)}


# Of each data set, a small one on disk, and its fields.
EXAMPLES = {
  "avatars": draw_avatars,
  "celeba": write_celeba,
  "folder": write_rafd,
  "table": format_table,
}
# Those who know who is on a picture.
KNOWING_PEOPLE = {"avatars", "celeba", "folder"}


def test_every_data_set_has_an_example():
  assert set(EXAMPLES) == set(DATASETS)


@pytest.fixture(scope="module", params=DATASETS)
def data(request, tmp_path_factory):
  fields = EXAMPLES[request.param](tmp_path_factory.mktemp(request.param))
  data = teacher.get_config("debug").data
  data.update({"distribution": {}, "conditional": {}, "attributes": ()})
  data.update({"image_size": SIZE, "crop": 0, "test_share": SHARE})
  data.update({"name": request.param, **fields})
  return data


@pytest.fixture(params=SPLITS)
def split(request):
  return request.param


@pytest.fixture
def source(data, split):
  return open_source(data, split)


def test_it_knows_its_attributes_without_being_opened(data):
  known = list_attributes(data)
  assert len(set(known)) == len(known) > 1
  assert all(isinstance(name, str) for name in known)
  # Whatever is asked for.
  some = ConfigDict(data.to_dict() | {"attributes": known[:1]})
  assert list_attributes(some) == known


def test_every_attribute_can_be_asked_for(data, split):
  known = list_attributes(data)
  every = open_source(ConfigDict(data.to_dict() | {"attributes": known}), split)
  assert every.attributes == known
  last, first = known[-1], known[0]
  asked = ConfigDict(data.to_dict() | {"attributes": (last, first)})
  some = open_source(asked, split)
  assert some.attributes == (last, first)
  # A class that is not asked for may take its photos with it.
  if len(some) == len(every):
    np.testing.assert_array_equal(some.labels, every.labels[:, [-1, 0]])


def test_records_have_the_labels_of_the_split(source):
  assert len(source) > 0
  assert source.labels.shape == (len(source), len(source.attributes))
  assert source.labels.dtype == np.uint8
  assert set(np.unique(source.labels)) <= {0, 1}
  for index in range(len(source)):
    record = source[index]
    assert set(record) == {"image", "label"}
    assert record["image"].shape == (SIZE, SIZE, 3)
    assert record["image"].dtype == record["label"].dtype == np.uint8
    np.testing.assert_array_equal(record["label"], source.labels[index])


def test_of_an_exclusive_group_at_most_one_is_on(data, source):
  columns = list(source.attributes)
  for group in source.exclusive:
    assert len(group) > 1
    assert set(group) <= set(list_attributes(data))
    here = [columns.index(name) for name in group if name in columns]
    assert source.labels[:, here].sum(axis=1).max(initial=0) <= 1
  if data.label_rule == "exclusive":
    assert source.exclusive == (source.attributes,)


def test_identities_are_those_of_the_pictures_where_they_are_known(
  data, source
):
  if data.name not in KNOWING_PEOPLE:
    assert source.identities is None
  else:
    assert source.identities.shape == (len(source),)


def test_a_pickled_source_reads_the_same(source):
  layouts.assert_same(pickle.loads(pickle.dumps(source)), source)


def test_a_true_translation_has_what_was_set(data, source):
  counterfactual = DATASETS[data.name].counterfactual
  if counterfactual is None:
    assert data.name != "avatars"
    return
  name = "Eyeglasses"
  for index in range(len(source)):
    original = source[index]["image"]
    image, mask = counterfactual(source, index, name)
    assert image.shape == original.shape and image.dtype == np.uint8
    assert mask.shape == (SIZE, SIZE) and mask.dtype == bool
    assert mask.any()
    np.testing.assert_array_equal(image[~mask], original[~mask])
    if source.labels[index, source.attributes.index(name)]:
      np.testing.assert_array_equal(image, original)


def test_mistakes_are_bad_input(data):
  asked = ConfigDict(data.to_dict() | {"attributes": ("Eyegalsses",)})
  assert "Eyegalsses" in error(open_source, asked, "train")
  assert "'tests'" in error(open_source, data, "tests")


def test_a_data_set_can_be_added_from_outside(data, monkeypatch):
  """What reads data sets knows them by the table alone."""
  theirs = dataclasses.replace(
    DATASETS[data.name], attributes=lambda data: ("Mine",)
  )
  monkeypatch.setitem(DATASETS, "mine", theirs)
  mine = ConfigDict(data.to_dict() | {"name": "mine"})
  assert list_attributes(mine) == ("Mine",)
  layouts.assert_same(open_source(mine, "test"), open_source(data, "test"))


class Mine:
  """Two pictures, as somebody may have written them down."""

  def __init__(self, **changes):
    self.attributes, self.labels = ("Red", "Wide"), np.eye(2, dtype=np.uint8)
    self.image = np.zeros((32, 32, 3), np.uint8)
    self.label = self.labels[0]
    self.__dict__ |= changes

  def __len__(self):
    return 2

  def __getitem__(self, index):
    return {"image": self.image, "label": self.label}


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({}, ""),
    ({"attributes": ("Red", "Tall")}, "attributes are .*Tall.*, not .*Wide"),
    ({"labels": np.eye(3)}, r"labels \[3, 3\] are not \[2, 2\] of 0 and 1"),
    ({"labels": np.eye(2) * 2 - 1}, "labels .* of 0 and 1"),
    ({"image": np.zeros((32, 32, 3))}, r"float64 \[32, 32, 3\], not uint8"),
    ({"image": np.zeros((9, 9, 3), np.uint8)}, r"not uint8 \[32, 32, 3\]"),
    ({"label": np.ones(2)}, r"has the label \[1.0, 1.0\], and labels\[0\] is"),
  ],
)
def test_a_source_from_outside_keeps_its_promises(
  monkeypatch, changes, message
):
  opened = Dataset(lambda *_: Mine(**changes), lambda _: ("Red", "Wide"))
  monkeypatch.setitem(DATASETS, "mine", opened)
  data = student.get_config("debug").data
  data.name, data.attributes = "mine", ("Red", "Wide")
  if not message:
    assert len(open_source(data, "train")) == 2
    return
  with pytest.raises(UserError, match=f"config.data.name='mine'.*{message}"):
    open_source(data, "train")


def test_the_table_of_data_sets_imports_nothing_slow():
  # Nor does what inspects them.
  modules = "akd_jax.data.photos.survey, akd_jax.plotting.contact_sheet"
  code = f"import sys, akd_jax.data, {modules}; print(*sys.modules)"
  done = subprocess.run(
    [sys.executable, "-c", code], capture_output=True, text=True, check=True
  )
  slow = {"jax", "tensorflow", "tensorflow_datasets", "grain", "matplotlib"}
  assert not slow & set(done.stdout.split())
