"""Classifiers are kept whole, told apart, and taken as they are."""

import contextlib
import json
from typing import ClassVar

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common import files
from akd_jax.common.errors import Stopped, UserError
from akd_jax.configs import attgan, both, data, pseudo, student, teacher
from akd_jax.configs.experiments import paper1
from akd_jax.data.pipeline import digest_content, open_source
from akd_jax.evaluation import (
  attribute_classifier,
  classifier_cache,
  data_digest,
  kept_arrays,
)
from akd_jax.evaluation.attribute_classifier import with_known_attributes
from akd_jax.models.resnet import draw_variables
from akd_jax.training import validation
from tests import layouts, small_runs
from tests.squares import (  # noqa: F401
  Splits,
  Squares,
  interrupt_at,
  small_config,
  splits_of,
  tiny_network,
)


def load_or_train(config, directory, train=None):
  splits = splits_of(train or Squares(256, 0))
  return classifier_cache.load_or_train(config, directory, splits)


@pytest.mark.parametrize("label_rule", ["multilabel", "exclusive"])
def test_it_learns_and_is_reused(tmp_path, capsys, monkeypatch, label_rule):
  config = small_config()
  config.data.label_rule = label_rule
  one_hot = label_rule == "exclusive"
  splits = splits_of(Squares(256, 0, one_hot), one_hot=one_hot)
  first = classifier_cache.load_or_train(config, tmp_path, splits)
  said = capsys.readouterr().err
  assert "s left" in said or "epoch 3/3" in said
  assert first.metadata["test_accuracy"]["mean"] > 0.95
  assert set(first.metadata["test_accuracy"]["attributes"]) == {"red", "blue"}
  assert first.metadata["label_rule"] == label_rule

  def never(*_):
    raise AssertionError("trained again")

  monkeypatch.setattr(classifier_cache, "train_classifier", never)
  second = classifier_cache.load_or_train(config, tmp_path, splits)
  assert "reusing" in capsys.readouterr().err
  assert second.metadata == json.loads(json.dumps(first.metadata))
  for ours, kept in zip(
    first.predict(splits.test.images),
    second.predict(splits.test.images),
    strict=True,
  ):
    np.testing.assert_array_equal(ours, kept)


@pytest.mark.parametrize("recipe", [teacher, student, attgan])
def test_that_of_avatars_is_shipped(recipe, tmp_path, monkeypatch):
  monkeypatch.setattr(classifier_cache, "cache_directory", lambda: tmp_path)
  config = with_known_attributes(recipe.get_config("avatars"))
  shipped = classifier_cache.find_classifier(config)
  about = shipped.metadata
  # That of this recipe's pictures is also looked for by this name.
  fields = config.classifier.to_dict()
  for field in ("data", "unbiased", "prior"):
    del fields[field]
  name = files.digest(about["data_digest"], fields)
  assert (classifier_cache._SHIPPED / f"classifier-{name}.npz").exists()
  assert about["test_accuracy"]["mean"] > 0.995
  assert tuple(about["attributes"]) == tuple(config.data.attributes)


@pytest.mark.parametrize(
  ("field", "value"), [("path", "drawings"), ("csv", "x.csv"), ("crop", 8)]
)
def test_what_avatars_do_not_ask_is_no_other_classifier(
  tmp_path, monkeypatch, field, value
):
  monkeypatch.setattr(classifier_cache, "cache_directory", lambda: tmp_path)
  config = with_known_attributes(student.get_config("avatars"))
  config.data[field] = value
  assert classifier_cache.find_classifier(config) is not None


def test_a_classifier_that_was_stopped_is_kept_whole(tmp_path, monkeypatch):
  with monkeypatch.context() as patch:
    interrupt_at(patch, 3)
    with pytest.raises(Stopped):
      load_or_train(small_config(epochs=1), tmp_path)
  (unfinished,) = tmp_path.glob("*.npz")
  assert unfinished.name.endswith(".unfinished.npz")
  load_or_train(small_config(epochs=1), tmp_path)
  (kept,) = tmp_path.glob("*.npz")
  assert not kept.name.endswith(".unfinished.npz")


