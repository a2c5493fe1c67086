"""The classifier is torchvision's ResNet, learns, and is kept whole."""

import functools
import json
import os
import signal
from pathlib import Path
from typing import ClassVar

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common import cli
from akd_jax.common.errors import UserError
from akd_jax.configs import data, teacher
from akd_jax.data.pipeline import open_source
from akd_jax.evaluation import (
  attribute_classifier,
  classifier_cache,
  classifier_training,
  kept_arrays,
)
from akd_jax.evaluation.attribute_classifier import (
  Classifier,
  Splits,
  accuracy_of,
  predicted,
)
from akd_jax.interop import torch_resnet
from akd_jax.interop.torch_resnet import from_torch, to_torch
from akd_jax.models.resnet import (
  BasicBlock,
  ResNet,
  draw_variables,
  resnet18,
  resnet50,
)
from tests import training
from tests.golden_weights import weights_by_rule
from tests.training import shared_caches  # noqa: F401

GOLDEN = Path(__file__).parents[1] / "golden" / "resnet50.npz"

# Parameters of torchvision's models with 1000 classes, as its pages list them.
PARAMETERS = {resnet18: 11_689_512, resnet50: 25_557_032}


class Squares:
  """Noise; a red square for the first attribute, a blue one for the second."""

  attributes = ("red", "blue")
  exclusive = ()

  def __init__(self, count, seed, one_hot=False):
    rng = np.random.default_rng(seed)
    self.labels = rng.integers(0, 2, (count, 2), dtype=np.uint8)
    if one_hot:
      self.labels[:, 1] = 1 - self.labels[:, 0]
    self.images = rng.integers(0, 100, (count, 16, 16, 3), dtype=np.uint8)
    self.images[self.labels[:, 0] > 0, 2:7, 2:14, 0] = 255
    self.images[self.labels[:, 1] > 0, 9:14, 2:14, 2] = 255

  def __len__(self):
    return len(self.labels)

  def __getitem__(self, index):
    return {"image": self.images[index], "label": self.labels[index]}


def small_config(**classifier):
  config = ConfigDict()
  config.data = {
      "name": "squares", "path": "", "image_size": 16,
      "attributes": Squares.attributes, "label_rule": "multilabel",
      "threads": 2,
  }  # fmt: skip
  config.classifier = {
      "name": "tiny", "width": 4, "epochs": 3, "batch_size": 16,
      "learning_rate": 1e-2, "weight_decay": 1e-4, "seed": 0, "weights": "",
  } | classifier  # fmt: skip
  return config


def splits_of(train, **options):
  return Splits(train, Squares(32, 1, **options), Squares(64, 2, **options))


def load_or_train(config, directory, train=None):
  splits = splits_of(train or Squares(256, 0))
  return classifier_cache.load_or_train(config, directory, splits)


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
  """A network that compiles in a second, by the name of "tiny"."""
  tiny = functools.partial(ResNet, (1, 1), BasicBlock)
  monkeypatch.setitem(attribute_classifier.NETWORKS, "tiny", tiny)


def test_resnet50_reproduces_torchvision():
  golden = np.load(GOLDEN, allow_pickle=False)
  network = resnet50(classes=7)
  variables = from_torch(
    {
      name: weights_by_rule(name, value.shape).astype(np.float32)
      for name, value in to_torch(draw_variables(network, 0)).items()
    }
  )
  for size in (64, 128):
    expected = golden[f"resnet50_logits_{size}"]
    image = golden[f"images_{size}"].astype(np.float32) / 127.5 - 1
    logits, features = jax.jit(network.apply)(variables, image)
    assert features.shape == (len(image), 2048)
    error = np.abs(np.asarray(logits) - expected).max()
    assert error < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("family", PARAMETERS)
def test_parameters_are_as_many_as_torchvisions(family):
  params = draw_variables(family(classes=1000), 0)["params"]
  count = sum(leaf.size for leaf in jax.tree.leaves(params))
  assert count == PARAMETERS[family]


@pytest.mark.parametrize("family", [resnet18, resnet50])
def test_names_make_the_round_trip(family):
  rng = np.random.default_rng(0)
  variables = jax.tree.map(
    lambda leaf: rng.normal(size=leaf.shape).astype(np.float32),
    draw_variables(family(classes=3, width=8), 0),
  )
  state = to_torch(variables)
  assert "layer2.0.downsample.1.running_var" in state
  assert state["conv1.weight"].shape == (8, 3, 7, 7)
  assert state["bn1.num_batches_tracked"].shape == ()
  again = from_torch(state)
  assert jax.tree.structure(again) == jax.tree.structure(variables)
  jax.tree.map(np.testing.assert_array_equal, again, variables)


def test_a_foreign_name_is_refused():
  for name in ("encoder.weight", "conv1.gain", "weight", ""):
    with pytest.raises(UserError, match=f"'{name}' is not a name"):
      from_torch({name: np.zeros(3)})


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


