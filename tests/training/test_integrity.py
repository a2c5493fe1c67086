"""A checkpoint is compared with what was saved before it is believed."""

import contextlib
import json
import shutil

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.common.array_digest import digest_arrays
from akd_jax.training import checkpoint, integrity
from akd_jax.training.state import TrainState
from tests.layouts import error

CONFIG = ConfigDict(
  {"keep": 5, "best_metric": "score", "data": {"attributes": ("Bald",)}}
)


def state_of(step):
  # Random: of constants, the compressed file has few bits.
  weights = np.random.default_rng(step).normal(size=300).astype(np.float32)
  moments = {"mu": weights / 2, "none": None}
  return TrainState(np.int32(step), {"w": weights}, {}, moments, {}, None)


def opened(workdir, origins=None):
  return contextlib.closing(
    checkpoint.Checkpoints(str(workdir), CONFIG, origins)
  )


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
  workdir = tmp_path_factory.mktemp("pristine")
  with opened(workdir, {"teacher": "abc"}) as checkpoints:
    for step in (2, 4, 6):
      checkpoints.save(state_of(step), {"place": step}, {"score": 1 / step})
  return workdir


@pytest.fixture
def workdir(pristine, tmp_path):
  return shutil.copytree(pristine, tmp_path / "run")


def folder(workdir, step):
  return checkpoint.directory(str(workdir)) / str(step)


def resumed(workdir):
  """What is taken up again: the step and the place in the data."""
  with opened(workdir) as checkpoints:
    state, place = checkpoints.restore(state_of(0))
  np.testing.assert_array_equal(
    state.generator["w"], state_of(int(state.step)).generator["w"]
  )
  return int(state.step), place["place"]


def files_of(step_folder):
  return sorted(path for path in step_folder.rglob("*") if path.is_file())