@pytest.fixture
def trained(monkeypatch):
  """The configs of all classifiers that are trained, which is not done."""
  trained = []

  def untrained(config, splits, unfinished):
    del splits, unfinished
    trained.append(config)
    return draw_variables(attribute_classifier.create_network(config), 0)

  monkeypatch.setattr(classifier_cache, "train_classifier", untrained)
  return trained


def test_other_data_or_settings_are_another_classifier(tmp_path, trained):
  load_or_train(small_config(), tmp_path)
  load_or_train(small_config(seed=1), tmp_path)
  load_or_train(small_config(), tmp_path, Squares(257, 0))
  redrawn = Squares(256, 0)
  redrawn.images //= 2
  load_or_train(small_config(), tmp_path, redrawn)
  reader = small_config()
  reader.data.threads = 1  # Reads the same images.
  load_or_train(reader, tmp_path)
  held_back = small_config()
  held_back.data.curriculum = 0.5  # Of the networks alone.
  load_or_train(held_back, tmp_path)
  of_a_run = small_config()
  of_a_run.data.exclusive = (("red", "blue"),)  # What training adds.
  load_or_train(of_a_run, tmp_path)
  assert len(trained) == len(list(tmp_path.glob("*.npz"))) == 4


def table_config(root, csv):
  config = small_config()
  fields = layouts.config(root, csv=csv, image_size=16, test_share=0.4)
  config.data = fields.to_dict() | {"name": "table", "threads": 2}
  return config


def test_a_csv_that_has_moved_is_no_other_classifier(tmp_path, trained):
  root = layouts.format_table(tmp_path / "photos", {"Hat": [0, 1] * 10})
  kept = tmp_path / "kept"
  (root / "labels.csv").rename(root / "before.csv")

  def load(csv):
    config = table_config(root, csv)
    splits = attribute_classifier.open_splits(config.data)
    config.data.attributes = splits.train.attributes
    return config, classifier_cache.load_or_train(config, kept, splits)

  config, _ = load("before.csv")
  (root / "before.csv").rename(tmp_path / "after.csv")
  load("../after.csv")
  load(str(tmp_path / "after.csv"))
  assert len(trained) == 1
  # As an earlier version has kept it, by where the CSV lay.
  (path,) = kept.glob("*.npz")
  source = open_source(table_config(root, "../after.csv").data, "train")
  fields = data_digest.fields_of(config) | {"csv": "../after.csv"}
  fields["path"] = digest_content(source, 1)
  about = files.digest(fields, data_digest.look_at(source))
  name = files.digest(about, config.classifier.to_dict())
  path.rename(kept / f"classifier-{name}.npz")
  load("../after.csv")
  assert len(trained) == 1
  load(str(tmp_path / "after.csv"))
  assert len(trained) == 2


@pytest.mark.usefixtures("trained")
def test_a_kept_classifier_is_found_without_its_pictures(tmp_path, monkeypatch):
  monkeypatch.setattr(classifier_cache, "_directory", lambda: tmp_path)
  config = small_config(
    data={}, unbiased={}, prior="data", also=("blue", "of others")
  )
  config.data.label_rule = "multilabel"
  assert classifier_cache.find_classifier(config) is None
  kept = classifier_cache.classifier_of(config, splits_of(Squares(256, 0)))
  (tmp_path / "classifier-x.unfinished.npz").write_bytes(b"half of it")
  (tmp_path / "classifier-damaged.npz").write_bytes(b"no archive")
  config.data.threads = 1  # Reads the same images.
  found = classifier_cache.find_classifier(config)
  assert found.metadata == json.loads(json.dumps(kept.metadata))
  # Nor need it be known which of the others the pictures have.
  config.data.attributes = ("red",)
  assert classifier_cache.find_classifier(config).metadata == found.metadata
  for field, value in (
    ("data.path", "x"), ("classifier.seed", 1), ("data.attributes", ("blue",)),
  ):  # fmt: skip
    other = ConfigDict(config.to_dict())
    other.update_from_flattened_dict({field: value})
    assert classifier_cache.find_classifier(other) is None