def train(directory, **classifier):
  config = small_config(**classifier)
  splits = splits_of(Squares(64, 0))
  return classifier_training.train_classifier(
    config, splits, directory / "unfinished.npz"
  )


def test_the_seed_decides_everything(tmp_path):
  first, second = (train(tmp_path, epochs=1) for _ in range(2))
  jax.tree.map(np.testing.assert_array_equal, first, second)
  assert not list(tmp_path.iterdir())


def interrupt_at(monkeypatch, wanted, number=signal.SIGTERM):
  """Sends this process a signal when a step has been asked for."""
  update, done = classifier_training._update, []

  def interrupted(*arguments):
    done.append(arguments)
    if len(done) == wanted:
      os.kill(os.getpid(), number)
    return update(*arguments)

  monkeypatch.setattr(classifier_training, "_update", interrupted)
  return done


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", [1, 6, 12])
def test_training_goes_on_where_it_was_stopped(
  tmp_path, monkeypatch, capsys, step, number
):
  # Three epochs of four steps: in the first, within one, at the very end.
  whole = train(tmp_path)
  with monkeypatch.context() as patch:
    done = interrupt_at(patch, step, number)
    with pytest.raises(cli.Stopped, match=f"saved at step {step}/12"):
      train(tmp_path)
  assert len(done) == step
  again = interrupt_at(monkeypatch, None)
  resumed = train(tmp_path)
  assert len(again) == 12 - step
  assert f"going on from step {step}" in capsys.readouterr().err
  training.assert_same_bits(resumed, whole)


def test_a_killed_process_loses_no_more_than_since_its_last_save(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(classifier_training, "_SECONDS_BETWEEN_SAVES", 0.0)
  whole = train(tmp_path)
  (tmp_path / "unfinished.npz").unlink()
  with monkeypatch.context() as patch:
    done = interrupt_at(patch, None)
    save = kept_arrays.write

    def killed(*arguments):
      save(*arguments)
      if len(done) == 5:
        raise MemoryError  # As nobody expects it.

    patch.setattr(kept_arrays, "write", killed)
    with pytest.raises(MemoryError):
      train(tmp_path)
  again = interrupt_at(monkeypatch, None)
  training.assert_same_bits(train(tmp_path), whole)
  assert len(again) == 12 - 5


def test_a_classifier_that_was_stopped_is_kept_whole(tmp_path, monkeypatch):
  with monkeypatch.context() as patch:
    interrupt_at(patch, 3)
    with pytest.raises(cli.Stopped):
      load_or_train(small_config(epochs=1), tmp_path)
  (unfinished,) = tmp_path.glob("*.npz")
  assert unfinished.name.endswith(".unfinished.npz")
  load_or_train(small_config(epochs=1), tmp_path)
  (kept,) = tmp_path.glob("*.npz")
  assert not kept.name.endswith(".unfinished.npz")


def test_training_of_another_network_is_not_taken_up(tmp_path, monkeypatch):
  with monkeypatch.context() as patch:
    interrupt_at(patch, 2)
    with pytest.raises(cli.Stopped):
      train(tmp_path)
  with pytest.raises(UserError, match="of another network: delete it"):
    train(tmp_path, width=8)


def test_other_data_or_settings_are_another_classifier(tmp_path, monkeypatch):
  trained = []

  def untrained(config, splits, unfinished):
    del splits, unfinished
    trained.append(config)
    return draw_variables(attribute_classifier.create_network(config), 0)

  monkeypatch.setattr(classifier_cache, "train_classifier", untrained)
  load_or_train(small_config(), tmp_path)
  load_or_train(small_config(seed=1), tmp_path)
  load_or_train(small_config(), tmp_path, Squares(257, 0))
  redrawn = Squares(256, 0)
  redrawn.images //= 2
  load_or_train(small_config(), tmp_path, redrawn)
  reader = small_config()
  reader.data.threads = 1  # Reads the same images.
  load_or_train(reader, tmp_path)
  of_a_run = small_config()
  of_a_run.data.exclusive = (("red", "blue"),)  # What training adds.
  load_or_train(of_a_run, tmp_path)
  assert len(trained) == len(list(tmp_path.glob("*.npz"))) == 4


def test_interrupted_writing_leaves_no_half_classifier(tmp_path, monkeypatch):
  def interrupted(file, **arrays):
    file.write(b"half")
    raise KeyboardInterrupt

  monkeypatch.setattr(kept_arrays.np, "savez", interrupted)
  with pytest.raises(KeyboardInterrupt):
    load_or_train(small_config(epochs=1), tmp_path, Squares(32, 0))
  assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("size", [0, 10, 200])
def test_a_damaged_classifier_is_named(tmp_path, size):
  path = tmp_path / "classifier.npz"
  np.savez(path, metadata=np.array("{}"), weight=np.zeros(99))
  path.write_bytes(path.read_bytes()[:size])
  with pytest.raises(UserError, match="classifier.npz is damaged.*delete it"):
    kept_arrays.read(path)


def test_predictions_do_not_depend_on_their_company():
  network = attribute_classifier.create_network(small_config())
  images = Squares(attribute_classifier._PIECE + 3, 0).images
  variables = draw_variables(network, 0)
  taught = Classifier(network, variables, {"label_rule": "multilabel"})
  labels, features = taught.predict(images)
  assert labels.shape == (len(images), 2) and features.shape[1] == 4 * 2
  logits, again = network.apply(variables, images[-3:] / np.float32(127.5) - 1)
  np.testing.assert_allclose(features[-3:], again, rtol=1e-4, atol=1e-5)
  np.testing.assert_array_equal(labels[-3:], logits > 0)


def test_a_prediction_is_a_sign_or_the_largest():
  logits = np.array([[-1.0, 2.0, 3.0], [-3.0, -2.0, -4.0]])
  assert predicted(logits, "multilabel").tolist() == [[0, 1, 1], [0, 0, 0]]
  assert predicted(logits, "exclusive").tolist() == [[0, 0, 1], [0, 1, 0]]


def test_accuracy_is_agreement_with_true_labels():
  labels = np.array([[1, 0, 1], [1, 1, 0], [0, 0, 0]])
  true = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]])
  assert accuracy_of(labels, true, ("a", "b", "c"), "multilabel") == {
    "mean": pytest.approx(5 / 9),
    "attributes": {"a": pytest.approx(2 / 3), "b": 1.0, "c": 0.0},
  }


