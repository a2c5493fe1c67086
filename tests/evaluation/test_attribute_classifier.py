"""The classifier is torchvision's ResNet; what it says, and how well."""

from pathlib import Path

import jax
import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.evaluation import attribute_classifier, record
from akd_jax.evaluation.attribute_classifier import (
  Classifier,
  accuracy_of,
  predicted,
)
from akd_jax.interop.torch_resnet import from_torch, to_torch
from akd_jax.models.resnet import (
  draw_variables,
  resnet18,
  resnet50,
)
from tests.golden_weights import weights_by_rule
from tests.squares import Squares, small_config, tiny_network  # noqa: F401

GOLDEN = Path(__file__).parents[1] / "golden" / "resnet50.npz"

# Parameters of torchvision's models with 1000 classes, as its pages list them.
PARAMETERS = {resnet18: 11_689_512, resnet50: 25_557_032}


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
    "recall": {"a": 1.0, "b": 1.0, "c": 0.0},
  }


def test_who_never_sees_a_rare_attribute_has_no_recall():
  true = np.zeros((100, 2), int)
  true[0, 0] = 1
  found = accuracy_of(np.zeros((100, 2), int), true, ("a", "b"), "multilabel")
  assert found["attributes"] == {"a": 0.99, "b": 1.0}
  assert found["recall"] == {"a": 0.0, "b": None}
  assert record.find_doubted([{"real_accuracy": found}]) == {"a"}


def test_accuracy_of_exclusive_classes_is_that_of_their_own_images():
  labels = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]])
  true = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]])
  own = {"a": 1.0, "b": 0.5, "c": None}
  assert accuracy_of(labels, true, ("a", "b", "c"), "exclusive") == {
    "mean": 0.75, "attributes": own, "recall": own,
  }  # fmt: skip


def test_an_unknown_network_is_named():
  with pytest.raises(UserError, match="'resnet5' is none of.*resnet50"):
    attribute_classifier.create_network(small_config(name="resnet5"))
