"""The embedded data set: exact labels, local edits, a cache that is whole."""

import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.data.attributes import CELEBA, EXPRESSIONS, set_attribute
from akd_jax.data.avatars import cache as avatar_cache
from akd_jax.data.avatars import source as avatars
from akd_jax.data.avatars.labels import (
  ALL_ATTRIBUTES,
  SHARES,
  TWIN,
  find_excluded,
  switch_off,
  switch_on,
)
from akd_jax.data.avatars.sampler import LabelSampler
from akd_jax.data.avatars.source import open_avatars

COUNT = 24


def config(path, **changes):
  data = {
    "attributes": ("Black_Hair", "Eyeglasses", "Smiling"),
    "conditional": {},
    "distribution": {},
    "image_size": 64,
    "label_rule": "multilabel",
    "path": str(path),
    "seed": 0,
    "sizes": {"train": COUNT, "validation": 4, "test": 4},
  }
  return ConfigDict({**data, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  return tmp_path_factory.mktemp("avatars")


@pytest.fixture(scope="module")
def source(folder):
  return open_avatars(config(folder), "train")


def labels_of(distribution, conditional, count=20_000):
  """Named columns of freshly drawn labels, bool."""
  uniforms = np.random.default_rng(1).random((count, len(SHARES)))
  labels = LabelSampler(distribution, conditional)(uniforms).astype(bool)
  return dict(zip(ALL_ATTRIBUTES, labels.T, strict=True))


def test_twenty_attributes_of_celeba_and_the_eight_expressions():
  assert len(set(ALL_ATTRIBUTES) & set(CELEBA)) >= 20
  assert set(ALL_ATTRIBUTES) == (set(ALL_ATTRIBUTES) & set(CELEBA)) | set(
    EXPRESSIONS
  )


def test_a_record_is_an_image_and_the_wanted_labels(source):
  record = source[3]
  assert record["image"].shape == (64, 64, 3)
  assert record["image"].dtype == record["label"].dtype == np.uint8
  columns = [ALL_ATTRIBUTES.index(name) for name in source.attributes]
  np.testing.assert_array_equal(source.labels, source.all_labels[:, columns])
  np.testing.assert_array_equal(record["label"], source.labels[3])
  assert len(source) == len(source.labels) == COUNT


def test_an_avatar_depends_on_seed_split_and_index_alone(source, tmp_path):
  fewer = open_avatars(config(tmp_path, sizes={"train": 5}), "train")
  for index in range(5):
    np.testing.assert_array_equal(fewer[index]["image"], source[index]["image"])
  other_split = open_avatars(config(tmp_path), "test")
  other_seed = open_avatars(
    config(tmp_path, seed=1, sizes={"train": 4}), "train"
  )
  for other in (other_split, other_seed):
    assert (other[0]["image"] != source[0]["image"]).any()


def test_a_pickled_source_is_small_and_reads_the_same(source):
  data = pickle.dumps(source)
  assert len(data) < 20_000
  copy = pickle.loads(data)
  np.testing.assert_array_equal(copy[7]["image"], source[7]["image"])


def test_shares_are_those_of_the_distribution():
  drawn = labels_of({}, {})
  for name, share in SHARES.items():
    assert drawn[name].mean() == pytest.approx(share, abs=0.015), name
  asked = {"Bald": 0.3, "Smiling": 0.6, "Eyeglasses": 0.9}
  drawn = labels_of(asked, {})
  for name, share in asked.items():
    assert drawn[name].mean() == pytest.approx(share, abs=0.015), name
  assert np.stack([drawn[name] for name in EXPRESSIONS]).sum(0).max() == 1


def test_a_condition_holds_and_leaves_the_overall_share():
  drawn = labels_of({"Male": 0.42, "Bald": 0.05}, {"Bald": {"Male": 0.996}})
  assert drawn["Male"][drawn["Bald"]].mean() > 0.985
  assert drawn["Male"].mean() == pytest.approx(0.42, abs=0.015)
  assert drawn["Bald"].mean() == pytest.approx(0.05, abs=0.01)
  drawn = labels_of({}, {"Male": {"Smiling": 0.5}})
  assert drawn["Smiling"][drawn["Male"]].mean() == pytest.approx(0.5, abs=0.02)
  assert drawn["Smiling"].mean() == pytest.approx(0.3, abs=0.015)


def test_no_two_attributes_of_an_exclusive_group(source):
  drawn = labels_of({}, {"Eyeglasses": {"neutral": 0.4}})
  for group in source.exclusive:
    assert np.stack([drawn[name] for name in group]).sum(0).max() == 1, group
  expressions = np.stack([drawn[name] for name in EXPRESSIONS])
  assert (expressions.sum(0) == 1).all()
  np.testing.assert_array_equal(drawn["Smiling"], drawn["happy"])


def test_switching_on_agrees_with_editing_labels(source):
  for name in ALL_ATTRIBUTES:
    edited = set_attribute(
      source.all_labels, ALL_ATTRIBUTES, name, source.exclusive
    )
    for index in range(8):
      on = switch_on(source.person(index).on, name)
      said = {ALL_ATTRIBUTES[i] for i in np.flatnonzero(edited[index])}
      # Beyond what is said: an expression there must be, and what it brings.
      implied = {*EXPRESSIONS, *TWIN, "Mouth_Slightly_Open", "Arched_Eyebrows"}
      assert said <= on and on - said <= implied, name
      assert not on & find_excluded(name)


@pytest.mark.parametrize("name", ALL_ATTRIBUTES)
def test_every_attribute_shows_and_owns_what_changes(source, name):
  for index in range(6):
    image = source[index]["image"]
    edited, mask = source.counterfactual(index, name)
    assert mask.shape == (64, 64) and mask.dtype == bool
    assert mask.sum() >= 20
    np.testing.assert_array_equal(edited[~mask], image[~mask])
    on = source.person(index).on
    assert (name in on) == np.array_equal(edited, image)


@pytest.mark.parametrize(
  "name, rows, columns",
  [
    ("Eyeglasses", (20, 44), (4, 60)),
    ("Goatee", (44, 64), (16, 48)),
    ("Mustache", (38, 60), (10, 54)),
    ("Rosy_Cheeks", (36, 52), (10, 54)),
    ("Male", (26, 40), (4, 60)),
    ("Bushy_Eyebrows", (14, 40), (8, 56)),
    ("Bags_Under_Eyes", (34, 46), (12, 52)),
    ("Wearing_Earrings", (36, 48), (4, 60)),
    ("Wearing_Lipstick", (38, 64), (16, 48)),
    ("Narrow_Eyes", (24, 48), (8, 56)),
  ],
)
def test_small_attributes_stay_in_their_place(source, name, rows, columns):
  for index in range(COUNT):
    person = source.person(index)
    if name == "Narrow_Eyes" and person.on & find_excluded(name):
      continue  # The expression goes as well.
    if name in ("Goatee", "Mustache") and "No_Beard" not in person.on:
      continue  # A whole beard may go.
    _, mask = source.counterfactual(index, name)
    y, x = np.nonzero(mask)
    assert rows[0] <= y.min() and y.max() < rows[1]
    assert columns[0] <= x.min() and x.max() < columns[1]


def test_switching_off_undoes_switching_on():
  plain = frozenset({"Male", "No_Beard", "Brown_Hair", "Wavy_Hair", "neutral"})
  for name in ("Eyeglasses", "Goatee", "Bangs", "Smiling", "Narrow_Eyes"):
    assert switch_off(switch_on(plain, name), name) == plain


def test_exclusive_labels_keep_one_expression_each(tmp_path):
  wanted = ("happy", "sad", "angry")
  data = config(tmp_path, attributes=wanted, label_rule="exclusive")
  kept = open_avatars(data, "train")
  assert 0 < len(kept) < COUNT
  assert (kept.labels.sum(axis=1) == 1).all()
  whole = open_avatars(config(tmp_path, attributes=EXPRESSIONS), "train")
  images = [whole[i]["image"] for i in range(COUNT)]
  assert any(np.array_equal(kept[1]["image"], image) for image in images)
  assert "Smiling" not in kept.person(0).on or "happy" in kept.person(0).on


def test_exclusive_labels_may_be_colours_of_hair(folder):
  wanted = ("Blond_Hair", "Black_Hair")
  kept = open_avatars(
    config(folder, attributes=wanted, label_rule="exclusive"), "train"
  )
  assert 0 < len(kept) < COUNT
  assert (kept.labels.sum(axis=1) == 1).all()
  for index in range(len(kept)):
    on = kept.person(index).on
    assert [name in on for name in wanted] == kept.labels[index].tolist()


def test_exclusive_labels_that_go_together_are_refused(folder):
  wanted = ("Blond_Hair", "Eyeglasses", "Black_Hair")
  data = config(folder, attributes=wanted, label_rule="exclusive")
  with pytest.raises(UserError, match="'Blond_Hair' and 'Eyeglasses' go"):
    open_avatars(data, "train")


def test_a_cache_is_reopened_without_drawing(source, folder, monkeypatch):
  monkeypatch.setattr(avatars, "_draw_all", None)
  again = open_avatars(config(folder), "train")
  np.testing.assert_array_equal(again[2]["image"], source[2]["image"])


def test_drawn_pictures_are_read_whole_once_a_process(tmp_path, monkeypatch):
  read = []
  digest = avatar_cache.hashlib.file_digest

  def counted(file, name):
    read.append(file.name)
    return digest(file, name)

  monkeypatch.setattr(avatar_cache.hashlib, "file_digest", counted)
  for _ in range(3):  # Drawn at first.
    open_avatars(config(tmp_path), "train")
  assert len(read) == len(avatar_cache._ARRAYS)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "manifest.json"])
