"""Checkpoints: which are kept, and what is in them."""

import contextlib
import dataclasses
import json

import jax
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from akd_jax.configs.data import AVATAR_ATTRIBUTES
from akd_jax.training import checkpoint
from akd_jax.training.state import TrainState
from tests import small_runs
from tests.layouts import error


def tiny_state(step):
  arrays = {"w": np.full(3, step, np.float32)}
  return TrainState(np.int32(step), arrays, {}, {}, {}, None)


def keeping(best_metric):
  return ConfigDict(
    {"keep": 2, "best_metric": best_metric, "data": {"attributes": ("Bald",)}}
  )


@pytest.mark.parametrize("restart_after", [(), (3,), (1, 2, 3, 4, 5, 6)])
@pytest.mark.parametrize(
  ("best_metric", "kept"), [("score", [2, 5, 6]), ("", [5, 6])]
)
def test_the_last_and_the_best_are_kept(
  tmp_path, best_metric, kept, restart_after
):
  with contextlib.ExitStack() as stack:

    def opened():
      return stack.enter_context(
        contextlib.closing(
          checkpoint.Checkpoints(str(tmp_path), keeping(best_metric))
        )
      )

    checkpoints = opened()
    for step, score in enumerate([5, 9, 6, 7, None, 8], 1):
      found = {} if score is None else {"score": float(score)}
      checkpoints.save(tiny_state(step), {}, found)
      if step in restart_after:
        checkpoints.close()
        checkpoints = opened()
  assert checkpoint.list_steps(str(tmp_path)) == kept
  if best_metric:
    assert checkpoint.find_best_step(str(tmp_path), best_metric) == 2
  else:
    assert "--step=best" in error(checkpoint.find_best_step, str(tmp_path), "")


def test_a_checkpoint_is_of_the_moment_it_was_asked_for(tmp_path):
  state = tiny_state(1)
  checkpoints = checkpoint.Checkpoints(str(tmp_path), keeping(""))
  checkpoints.save(state, {"place": 7}, {})
  state.generator["w"][:] = -1
  checkpoints.close()
  with contextlib.closing(
    checkpoint.Checkpoints(str(tmp_path), keeping(""))
  ) as checkpoints:
    restored, place = checkpoints.restore(tiny_state(0))
  assert place == {"place": 7}
  assert restored.step == 1 and restored.ema is None
  np.testing.assert_array_equal(restored.generator["w"], np.ones(3))


def saved_and_restored(workdir, state, fresh):
  with contextlib.closing(
    checkpoint.Checkpoints(str(workdir), keeping(""))
  ) as checkpoints:
    checkpoints.save(state, {}, {})
  with contextlib.closing(
    checkpoint.Checkpoints(str(workdir), keeping(""))
  ) as checkpoints:
    return checkpoints.restore(fresh)[0]


def test_without_parameters_of_methods_a_checkpoint_is_as_it_ever_was(tmp_path):
  restored = saved_and_restored(tmp_path, tiny_state(3), tiny_state(0))
  assert set(checkpoint.load(str(tmp_path), 3).state) == {
    "step",
    "generator",
    "discriminator",
    "generator_moments",
    "discriminator_moments",
    "ema",
  }
  assert restored.step == 3
  assert restored.learnt is None and restored.learnt_moments is None


def test_parameters_of_methods_are_restored(tmp_path):
  def learning(value):
    learnt = {"features": {"kernel": np.full(2, value, np.float32)}}
    moments = optax.scale_by_adam().init(learnt)
    state = dataclasses.replace(
      tiny_state(3), learnt=learnt, learnt_moments=moments
    )
    return jax.device_get(state)

  restored = saved_and_restored(tmp_path, learning(2.0), learning(0.0))
  small_runs.assert_same_bits(restored, learning(2.0))


def test_a_checkpoint_names_its_attributes(runs):
  path = runs.student / "checkpoints" / str(small_runs.STEPS) / "config"
  config = json.loads((path / "metadata").read_text())
  resolved = json.loads((runs.student / "config.json").read_text())
  assert config == resolved
  assert config["data"]["attributes"] == list(AVATAR_ATTRIBUTES)
  assert [
    name for name in config["data"]["exclusive"][0] if name.startswith("Bl")
  ] == ["Black_Hair", "Blond_Hair"]