def test_interrupted_writing_leaves_no_half_classifier(tmp_path, monkeypatch):
  def interrupted(file, **arrays):
    file.write(b"half")
    raise KeyboardInterrupt

  monkeypatch.setattr(kept_arrays.np, "savez", interrupted)
  with pytest.raises(KeyboardInterrupt):
    load_or_train(small_config(epochs=1), tmp_path, Squares(32, 0))
  # The folder of its lock is there, but no file.
  assert all(path.is_dir() for path in tmp_path.iterdir())


def test_no_other_classifier_is_waited_for(tmp_path, trained, monkeypatch):
  locked = []

  def alone(folder, wait):
    assert wait
    locked.append(folder)
    return contextlib.nullcontext(True)

  monkeypatch.setattr(classifier_cache, "lock_folder", alone)
  for seed in (0, 1):
    load_or_train(small_config(seed=seed), tmp_path)
  assert len(set(locked)) == len(trained) == 2


@pytest.mark.parametrize("size", [0, 10, 200])
def test_a_damaged_classifier_is_named(tmp_path, size):
  path = tmp_path / "classifier.npz"
  np.savez(path, metadata=np.array("{}"), weight=np.zeros(99))
  path.write_bytes(path.read_bytes()[:size])
  with pytest.raises(UserError, match="classifier.npz is damaged.*delete it"):
    kept_arrays.read(path)


def test_it_may_learn_from_other_faces_than_the_networks(tmp_path, monkeypatch):
  learnt = []

  def load_or_train(config, directory, splits):
    learnt.append((config.classifier.to_dict(), splits.train))

  monkeypatch.setattr(classifier_cache, "load_or_train", load_or_train)
  config = teacher.get_config("debug")
  config.data.path = str(tmp_path)
  config.data.attributes = ("Bald", "Male")
  config.data.sizes = ConfigDict({"train": 400, "validation": 1, "test": 1})
  config.data.distribution = ConfigDict({"Bald": 0.5})
  config.data.conditional = ConfigDict({"Bald": {"Male": 1.0}})
  splits = attribute_classifier.open_splits(config.data)
  classifier_cache.classifier_of(config, splits)
  config.classifier.data = ConfigDict({"conditional": {"Bald": {"Male": 0.5}}})
  classifier_cache.classifier_of(config, splits)
  (biased, train), (fair, other) = learnt
  bald, male = train.labels.T > 0
  assert male[bald].all()
  bald, male = other.labels.T > 0
  assert 0.4 < male[bald].mean() < 0.6
  # Whose faces it has learnt from is said by the digest of the data.
  assert biased == fair and "data" not in fair


def test_of_weighed_pictures_it_is_another_and_of_none_the_one_of_before(
  tmp_path, monkeypatch
):
  asked = []

  def load_or_train(config, directory, splits):
    asked.append(config.classifier.to_dict())

  monkeypatch.setattr(classifier_cache, "load_or_train", load_or_train)
  config = teacher.get_config("debug")
  config.data.attributes = ("Bald", "Male")
  classifier_cache.classifier_of(config, ())
  config.classifier.unbiased = ConfigDict({"Male": ("Bald",)})
  classifier_cache.classifier_of(config, ())
  usual, weighed = asked
  assert "unbiased" not in usual
  assert weighed == usual | {"unbiased": {"Male": ("Bald",)}}


