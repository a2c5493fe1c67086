"""All methods at once: they train, and go on, on any number of devices."""

import signal
import subprocess
import sys

import jax
import numpy as np
import pytest
from flax import serialization

from akd_jax.common.errors import Stopped
from akd_jax.distillation import METHODS
from akd_jax.systems.stargan import create_networks
from akd_jax.systems.stargan_slices import slice_generator
from akd_jax.training import run_dir
from akd_jax.training.starts import load_teacher
from akd_jax.training.state import create_state
from akd_jax.training.window import Window
from tests import small_runs
from tests.training.test_resume import striking

STEPS = 4
_TRAIN = """
import sys

from tests import without_tensorboard
from tests.training import test_every_method

test_every_method.train(*sys.argv[1:])
"""


def config(teacher):
  """Of a student that learns in every way."""
  return small_runs.student_config(
    teacher,
    steps=STEPS,
    n_critic=1,
    checkpoint_every=STEPS,
    sample_every=STEPS,
    adversary="teacher",
    init="sliced",
    generator__output="blend",
    **{f"distill__{name}__weight": 1.0 for name in METHODS},
  )


def train(teacher, workdir):
  small_runs.train(config(teacher), workdir)


@pytest.fixture(scope="module")
def trained(untrained_teacher, tmp_path_factory):
  """The student, trained without a stop on one device."""
  workdir = tmp_path_factory.mktemp("every_method") / "student"
  train(untrained_teacher, workdir)
  return workdir


def test_every_method_has_its_line_of_numbers(trained):
  rows = small_runs.metrics(trained)
  assert len(rows) == STEPS
  for row in rows:
    for method in METHODS.values():
      assert np.isfinite(row[method.term])
      assert row[f"weighted/{method.term}"] == row[method.term]
    assert row["g_loss_mask"] > 0


def test_stopped_it_goes_on_as_if_never_stopped(
  untrained_teacher, trained, tmp_path, monkeypatch
):
  monkeypatch.setattr(Window, "add", striking(signal.SIGINT, 2))
  with pytest.raises(Stopped):
    train(untrained_teacher, tmp_path)
  train(untrained_teacher, tmp_path)
  small_runs.assert_same_bits(
    small_runs.state(tmp_path), small_runs.state(trained)
  )
  assert small_runs.metrics(tmp_path) == small_runs.metrics(trained)


def test_it_starts_from_the_teachers_networks_and_leaves_them(
  untrained_teacher, trained
):
  whole = run_dir.load_run(untrained_teacher).model
  found = small_runs.state(trained)
  rate = config(untrained_teacher).optimizer.learning_rate
  for network, start in (
    ("discriminator", whole.discriminator),
    ("generator", slice_generator(whole.generator, found["generator"])),
  ):
    moved = jax.tree.leaves(
      jax.tree.map(lambda x, y: np.abs(x - y).max(), found[network], start)
    )
    assert min(moved) > 0 and max(moved) < 2.1 * STEPS * rate


def test_the_methods_own_parameters_learn(untrained_teacher, trained):
  settings = small_runs.resolved(config(untrained_teacher))
  start = create_state(
    settings, create_networks(settings), load_teacher(settings)
  )
  moved = jax.tree.map(
    lambda x, y: np.abs(x - y).max() > 0,
    small_runs.state(trained)["learnt"],
    serialization.to_state_dict(start.learnt),
  )
  assert set(moved) == {"features", "omgd", "dcd"}
  for projection in moved["dcd"].values():
    assert not projection.pop("teacher")
  assert all(jax.tree.leaves(moved))


def test_four_devices_train_as_one(untrained_teacher, trained, tmp_path):
  done = subprocess.run(
    [sys.executable, "-c", _TRAIN, untrained_teacher, str(tmp_path)],
    cwd=small_runs.ROOT,
    env=small_runs.environment(4),
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  assert "; 4 x cpu;" in done.stdout
  small_runs.assert_same_training(tmp_path, trained)
  for ours, theirs in zip(
    *(
      jax.tree.leaves(small_runs.state(x)["learnt"])
      for x in (tmp_path, trained)
    ),
    strict=True,
  ):
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
