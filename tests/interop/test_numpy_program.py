"""The runtime that does what a file's metadata say."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from akd_jax.interop import numpy_generator, numpy_program
from akd_jax.models.stargan import Generator
from akd_jax.systems.stargan_program import write_program
from tests.stargan_weights import random_generator

NAMES = ["Blond_Hair", "Eyeglasses", "Smiling"]


def metadata(params, steps=None, **fields):
  """Of StarGAN's generator, which both runtimes know."""
  program = write_program(Generator(4, 2))
  return {
    "format": 3,
    "system": "another",
    "architecture": {"name": "another"},
    "image_size": 16,
    "crop": 0,
    "attributes": NAMES,
    "label_rule": "multilabel",
    "exclusive": [],
    "value_range": [-1, 1],
    "given": [1, 0, 0],
    "test_strength": 1.0,
    "program": program.steps if steps is None else steps,
    "multiple": program.multiple,
    "numbers": sum(x.size for x in params.values()),
    **fields,
  }


def save(path, params, about):
  np.savez(path, **params, metadata=np.array(json.dumps(about)))
  return str(path)


@pytest.fixture(scope="module")
def params():
  return random_generator(4, 2, classes=3)


@pytest.fixture
def photos():
  return np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)


def test_a_running_variance_below_0_is_refused(params, tmp_path):
  odd = {**params, "decoder_0/norm/var": np.float32([-1])}
  path = save(tmp_path / "model.npz", odd, metadata(odd))
  with pytest.raises(ValueError, match="decoder_0/norm/var holds variances"):
    numpy_program.load(path)


def test_a_program_draws_what_the_network_does(params, photos, tmp_path):
  path = save(tmp_path / "model.npz", params, metadata(params))
  read, about = numpy_program.load(path)
  label = numpy_program.make_label(about, {"Smiling": 1})
  expected = numpy_generator.translate(params, about, photos, label)
  drawn = numpy_program.translate(read, about, photos, label)
  np.testing.assert_array_equal(drawn, expected)


def test_files_of_stargan_are_run_too(params, photos, tmp_path):
  about = metadata(params, format=1, system="stargan")
  about["architecture"] = {"name": "stargan", "width": 4, "blocks": 2}
  del about["program"], about["given"], about["numbers"]
  path = save(tmp_path / "model.npz", params, about)
  read, about = numpy_program.load(path)
  label = np.eye(3)[:2]
  np.testing.assert_array_equal(
    numpy_program.translate(read, about, photos, label, 1 - label),
    numpy_generator.translate(read, about, photos, label),
  )


@pytest.mark.parametrize(
  ("given", "strength", "expected"),
  [
    # What is wanted, as it is and as -1 or 1; and what is to change.
    ([1, 0, 0], 1.0, [1, 0, 1]),
    ([2, 0, -1], 1.0, [1, -1, 1]),
    ([1, -1, 0], 1.0, [1, -1, 0]),
    # The first was set; the second changes because of it.
    ([2, 0, -1], 1.5, [2, -1, 1]),
    ([1, -1, 0], 1.5, [1.5, -1, 0]),
  ],
)
def test_a_generator_is_given_the_label_of_its_system(
  params, photos, given, strength, expected
):
  about = metadata(params, given=given, test_strength=strength)
  target, own, edits = np.float32([[1, 0, 1], [0, 1, 1], [1, 0, 0]])
  drawn = numpy_program.translate(params, about, photos, target, own, edits)
  plain = metadata(params)
  label = np.float32(expected)
  np.testing.assert_array_equal(
    drawn, numpy_program.translate(params, plain, photos, label)
  )


def test_running_statistics_are_used_where_there_are_any():
  rng = np.random.default_rng(0)
  x = rng.normal(size=(3, 4, 2)).astype(np.float32)
  mean, var, scale, bias = rng.uniform(0.5, 2, (4, 2)).astype(np.float32)
  own = {"mean": mean, "var": var, "scale": scale, "bias": bias}
  made = numpy_program.OPERATIONS["norm"]([x], own, {"epsilon": 1e-3})
  expected = (x - mean) / np.sqrt(var + 1e-3) * scale + bias
  np.testing.assert_allclose(made, expected, atol=1e-6)


DOUBLE = {"do": "concat", "of": ["image", "image"], "to": "image"}
WRONG = {
  "no program": {"program": []},
  "unknown operation": {"program": [{"do": "exec", "of": [], "to": "x"}]},
  "no picture": {"program": [DOUBLE]},
  "a flood": {"program": [DOUBLE] * 60},
  "a sum of floods": {
    "program": [
      {"do": "concat", "of": ["image", "image"], "to": f"x{i}"}
      for i in range(200)
    ]
    + [{"do": "add", "of": [f"x{i}" for i in range(200)], "to": "picture"}]
  },
  "another shape": {
    "program": [
      {"do": "take", "of": ["image"], "first": 0, "last": 1, "to": "picture"}
    ]
  },
  "an endless label": {"given": [1e308, 0, 0]},
  "a program of the first format": {"format": 1},
  "no number": {"numbers": "many"},
  "too many numbers": {"numbers": 2**40},
  "too large": {"multiple": 2**20},
  "other format": {"format": 4},
  "no crop": {"crop": "none"},
  "unknown rule": {"label_rule": "any"},
  "half a label": {"given": [1, 0]},
  "no strength": {"test_strength": "much"},
  "no size": {"image_size": -5},
  "no width": {"architecture": {"width": "w" * 1000, "blocks": 1000}},
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_file_that_asks_for_something_else_is_refused(
  params, tmp_path, fault, monkeypatch
):
  monkeypatch.setattr(numpy_program, "_TRIAL", 2**16)
  about = metadata(params) | WRONG[fault]
  path = save(tmp_path / "model.npz", params, about)
  with pytest.raises(ValueError, match="is no exported generator") as caught:
    numpy_program.load(path)
  assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["label_rule", "given", "exclusive"])
def test_a_file_without_what_is_asked_of_it_is_refused(params, tmp_path, field):
  about = metadata(params)
  del about[field]
  path = save(tmp_path / "model.npz", params, about)
  with pytest.raises(ValueError, match="is no exported generator"):
    numpy_program.load(path)


def test_copied_away_with_its_neighbour_it_runs_alone(params, photos, tmp_path):
  for module in (numpy_generator, numpy_program):
    shutil.copy(module.__file__, tmp_path)
  save(tmp_path / "model.npz", params, metadata(params))
  np.save(tmp_path / "photos.npy", photos)
  script = (
    "import sys; sys.modules['akd_jax'] = None\n"
    "import numpy as np, numpy_program as n\n"
    "params, about = n.load('model.npz')\n"
    "label = n.make_label(about, {'Smiling': 1})\n"
    "drawn = n.translate(params, about, np.load('photos.npy'), label)\n"
    "np.save('drawn.npy', drawn)"
  )
  subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
  label = np.float32([0, 0, 1])
  np.testing.assert_array_equal(
    np.load(Path(tmp_path, "drawn.npy")),
    numpy_program.translate(params, metadata(params), photos, label),
  )


def test_pytorch_knows_every_operation():
  code = Path(numpy_program.__file__).parent / "torch" / "torch_program.py"
  (table,) = (
    node.value
    for node in ast.parse(code.read_text()).body
    if isinstance(node, ast.AnnAssign) and node.target.id == "OPERATIONS"
  )
  known = {key.value for key in table.keys}
  assert known == numpy_program.OPERATIONS.keys()
