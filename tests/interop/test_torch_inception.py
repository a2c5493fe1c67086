"""The features are pytorch-fid's."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.inference.batches import apply_in_pieces
from akd_jax.interop import torch_inception
from akd_jax.models import inception
from tests.golden_weights import weights_by_rule

GOLDEN = Path(__file__).parents[1] / "golden" / "inception.npz"

# Tracing the network takes a second, which only these tests are to wait for.
shapes = functools.cache(inception.shapes)


def from_torch(state):
  return torch_inception.from_torch(state, shapes())


@pytest.fixture(scope="module")
def state():
  return {
    weight.name: weights_by_rule(weight.name, weight.shape).astype(np.float32)
    for weight in torch_inception.list_weights(shapes())
  }


# Three images in batches of two: the second is filled up.
@pytest.mark.parametrize(("size", "batch_size"), [(64, 2), (128, 1)])
def test_features_reproduce_pytorch_fid(state, size, batch_size):
  golden = np.load(GOLDEN, allow_pickle=False)
  variables = jax.device_put(from_torch(state))
  expected = golden[f"inception_pool3_{size}"]
  embed = functools.partial(inception.embed, variables)
  found = apply_in_pieces(embed, batch_size, golden[f"images_{size}"])
  assert found.shape == expected.shape and found.dtype == np.float32
  error = np.abs(found - expected).max()
  assert error < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("height", "width"), [(400, 911), (64, 300)])
def test_images_are_interpolated_not_blurred(height, width):
  image = np.random.default_rng(0).random((height, width, 3), np.float32)
  expected = image
  for axis, size in enumerate((height, width)):
    place = ((np.arange(299) + 0.5) * size / 299 - 0.5).clip(0, size - 1)
    low = place.astype(int)
    high = (low + 1).clip(max=size - 1)
    part = np.expand_dims(place - low, (1, 2) if axis == 0 else (0, 2))
    expected = expected.take(low, axis) * (1 - part) + part * expected.take(
      high, axis
    )
  found = inception.resize(image[None])[0]
  np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [9, 10])
def test_the_form_that_is_fast_on_a_cpu_is_equal(monkeypatch, size, stride):
  rng = np.random.default_rng(0)
  image = jnp.asarray(rng.normal(size=(2, size, size + 3, 3)), jnp.float32)
  network = inception.BasicConv2d(4, (3, 3), stride, "VALID")
  variables = network.init(jax.random.key(0), image)
  found = {}
  for on_cpu in (True, False):
    monkeypatch.setattr(inception, "on_cpu", lambda on_cpu=on_cpu: on_cpu)
    found[on_cpu] = network.apply(variables, image)
  np.testing.assert_allclose(found[True], found[False], atol=1e-6)


def test_classifiers_and_counts_are_ignored(state):
  more = {
    "fc.weight": np.zeros((1008, 2048)),
    "AuxLogits.fc.bias": np.zeros(1000),
    "Conv2d_1a_3x3.bn.num_batches_tracked": np.array(0),
  }
  plain, other = map(from_torch, (state, {**state, **more}))
  jax.tree.map(np.testing.assert_array_equal, plain, other)


def test_another_networks_weights_are_named(state):
  name = "Mixed_7c.branch_pool.conv.weight"
  with pytest.raises(UserError, match="'layer1.weight' is unknown"):
    from_torch({**state, "layer1.weight": np.zeros(3)})
  with pytest.raises(UserError, match=rf"'{name}' is \(3,\) and should be"):
    from_torch({**state, name: np.zeros(3)})
  lacking = {key: state[key] for key in state if key != name}
  with pytest.raises(UserError, match=f"'{name}' .* is missing"):
    from_torch(lacking)


def test_where_to_get_the_file_is_said(tmp_path):
  path = tmp_path / "weights.pth"
  with pytest.raises(UserError, match=f"No such file.*{torch_inception.URL}"):
    torch_inception.read(path, shapes())
  path.write_bytes(b"<!DOCTYPE html>")
  with pytest.raises(UserError, match=f"{path}.*sha256.*{torch_inception.URL}"):
    torch_inception.read(path, shapes())
  digits = torch_inception.SHA256[:8]
  assert torch_inception.URL.endswith(f"-{digits}.pth")