def test_a_damaged_cache_is_drawn_again(tmp_path, capsys, name):
  data = config(tmp_path)
  expected = open_avatars(data, "test")[1]["image"]
  (path,) = tmp_path.glob(f"*/test/{name}")
  content = bytearray(path.read_bytes())
  content[-40] ^= 1
  path.write_bytes(content)
  capsys.readouterr()
  again = open_avatars(data, "test")
  assert "drawing it again" in capsys.readouterr().err
  np.testing.assert_array_equal(again[1]["image"], expected)
  assert len(list(tmp_path.glob("*/*"))) == 1


def test_an_interrupted_drawing_leaves_no_cache(tmp_path):
  def interrupted(add):
    add(np.ones((1, 8, 8, 3), np.uint8))
    raise KeyboardInterrupt

  target = tmp_path / "avatars" / "train"
  with pytest.raises(KeyboardInterrupt):
    avatar_cache.open_or_draw(
      target, {"count": 2, "image_size": 8}, interrupted
    )
  assert not list((tmp_path / "avatars").iterdir())


def test_two_drawings_at_once_do_no_harm(tmp_path):
  target = tmp_path / "avatars" / "train"
  description = {"count": 2, "image_size": 8}

  def draw(add):
    add(np.full((2, 8, 8, 3), 7, np.uint8))
    return np.zeros((2, 1), np.uint8)

  def overtaken(add):
    avatar_cache.open_or_draw(target, description, draw)
    return draw(add)

  _, images = avatar_cache.open_or_draw(target, description, overtaken)
  assert (images == 7).all()
  assert [path.name for path in target.parent.iterdir()] == ["train"]


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no groups")
def test_a_killed_drawing_leaves_no_process(tmp_path):
  many = config(tmp_path, sizes={"train": 10_000}).to_json()
  code = (
    "import json, sys; from ml_collections import ConfigDict\n"
    # In a log a bar is drawn twice a minute.
    "sys.stderr.isatty = lambda: True\n"
    "from akd_jax.data.avatars.source import open_avatars\n"
    f"open_avatars(ConfigDict(json.loads({many!r})), 'train')"
  )
  with subprocess.Popen(
    [sys.executable, "-c", code], stderr=subprocess.PIPE, start_new_session=True
  ) as process:
    # First 0 %, and then what the processes have drawn.
    shown = b""
    while shown.count(b"%") < 2 and (more := process.stderr.read(1)):
      shown += more
    assert shown.count(b"%") == 2
    process.kill()
  wait_until_empty(process.pid)


