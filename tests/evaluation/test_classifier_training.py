"""The classifier's training: decided by its seed, and taken up to the bit."""

import signal

import jax
import numpy as np
import optax
import pytest

from akd_jax.common.errors import Stopped, UserError
from akd_jax.evaluation import (
  attribute_classifier,
  classifier_training,
  kept_arrays,
)
from akd_jax.interop import torch_resnet
from akd_jax.interop.torch_resnet import to_torch
from akd_jax.models.resnet import draw_variables, resnet18
from tests import small_runs
from tests.squares import (  # noqa: F401
  Squares,
  interrupt_at,
  small_config,
  splits_of,
  tiny_network,
)


def train(directory, **classifier):
  config = small_config(**classifier)
  splits = splits_of(Squares(64, 0))
  return classifier_training.train_classifier(
    config, splits, directory / "unfinished.npz"
  )


def test_the_seed_decides_everything(tmp_path, monkeypatch):
  # However slow the machine is, nothing is kept on the way.
  monkeypatch.setattr(
    classifier_training, "_SECONDS_BETWEEN_SAVES", float("inf")
  )
  first, second = (train(tmp_path, epochs=1) for _ in range(2))
  jax.tree.map(np.testing.assert_array_equal, first, second)
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", [1, 6, 12])
def test_training_goes_on_where_it_was_stopped(
  tmp_path, monkeypatch, capsys, step, number
):
  # Three epochs of four steps: in the first, within one, at the very end.
  whole = train(tmp_path)
  with monkeypatch.context() as patch:
    done = interrupt_at(patch, step, number)
    with pytest.raises(Stopped, match=f"saved at step {step}/12"):
      train(tmp_path)
  assert len(done) == step
  again = interrupt_at(monkeypatch, None)
  resumed = train(tmp_path)
  assert len(again) == 12 - step
  assert f"going on from step {step}" in capsys.readouterr().err
  small_runs.assert_same_bits(resumed, whole)


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
  small_runs.assert_same_bits(train(tmp_path), whole)
  assert len(again) == 12 - 5


class Hidden(Squares):
  """Of two labels that go together, what the second is of is not drawn."""

  def __init__(self, count, seed):
    super().__init__(count, seed)
    rng = np.random.default_rng(seed + 10)
    alike = rng.random(count) < 0.9
    red = self.labels[:, 0]
    self.labels[:, 1] = np.where(alike, red, 1 - red)
    self.images[:, 9:14, 2:14, 2] = 0


def says_of_blue(directory, **classifier):
  """How much more a classifier takes for blue what is red."""
  config = small_config(**classifier)
  train = Hidden(512, 0)
  variables = classifier_training.train_classifier(
    config, splits_of(train), directory / "unfinished.npz"
  )
  network = attribute_classifier.create_network(config)
  metadata = {"label_rule": "multilabel"}
  judge = attribute_classifier.Classifier(network, variables, metadata)
  scores = judge.score(train.images)[:, 1]
  red = train.labels[:, 0] > 0
  return scores[red].mean() - scores[~red].mean()


def test_of_weighed_pictures_one_attribute_says_nothing_of_another(tmp_path):
  # By Bayes it is log 9 - log 1/9 = 4.4 of pictures as they are.
  assert says_of_blue(tmp_path) > 3
  unbiased = {"red": ("blue",)}
  assert abs(says_of_blue(tmp_path, unbiased=unbiased)) < 1


def test_a_picture_s_loss_is_multiplied_by_its_weight():
  network = attribute_classifier.create_network(small_config())
  optimizer = optax.sgd(1.0)
  train = Squares(8, 0)

  def loss(image, label, weight):
    variables = draw_variables(network, 0)
    return classifier_training._update(
      network, optimizer, "multilabel", variables,
      optimizer.init(variables["params"]),
      classifier_training._Batch(image, label, weight),
    )[2]  # fmt: skip

  weight = np.linspace(0.5, 2, 8)
  each = [
    loss(train.images, train.labels, 8.0 * np.eye(8)[i]) for i in range(8)
  ]
  np.testing.assert_allclose(
    loss(train.images, train.labels, weight), np.mean(weight * each), rtol=1e-5
  )
  np.testing.assert_allclose(
    loss(train.images, train.labels, None), np.mean(each), rtol=1e-5
  )


def test_training_of_another_network_is_not_taken_up(tmp_path, monkeypatch):
  with monkeypatch.context() as patch:
    interrupt_at(patch, 2)
    with pytest.raises(Stopped):
      train(tmp_path)
  with pytest.raises(UserError, match="of another network: delete it"):
    train(tmp_path, width=8)


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
  whole = to_torch(theirs)
  for name, changed in (
    ("conv1.weight", None),
    ("layer1.0.bn1.weight", whole["conv1.weight"]),
    ("layer2.0.conv1.weight", whole["layer2.0.conv1.weight"].astype(int)),
    ("more.weight", whole["bn1.weight"]),
    ("conv1.weight.bias", whole["bn1.weight"]),
  ):
    state = {
      x: y for x, y in (whole | {name: changed}).items() if y is not None
    }
    np.savez(path, **state)
    with pytest.raises(UserError, match=name):
      classifier_training._first_variables(network, settings)
  np.savez(path, **whole)
  settings.width = 8
  wide = resnet18(classes=2, width=8)
  with pytest.raises(UserError, match="not those of a resnet18 of width 8"):
    classifier_training._first_variables(wide, settings)
