"""PyTorch draws what NumPy does, of every system.

Runs where PyTorch is installed, which the tests do not require.
"""

import importlib.util
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.common.config import RECIPES
from akd_jax.inference import torch_exports
from akd_jax.interop import numpy_program
from akd_jax.systems import SYSTEMS, system_of

torch = pytest.importorskip("torch")
_SPEC = importlib.util.spec_from_file_location(
  "torch_program", torch_exports._CODE
)
torch_program = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(torch_program)

PROGRAMMED = [name for name, system in SYSTEMS.items() if system.program]
SIZE, BATCH = 16, 3


def parts(name, **fields):
  """A system's generator of random numbers: its arrays and its metadata."""
  config = RECIPES[name].get_config("debug")
  config.update_from_flattened_dict({"data.image_size": SIZE, **fields})
  names = list(config.data.attributes)
  generator = system_of(config).create_networks(config).generator
  image, label = jnp.zeros((1, SIZE, SIZE, 3)), jnp.zeros((1, len(names)))
  start = generator.init(jax.random.key(0), image, label)
  arrays: dict = {}
  for collection in ("params", "batch_stats"):
    flat = traverse_util.flatten_dict(start.get(collection, {}), sep="/")
    arrays |= {path: np.asarray(x, np.float32) for path, x in flat.items()}
  rng = np.random.default_rng(0)
  # So that no statistic, scale or bias is where it starts.
  arrays = {
    path: x + np.abs(0.1 * rng.normal(size=x.shape)).astype(np.float32)
    for path, x in arrays.items()
  }
  program = SYSTEMS[name].program(generator)
  about = {
    "format": 3, "attributes": names, "given": [2, -1, 0.5],
    "test_strength": 1.5, "multiple": program.multiple,
    "program": program.steps,
  }  # fmt: skip
  return arrays, about


def asked(classes):
  rng = np.random.default_rng(1)
  image = rng.uniform(-1, 1, (BATCH, SIZE, SIZE, 3)).astype(np.float32)
  labels = rng.integers(0, 2, (3, BATCH, classes)).astype(np.float32)
  return image, labels


@pytest.mark.parametrize(
  ("name", "fields"),
  [
    *((name, {}) for name in PROGRAMMED),
    ("stargan", {"generator.output": "blend"}),
  ],
)
def test_pytorch_draws_what_numpy_does(name, fields, tmp_path):
  arrays, about = parts(name, **fields)
  image, (label, own, edits) = asked(len(about["attributes"]))
  given = 2 * (label + 0.5 * edits * (label - own)) - own + 0.5
  expected = numpy_program.generate(about, arrays, image, given)
  path = tmp_path / "network.npz"
  np.savez(path, **arrays, metadata=np.array(json.dumps(about)))
  network = torch_program.load(str(path))
  with torch.no_grad():
    drawn = network(
      torch.from_numpy(image.transpose(0, 3, 1, 2)),
      *map(torch.from_numpy, (label, own, edits)),
    )
  drawn = drawn.numpy().transpose(0, 2, 3, 1)
  assert np.ptp(expected) > 0.1
  np.testing.assert_allclose(drawn, expected, atol=1e-4)


def test_it_is_trained_and_saved_like_any_module(tmp_path):
  arrays, about = parts("stargan", **{"generator.output": "blend"})
  image, (label, _, _) = asked(len(about["attributes"]))
  image = torch.from_numpy(image.transpose(0, 3, 1, 2))
  about |= {"given": [1, 0, 0], "test_strength": 1}
  network = torch_program.Network(arrays, about)
  optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
  first = network(image, torch.from_numpy(label))
  first.square().mean().backward()
  optimizer.step()
  torch.save(network.state_dict(), tmp_path / "state.pt")
  again = torch_program.Network(arrays, about)
  again.load_state_dict(torch.load(tmp_path / "state.pt"))
  moved = network(image, torch.from_numpy(label))
  assert not torch.equal(first, moved)
  assert torch.equal(moved, again(image, torch.from_numpy(label)))


def test_what_is_told_what_pictures_have_asks_for_it():
  arrays, about = parts("stargan")
  network = torch_program.Network(arrays, about)
  image, (label, _, _) = asked(len(about["attributes"]))
  image = torch.from_numpy(image.transpose(0, 3, 1, 2))
  with pytest.raises(ValueError, match="give `own`"):
    network(image, torch.from_numpy(label))


def test_a_label_is_asked_for_by_name():
  arrays, about = parts("stargan")
  network = torch_program.Network(arrays, about)
  first, *_, last = about["attributes"]
  label = network.label(**{last: 1})
  assert label.tolist() == [0.0] * (len(about["attributes"]) - 1) + [1.0]
  with pytest.raises(KeyError, match=f"is none of {first}"):
    network.label(nobody=1)


def test_a_file_without_a_program_is_told_how_to_get_one(tmp_path):
  path = tmp_path / "model.npz"
  np.savez(path, metadata=np.array(json.dumps({"format": 1})))
  run = tmp_path / "run.npz"
  np.savez(run, config=np.array("{}"), step=np.array(1))
  text = tmp_path / "text.npz"
  text.write_text("no archive")
  for wrong in (path, run, text):
    with pytest.raises(ValueError, match="--format=torch --out=DIR"):
      torch_program.load(str(wrong))