def flip_bit(path, position):
  content = bytearray(path.read_bytes())
  content[position // 8] ^= 1 << position % 8
  path.write_bytes(content)


def test_a_flipped_bit_never_changes_what_is_taken_up(workdir, pristine):
  rng = np.random.default_rng(0)
  noticed = 0
  for path in files_of(folder(pristine, 6)):
    if not path.stat().st_size:
      continue
    target = folder(workdir, 6) / path.relative_to(folder(pristine, 6))
    for position in rng.integers(0, 8 * path.stat().st_size, 4):
      flip_bit(target, int(position))
      with contextlib.suppress(integrity.DamagedError):
        found = integrity.read(folder(workdir, 6))
        # Not every bit of Orbax's files says something.
        assert found.place == {"place": 6}
        assert found.origins == {"teacher": "abc"}
        expected = state_of(6)
        assert digest_arrays(found.state) == digest_arrays(
          {
            "step": expected.step,
            "generator": expected.generator,
            "generator_moments": expected.generator_moments,
          }
        )
        noticed -= 1
      noticed += 1
      shutil.copy(path, target)
  # Which files there are, and so which bits are flipped, is Orbax's choice.
  assert noticed > 7


@pytest.mark.parametrize(
  "item", ["state", "data", "metrics", integrity.ITEM, "config"]
)
def test_a_checkpoint_that_lacks_a_part_is_not_believed(workdir, item):
  shutil.rmtree(folder(workdir, 6) / item)
  # The config in it is for people: none of it is read back.
  assert resumed(workdir) == ((6, 6) if item == "config" else (4, 4))


def damage_array(step_folder):
  # Every file of arrays: which of them are read again is Orbax's choice.
  for path in files_of(step_folder / "state"):
    if path.parent.name == "d":
      flip_bit(path, 4 * path.stat().st_size)


def cut(step_folder):
  for path in files_of(step_folder)[3:]:
    path.unlink()


def empty(step_folder):
  shutil.rmtree(step_folder)
  step_folder.mkdir()


DAMAGE = [damage_array, cut, empty]


@pytest.mark.parametrize("damage", DAMAGE)
def test_training_takes_up_the_one_before_and_says_so(workdir, capfd, damage):
  damage(folder(workdir, 6))
  assert resumed(workdir) == (4, 4)
  lines = [
    line for line in capfd.readouterr().err.splitlines() if "damaged" in line
  ]
  (line,) = lines
  assert str(workdir) in line and "step 6 (" in line
  assert line.endswith("using the checkpoint of step 4")


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_damaged_step_is_trained_and_saved_again(workdir, damage):
  damage(folder(workdir, 6))
  with opened(workdir) as checkpoints:
    checkpoints.save(state_of(6), {"place": 6}, {"score": 0.5})
  assert resumed(workdir) == (6, 6)
  kept = {path.name for path in folder(workdir, 6).parent.iterdir()}
  assert kept == {"2", "4", "6", "damaged_6"}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_only_reads_changes_nothing(workdir, capfd, damage):
  damage(folder(workdir, 6))
  assert checkpoint.load_newest(str(workdir)).step == 4
  assert "step 6 (" in capfd.readouterr().err
  assert checkpoint.list_steps(str(workdir)) == [2, 4, 6]


def test_a_damaged_checkpoint_that_is_asked_for_is_refused(workdir):
  damage_array(folder(workdir, 4))
  message = error(checkpoint.load, str(workdir), 4)
  assert str(folder(workdir, 4)) in message and "damaged" in message


def test_without_a_sound_checkpoint_nothing_begins_anew(workdir):
  for step in (2, 4, 6):
    damage_array(folder(workdir, step))
  message = error(checkpoint.Checkpoints, str(workdir), CONFIG)
  assert "step 6 (" in message and "step 2 (" in message
  assert checkpoint.list_steps(str(workdir)) == [2, 4, 6]


def test_a_score_that_was_changed_chooses_no_best_checkpoint(workdir):
  assert checkpoint.find_best_step(str(workdir), "score") == 2
  path = folder(workdir, 6) / "metrics" / "metrics"
  path.write_text(json.dumps({"score": 9.0}))
  assert checkpoint.find_best_step(str(workdir), "score") == 2
  path = folder(workdir, 2) / "metrics" / "metrics"
  path.write_text("{")
  assert checkpoint.find_best_step(str(workdir), "score") == 4
  # Nor does it keep Orbax from choosing among the others.
  assert resumed(workdir) == (4, 4)


def without_seal(workdir):
  """As an earlier version saved it."""
  for step in (2, 4, 6):
    shutil.rmtree(folder(workdir, step) / integrity.ITEM)
    path = folder(workdir, step) / "_CHECKPOINT_METADATA"
    listed = json.loads(path.read_text())
    del listed["item_handlers"][integrity.ITEM]
    path.write_text(json.dumps(listed))


def test_checkpoints_of_earlier_versions_are_read(workdir):
  without_seal(workdir)
  assert checkpoint.read_origins(str(workdir)) == {}
  assert resumed(workdir) == (6, 6)


def test_numbers_that_are_not_finite_are_not_believed_without_a_seal(
  tmp_path,
):
  with opened(tmp_path) as checkpoints:
    for step in (2, 4, 6):
      state = state_of(step)
      if step == 6:
        state.generator["w"][7] = np.nan
      checkpoints.save(state, {"place": step}, {})
  without_seal(tmp_path)
  assert resumed(tmp_path) == (4, 4)


def test_origins_are_kept_with_each_checkpoint(workdir):
  assert checkpoint.read_origins(str(workdir)) == {"teacher": "abc"}
  assert checkpoint.read_origins(str(workdir / "nothing")) is None


ARRAYS = {"a": {"b": np.arange(6, dtype=np.float32)}, "c": np.int32(1)}


@pytest.mark.parametrize(
  "other",
  [
    {"a": {"x": ARRAYS["a"]["b"]}, "c": ARRAYS["c"]},
    {"a": {"b": ARRAYS["a"]["b"].reshape(2, 3)}, "c": ARRAYS["c"]},
    {"a": {"b": ARRAYS["a"]["b"].view(np.int32)}, "c": ARRAYS["c"]},
    {"a": {"b": np.nextafter(ARRAYS["a"]["b"], 9)}, "c": ARRAYS["c"]},
    {"a": {"b": ARRAYS["a"]["b"]}},
  ],
  ids=["name", "shape", "type", "bits", "number of arrays"],
)
def test_a_digest_of_arrays_notices(other):
  assert digest_arrays(other) != digest_arrays(ARRAYS)


def test_a_digest_of_arrays_sees_the_arrays_alone():
  strided = np.repeat(ARRAYS["a"]["b"], 2)[::2]
  other = {"empty": {}, "c": ARRAYS["c"], "a": {"b": strided}, "none": None}
  assert digest_arrays(other) == digest_arrays(ARRAYS)


def test_damage_has_a_name_that_stays(workdir):
  root = folder(workdir, 6).parent
  for expected in ("damaged_6", "damaged_6_2"):
    integrity.set_aside(root, 6)
    assert (root / expected).is_dir()
    shutil.copytree(root / expected, root / "6")