def wait_until_empty(group):
  for _ in range(300):
    try:
      os.killpg(group, 0)
    except ProcessLookupError:
      return
    time.sleep(0.1)
  os.killpg(group, signal.SIGKILL)
  pytest.fail("processes that draw avatars are left")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"attributes": ("Blond_Hiar",)}, "'Blond_Hair'"),
        ({"attributes": ("Smiling, Male",)}, """"('Smiling', 'Male')\""""),
        ({"distribution": {"Bold": 0.5}}, "'Bald'"),
        ({"distribution": {"Bald": 1.5}}, "data.distribution: Bald = 1.5"),
        ({"distribution": {"Bangs": 0.95}}, "Bangs = 0.95"),
        ({"distribution": {"Bald": 0.7, "happy": 1.0, "Black_Hair": 0.4}},
         "Black_Hair"),
        ({"conditional": {"Bald": {"Mael": 0.9}}}, "'Male'"),
        ({"conditional": {"Bald": 0.9}}, "config.data.conditional.Bald"),
        ({"conditional": {"Bald": {"Bangs": 0.9}}}, "'Bangs'"),
        ({"conditional": {"Male": {"Young": 1}, "Young": {"Male": 1}}},
         "Male, Young"),
        ({"sizes": {"training": 4}}, "'train'"),
        ({"sizes": {"test": 4}}, "config.data.sizes: train = 0"),
        ({"label_rule": "exclusive"}, "'Black_Hair'"),
    ],
)  # fmt: skip
def test_bad_fields_are_named_in_one_line(tmp_path, changes, message):
  with pytest.raises(UserError) as caught:
    open_avatars(config(tmp_path, **changes), "train")
  assert message in str(caught.value)
  assert "\n" not in str(caught.value)


def test_each_avatar_is_somebody_else(source, folder):
  assert len(set(source.identities.tolist())) == len(source)
  data = config(folder, label_rule="exclusive", attributes=("sad", "happy"))
  some = open_avatars(data, "train")
  assert len(set(some.identities.tolist())) == len(some) < len(source)


@pytest.mark.parametrize(
  ("label_rule", "every"),
  [("multilabel", ALL_ATTRIBUTES), ("exclusive", EXPRESSIONS)],
)
def test_all_attributes_are_asked_for_by_none(folder, label_rule, every):
  data = config(folder, attributes=(), label_rule=label_rule)
  source = open_avatars(data, "train")
  assert source.attributes == every
  assert len(source) == COUNT


def test_an_unknown_counterfactual_is_named(source):
  with pytest.raises(UserError, match="'Bold'.*'Bald'"):
    source.counterfactual(0, "Bold")
