"""A run in one file is measured before anything in it is believed."""

import io
import json
import zipfile

import numpy as np
import pytest

from akd_jax.common.array_digest import digest_arrays
from akd_jax.common.errors import UserError
from akd_jax.training import run_dir, run_file
from akd_jax.training.shapes import parameter_shapes
from tests.layouts import error
from tests.small_runs import teacher_config


@pytest.fixture(scope="module")
def contents():
  config = teacher_config()
  config.data.exclusive = (("Black_Hair", "Blond_Hair"),)
  rng = np.random.default_rng(0)
  shapes = parameter_shapes(config, "here")
  arrays = {
    name: rng.normal(size=shape).astype(np.float16)
    for name, shape in shapes.items()
  }
  text = np.array(config.to_json_best_effort())
  return {**arrays, "config": text, "step": np.array(4)}


def save(path, contents):
  np.savez_compressed(path, **contents)
  return str(path)


def test_what_was_saved_is_read(contents, tmp_path):
  run = run_dir.load_run(save(tmp_path / "run.npz", contents))
  assert run.step == 4
  kernel = run.model.generator["output"]["kernel"]
  np.testing.assert_array_equal(kernel, contents["generator/output/kernel"])


KERNEL = "generator/output/kernel"


def test_a_weight_beyond_half_precision_stays_itself(contents, tmp_path):
  run = run_dir.load_run(save(tmp_path / "run.npz", contents))
  run.model.generator["output"]["kernel"][0, 0, 0, 0] = 1e5
  run_file.save_run(run, str(tmp_path / "again.npz"))
  again = run_dir.load_run(str(tmp_path / "again.npz"))
  assert again.model.generator["output"]["kernel"][0, 0, 0, 0] == 1e5


def with_config(contents, **changes):
  fields = json.loads(str(contents["config"]))
  for name, value in changes.items():
    section, _, field = name.rpartition("__")
    (fields[section] if section else fields)[field] = value
  return contents | {"config": np.array(json.dumps(fields))}


CHANGES = {
  "nan": lambda x: x | {KERNEL: x[KERNEL] * np.float16(np.nan)},
  "shape": lambda x: x | {KERNEL: x[KERNEL][:-1]},
  "missing": lambda x: {k: v for k, v in x.items() if k != KERNEL},
  "one more": lambda x: x | {"generator/residual_1/x": x[KERNEL]},
  "text": lambda x: x | {KERNEL: np.full(x[KERNEL].shape, "a")},
  "no config": lambda x: x | {"config": np.array("[]")},
  "config of numbers": lambda x: x | {"config": np.zeros(3)},
  "step": lambda x: x | {"step": np.array("four")},
  "no step": lambda x: x | {"step": np.array(-1)},
  "more blocks": lambda x: with_config(x, generator__blocks=2),
  "endless blocks": lambda x: with_config(x, generator__blocks=2**31),
  "endless layers": lambda x: with_config(x, discriminator__layers=2**31),
  "too wide": lambda x: with_config(x, generator__width=2**60),
  "no attributes": lambda x: with_config(x, data__attributes=[]),
  "numbers as attributes": lambda x: with_config(x, data__attributes=[1]),
  "no system": lambda x: with_config(x, system="none"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_belong_to_its_config_is_refused(
  contents, tmp_path, change
):
  path = save(tmp_path / "run.npz", CHANGES[change](contents))
  message = error(run_dir.load_run, path)
  assert path in message and "\n" not in message


def test_a_bomb_is_refused_before_it_grows(contents, tmp_path):
  path = tmp_path / "run.npz"
  with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    for name, value in contents.items():
      content = io.BytesIO()
      np.save(content, value)
      archive.writestr(f"{name}.npy", content.getvalue())
    archive.writestr("generator/x.npy", bytes(2**28))
  message = error(run_dir.load_run, str(path))
  assert "would grow to" in message


def test_a_flipped_bit_is_no_other_weight(contents, tmp_path):
  path = tmp_path / "run.npz"
  save(path, contents)
  whole = path.read_bytes()
  expected = run_dir.load_run(str(path)).model
  rng = np.random.default_rng(0)
  refused = 0
  for position in rng.integers(0, 8 * len(whole), 60):
    damaged = bytearray(whole)
    damaged[position // 8] ^= 1 << position % 8
    path.write_bytes(damaged)
    try:
      found = run_dir.load_run(str(path)).model
    except UserError as error:
      assert str(path) in str(error) and "\n" not in str(error)
      refused += 1
      continue
    # A date in the directory of the zip says nothing.
    for ours, theirs in (
      (found.generator, expected.generator),
      (found.discriminator, expected.discriminator),
    ):
      assert digest_arrays(ours) == digest_arrays(theirs)
  assert refused > 30