def test_by_an_equal_prior_it_has_learnt_once_and_is_tested_anew(
  tmp_path, monkeypatch, trained
):
  monkeypatch.setattr(classifier_cache, "_directory", lambda: tmp_path)
  config = small_config(data={}, unbiased={}, prior="equal", also=())
  config.data.second = {}
  train = Squares(256, 0)
  train.labels[:, 1] |= train.labels[:, 0]  # Three in four.
  splits = splits_of(train)
  equal = classifier_cache.classifier_of(config, splits)
  equal_again = classifier_cache.find_classifier(config)
  config.classifier.prior = "data"
  usual = classifier_cache.classifier_of(config, splits)
  usual_again = classifier_cache.find_classifier(config)
  assert len(trained) == 1 and len(list(tmp_path.glob("*.npz"))) == 2
  test = splits.test
  moved = equal.score(test.images) - usual.score(test.images)
  expected = np.log(1 / train.labels.mean(0) - 1)
  np.testing.assert_allclose(
    moved, np.broadcast_to(expected, moved.shape), atol=1e-5
  )
  known = attribute_classifier.measure_accuracy(equal, test, 1)
  assert equal.metadata["test_accuracy"] == known
  assert usual.metadata["test_accuracy"] != known
  # Each is found as what it is.
  for one, again, prior in (
    (equal, equal_again, "equal"), (usual, usual_again, None),
  ):  # fmt: skip
    assert again.metadata == json.loads(json.dumps(one.metadata))
    assert one.metadata.get("prior") == prior


class Three(Squares):
  """A third attribute, which says that both others are there."""

  attributes = ("red", "blue", "both")

  def __init__(self, count, seed):
    super().__init__(count, seed)
    red, blue = self.labels.T
    blue |= red & (np.arange(count) % 3 > 0).astype(np.uint8)
    self.labels = np.stack([red, blue, red & blue], 1)


@pytest.mark.usefixtures("trained")
def test_of_weighed_pictures_the_prior_is_that_of_their_weights(tmp_path):
  splits = Splits(Three(256, 0), Three(32, 1), Three(64, 2))

  def score(**prior):
    config = small_config(unbiased={"red": ("blue",)}, **prior)
    config.data.attributes = Three.attributes
    found = classifier_cache.load_or_train(config, tmp_path, splits)
    return found.score(splits.test.images[:1])[0]

  shares = splits.train.labels.mean(0)
  # The first two are independent: so many have both.
  shares[2] = shares[0] * shares[1]
  np.testing.assert_allclose(
    score(prior="equal") - score(), np.log(1 / shares - 1), atol=1e-3
  )


def test_an_equal_prior_needs_one_set_of_labels():
  config = both.get_config("debug")
  config.classifier.prior = "equal"
  with pytest.raises(UserError, match="prior='equal' needs one set of labels"):
    validation.check_classifier(config)


def test_rare_attributes_of_photos_are_judged_by_an_equal_prior():
  for config in paper1.table3("photos").variants.values():
    assert config.classifier.prior == "equal"
  assert pseudo.get_config("photos").classifier.prior == "equal"


@pytest.mark.parametrize(
  ("unbiased", "expected"),
  [
    ({"Mael": ("Bald",)}, "unbiased='Mael' is none of .*did you mean 'Male'"),
    (
      {"Male": ("Balb",)},
      r"unbiased\.Male='Balb' is none of .*did you mean 'Bald'",
    ),
    ({"Male": ("Male", "Bald")}, r"unbiased\.Male=.* must name other"),
    ({"Male": ()}, r"unbiased\.Male=\(\) must name other"),
  ],
)
def test_attributes_that_it_cannot_weigh_are_refused(unbiased, expected):
  config = teacher.get_config("debug")
  config.data.attributes = ("Bald",)
  config.classifier.also = ("Male",)
  config.classifier.unbiased = ConfigDict(unbiased)
  with pytest.raises(UserError, match=expected):
    validation.check(config)


@pytest.mark.parametrize("name", ["folder", "both"])
def test_exclusive_classes_are_not_weighed(name):
  recipe = both if name == "both" else teacher
  config = recipe.get_config("debug")
  if name == "folder":
    config.data.label_rule = "exclusive"
  config.classifier.unbiased = ConfigDict({"Male": ("Smiling",)})
  with pytest.raises(UserError, match="never go together; set {}"):
    validation.check_classifier(config)


