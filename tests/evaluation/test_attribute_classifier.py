"""The classifier is torchvision's ResNet, learns, and is kept whole."""

import functools
import json
from pathlib import Path
from typing import ClassVar

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.configs import teacher
from akd_jax.configs.data import AVATAR_ALSO, AVATAR_ATTRIBUTES
from akd_jax.data.pipeline import SPLITS, open_source
from akd_jax.evaluation import (
  attribute_classifier as judge,
)
from akd_jax.evaluation import (
  classifier_training as classify,
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


def load_or_train(config, directory, train=None):
  train = train or Squares(256, 0)
  return judge.load_or_train(
    config, directory, train, Squares(32, 1), Squares(64, 2)
  )


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
  """A network that compiles in a second, by the name of "tiny"."""
  tiny = functools.partial(ResNet, (1, 1), BasicBlock)
  monkeypatch.setitem(classify._NETWORKS, "tiny", tiny)


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
  train, validation, test = (
    Squares(count, seed, one_hot=label_rule == "exclusive")
    for seed, count in enumerate((256, 32, 64))
  )
  first = judge.load_or_train(config, tmp_path, train, validation, test)
  said = capsys.readouterr().err
  assert "s left" in said or "epoch 3/3" in said
  assert first.metadata["test_accuracy"]["mean"] > 0.95
  assert set(first.metadata["test_accuracy"]["attributes"]) == {"red", "blue"}
  assert first.metadata["label_rule"] == label_rule

  def never(*_):
    raise AssertionError("trained again")

  monkeypatch.setattr(judge, "train_classifier", never)
  second = judge.load_or_train(config, tmp_path, train, validation, test)
  assert "reusing" in capsys.readouterr().err
  assert second.metadata == json.loads(json.dumps(first.metadata))
  for ours, kept in zip(
    first.predict(test.images), second.predict(test.images), strict=True
  ):
    np.testing.assert_array_equal(ours, kept)


def test_the_seed_decides_everything():
  config = small_config(epochs=1)
  first, second = (
    classify.train_classifier(config, Squares(64, 0), Squares(16, 1))
    for _ in range(2)
  )
  jax.tree.map(np.testing.assert_array_equal, first, second)


def test_other_data_or_settings_are_another_classifier(tmp_path, monkeypatch):
  trained = []

  def untrained(config, train, validation):
    del train, validation
    trained.append(config)
    return draw_variables(classify.create_network(config), 0)

  monkeypatch.setattr(judge, "train_classifier", untrained)
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

  monkeypatch.setattr(judge.np, "savez", interrupted)
  with pytest.raises(KeyboardInterrupt):
    load_or_train(small_config(epochs=1), tmp_path, Squares(32, 0))
  assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("size", [0, 10, 200])
def test_a_damaged_classifier_is_named(tmp_path, size):
  path = tmp_path / "classifier.npz"
  np.savez(path, metadata=np.array("{}"), weight=np.zeros(99))
  path.write_bytes(path.read_bytes()[:size])
  with pytest.raises(UserError, match="classifier.npz is damaged.*delete it"):
    judge._load(path)


def test_predictions_do_not_depend_on_their_company():
  network = classify.create_network(small_config())
  images = Squares(classify._PIECE + 3, 0).images
  variables = draw_variables(network, 0)
  taught = classify.Classifier(network, variables, {})
  logits, features = taught.predict(images)
  assert logits.shape == (len(images), 2) and features.shape[1] == 4 * 2
  again, _ = network.apply(variables, images[-3:] / np.float32(127.5) - 1)
  np.testing.assert_allclose(logits[-3:], again, rtol=1e-4, atol=1e-5)


def test_an_unknown_network_is_named():
  with pytest.raises(UserError, match="'resnet5' is none of.*resnet50"):
    classify.create_network(small_config(name="resnet5"))


def test_a_loss_that_explodes_is_reported():
  config = small_config(learning_rate=float("nan"))
  with pytest.raises(UserError, match="lower config.classifier.learning_rate"):
    classify.train_classifier(config, Squares(64, 0), Squares(16, 1))


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
  ours = classify._first_variables(network, settings)
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
    classify._first_variables(wide, settings)


def test_a_judge_may_learn_from_other_faces_than_the_networks(
  tmp_path, monkeypatch
):
  learnt = []

  def load_or_train(config, directory, *splits):
    learnt.append((config.classifier.to_dict(), *splits))

  monkeypatch.setattr(judge, "load_or_train", load_or_train)
  config = teacher.get_config("debug")
  config.data.path = str(tmp_path)
  config.data.attributes = ("Bald", "Male")
  config.data.sizes = ConfigDict({"train": 400, "validation": 1, "test": 1})
  config.data.distribution = ConfigDict({"Bald": 0.5})
  config.data.conditional = ConfigDict({"Bald": {"Male": 1.0}})
  splits = [open_source(config.data, split) for split in SPLITS]
  judge.judge_of(config, splits)
  config.classifier.data = ConfigDict({"conditional": {"Bald": {"Male": 0.5}}})
  judge.judge_of(config, splits)
  (biased, train, *_), (fair, other, *_) = learnt
  bald, male = train.labels.T > 0
  assert male[bald].all()
  bald, male = other.labels.T > 0
  assert 0.4 < male[bald].mean() < 0.6
  # Whose faces it has learnt from is said by the digest of the data.
  assert biased == fair and "data" not in fair


def test_what_a_judge_is_worth_is_said_of_the_run_s_own_pictures(tmp_path):
  config = teacher.get_config("debug")
  config.data.path = str(tmp_path)
  config.data.attributes = ("Bald",)
  config.data.sizes = ConfigDict({"train": 1, "validation": 1, "test": 8})
  config.data.distribution = ConfigDict({"Bald": 0.0})
  test = open_source(config.data, "test")

  class SeesBald:
    metadata: ClassVar = {"test_accuracy": {"mean": 1.0}}

    def predict(self, images):
      return np.ones((len(images), 1)), None

  assert judge.real_accuracy(config, SeesBald(), test) == {"mean": 1.0}
  config.classifier.data = ConfigDict({"distribution": {"Bald": 1.0}})
  assert judge.real_accuracy(config, SeesBald(), test)["mean"] == 0


def test_what_a_judge_can_not_have_otherwise_is_refused():
  config = teacher.get_config("debug")
  config.classifier.data = ConfigDict({"conditionl": {}})
  with pytest.raises(UserError, match="did you mean 'conditional'"):
    judge.judge_of(config, ())
  config.classifier.data = ConfigDict({"attributes": ("Bald",)})
  with pytest.raises(UserError, match=r"data\.attributes is none of cond"):
    judge.judge_of(config, ())


def test_the_command_trains_the_judge_and_says_how_good_it_is(caches, tmp_path):
  done = training.run(
    ["--config=configs/classifier.py:debug", f"--workdir={tmp_path}"]
  )
  assert done.returncode == 0, done.stderr
  kept = json.loads((tmp_path / "classifier.json").read_text())
  names = list(kept["test_accuracy"]["attributes"])
  assert names == kept["attributes"]
  # It knows what is translated, and what may change along.
  assert tuple(names[:7]) == AVATAR_ATTRIBUTES
  assert set(AVATAR_ALSO) <= set(names)
  assert "right on the test split" in done.stdout