def test_accuracy_of_exclusive_classes_is_that_of_their_own_images():
  labels = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]])
  true = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]])
  assert accuracy_of(labels, true, ("a", "b", "c"), "exclusive") == {
    "mean": 0.75, "attributes": {"a": 1.0, "b": 0.5, "c": None},
  }  # fmt: skip


def test_an_unknown_network_is_named():
  with pytest.raises(UserError, match="'resnet5' is none of.*resnet50"):
    attribute_classifier.create_network(small_config(name="resnet5"))


def test_a_loss_that_explodes_is_reported(tmp_path):
  with pytest.raises(UserError, match="lower config.classifier.learning_rate"):
    train(tmp_path, learning_rate=float("nan"))


def test_imagenet_weights_are_a_start_and_see_other_pixel_values(tmp_path):
  network = resnet18(classes=2, width=4)
  theirs = draw_variables(resnet18(classes=5, width=4), 1)
  rng = np.random.default_rng(0)
  theirs["batch_stats"]["bn1"]["mean"] = rng.normal(size=4).astype(np.float32)
  path = tmp_path / "resnet18.npz"
  np.savez(path, **to_torch(theirs))
  settings = small_config(
    name="resnet18", width=4, weights=str(path)
  ).classifier
  ours = classifier_training._first_variables(network, settings)
  mean = torch_resnet._IMAGENET_MEAN
  deviation = torch_resnet._IMAGENET_DEVIATION
  # A picture of one colour: the padding alone may differ.
  colour = np.array([0.2, 0.7, 0.9], np.float32)
  image = np.broadcast_to(colour, (1, 32, 32, 3))

  def first_layer(variables, image):
    kernel = variables["params"]["conv1"]["kernel"]
    total = np.einsum("hwio,bhwi->bo", kernel, image[:, :7, :7])
    return total - variables["batch_stats"]["bn1"]["mean"]

  np.testing.assert_allclose(
      first_layer(ours, image * 2 - 1),
      first_layer(theirs, (image - mean) / deviation),
      rtol=1e-4, atol=1e-5,
  )  # fmt: skip
  settings.width = 8
  wide = resnet18(classes=2, width=8)
  with pytest.raises(UserError, match="not those of a resnet18 of width 8"):
    classifier_training._first_variables(wide, settings)


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


def test_its_accuracy_is_that_on_the_run_s_own_pictures(tmp_path):
  config = teacher.get_config("debug")
  config.data.path = str(tmp_path)
  config.data.attributes = ("Bald",)
  config.data.sizes = ConfigDict({"train": 1, "validation": 1, "test": 8})
  config.data.distribution = ConfigDict({"Bald": 0.0})
  test = open_source(config.data, "test")

  class SeesBald:
    metadata: ClassVar = {
      "test_accuracy": {"mean": 1.0},
      "attributes": ["Bald"],
      "label_rule": "multilabel",
    }

    def predict(self, images):
      labels = np.ones((len(images), 1))
      return attribute_classifier.Predictions(labels, labels)

  real_accuracy = classifier_cache.real_accuracy
  assert real_accuracy(config, SeesBald(), test) == {"mean": 1.0}
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


def test_the_command_trains_it_and_says_how_good_it_is(caches, tmp_path):
  done = training.run(
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