def test_of_photos_attributes_are_weighed_that_only_their_place_will_tell():
  config = teacher.get_config("photos")
  assert not config.data.attributes
  config.classifier.unbiased = ConfigDict({"Male": ("Freckles",)})
  validation.check(config)


def test_its_accuracy_is_that_on_the_run_s_own_pictures(tmp_path):
  config = teacher.get_config("debug")
  config.data.path = str(tmp_path)
  config.data.attributes = ("Bald",)
  config.data.sizes = ConfigDict({"train": 1, "validation": 1, "test": 8})
  config.data.distribution = ConfigDict({"Bald": 0.0})
  test = open_source(config.data, "test")

  class SeesBald:
    metadata: ClassVar = {
      "test_accuracy": {"mean": 1.0, "recall": {}},
      "attributes": ["Bald"],
      "label_rule": "multilabel",
    }

    def predict(self, images):
      labels = np.ones((len(images), 1))
      return attribute_classifier.Predictions(labels, labels)

  real_accuracy = classifier_cache.measure_real_accuracy
  assert real_accuracy(config, SeesBald(), test)["mean"] == 1
  # Those that it was tested on were others.
  SeesBald.metadata["test_look"] = "before"
  assert real_accuracy(config, SeesBald(), test)["mean"] == 0
  del SeesBald.metadata["test_look"]
  # Earlier versions kept no recall.
  del SeesBald.metadata["test_accuracy"]["recall"]
  assert real_accuracy(config, SeesBald(), test)["recall"] == {"Bald": None}
  config.classifier.data = ConfigDict({"distribution": {"Bald": 1.0}})
  assert real_accuracy(config, SeesBald(), test)["mean"] == 0


def test_a_field_that_it_can_not_have_otherwise_is_refused():
  config = teacher.get_config("debug")
  config.classifier.data = ConfigDict({"conditionl": {}})
  with pytest.raises(UserError, match="did you mean 'conditional'"):
    classifier_cache.classifier_of(config, ())
  config.classifier.data = ConfigDict({"attributes": ("Bald",)})
  with pytest.raises(UserError, match=r"data\.attributes is none of cond"):
    classifier_cache.classifier_of(config, ())
  config.classifier.data = ConfigDict({"name": "photos"})
  with pytest.raises(
    UserError, match=r"data\.name='photos' is none of avatars"
  ):
    classifier_cache.classifier_of(config, ())


def test_what_is_wrong_with_its_pictures_is_said_by_its_own_fields(tmp_path):
  config = teacher.get_config("debug")
  config.classifier.data = ConfigDict(
    {"name": "table", "path": str(tmp_path / "nowhere")}
  )
  with pytest.raises(UserError, match=r"config\.classifier\.data\.path"):
    classifier_cache.classifier_of(config, ())
  # What it has in common with the networks is theirs.
  config.classifier.data.name = "folder"
  with pytest.raises(UserError, match=r"config\.data\.label_rule="):
    classifier_cache.classifier_of(config, ())


def test_the_command_trains_it_and_says_how_good_it_is(caches, tmp_path):
  done = small_runs.run(
    ["--config=configs/classifier.py:debug", f"--workdir={tmp_path}"]
  )
  assert done.returncode == 0, done.stderr
  kept = json.loads((tmp_path / "classifier.json").read_text())
  names = list(kept["test_accuracy"]["attributes"])
  assert names == kept["attributes"]
  # It knows what is translated, and what may change along.
  assert tuple(names[:7]) == data.AVATAR_ATTRIBUTES
  assert set(data.AVATAR_ALSO) <= set(names)
  assert "right on the test split" in done.stdout


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, capsys):
  (tmp_path / "file").write_text("")
  config = small_config()
  classifier = load_or_train(config, tmp_path / "file" / "classifiers")
  assert classifier.metadata["test_accuracy"]["mean"] > 0.5
  said = capsys.readouterr().err
  assert "cannot write" in said and "not kept" in said
