"""Batches are split over devices in order, and replicas stay in step.

That several devices train as one is tested of every method and every system.
"""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.common import pod
from akd_jax.training import parallel
from akd_jax.training import step as steps
from tests import layouts, small_runs

_DRIFT = """
import jax
import numpy as np

from akd_jax.training import parallel

def averaged(state, teacher, x, axis_name):
  return state + jax.lax.pmean(x.mean(), axis_name), {}

def forgotten(state, teacher, x, axis_name):
  return state + x.mean(), {}

batch = parallel.shard({"x": np.arange(8, dtype=np.float32)[None]})["x"]
many = {"x": np.arange(2 * 8).reshape(2, 8)}
print(np.asarray(parallel.shard(many)["x"]).tolist())
for step in (averaged, forgotten):
  start = parallel.replicate(np.zeros((), np.float32))
  state, _ = parallel.pmap_step(step)(start, None, batch)
  print(step.__name__, float(state), parallel.is_in_sync({"x": state}))
"""


def test_a_batch_is_split_in_order_and_replicas_that_drift_are_noticed():
  done = subprocess.run(
    [sys.executable, "-c", _DRIFT],
    cwd=small_runs.ROOT,
    env=small_runs.environment(devices=4),
    capture_output=True,
    text=True,
  )
  # pmap shows the first replica, without an error.
  split, *steps = done.stdout.splitlines()
  # In order: device by device, each with its part of both micro-batches.
  assert split == str([[[i, i + 1], [i + 8, i + 9]] for i in (0, 2, 4, 6)])
  assert steps == ["averaged 3.5 True", "forgotten 0.5 False"], done.stderr


def test_a_pod_has_compiled_once_before_it_meets(monkeypatch, request):
  # Gloo waits 30 s at the first exchange for whoever is still compiling.
  happened = []

  def listen(event, _, **kwargs):
    if "backend_compile" in event and kwargs.get("fun_name") != "iota":
      happened.append("compiled")

  jax.monitoring.register_event_duration_secs_listener(listen)
  request.addfinalizer(
    lambda: jax.monitoring.unregister_event_duration_listener(listen)
  )
  monkeypatch.setattr(pod, "is_joined", lambda: True)
  monkeypatch.setattr(pod, "gather", lambda word: happened.append("met"))
  step = parallel.pmap_step(
    lambda state, teacher, x, axis_name: (state + x.mean(), {})
  )
  start = parallel.replicate(np.zeros((), np.float32))
  batch = parallel.shard({"x": np.arange(8, dtype=np.float32)[None]})["x"]
  happened.clear()
  state, _ = step(start, None, batch)
  assert happened == ["compiled", "met"]
  state, _ = step(state, None, batch)
  assert float(state) == 7
  assert happened == ["compiled", "met"]


def test_a_batch_that_does_not_divide_is_refused(monkeypatch):
  monkeypatch.setattr(jax, "device_count", lambda: 4)
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  assert parallel.check_batch_size(8) == 4
  message = layouts.error(parallel.check_batch_size, 6)
  assert "config.batch_size=6" in message and "4 devices" in message


@pytest.mark.parametrize("n_critic", [1, 2])
def test_on_a_cpu_discriminator_updates_are_no_loop(n_critic):
  # In a loop convolutions take several times as long.
  batches = jnp.ones((n_critic, 2))
  scan = jax.jit(lambda x: steps._scan(lambda c, y: (c + 1, c * y), 0.0, x))
  program = scan.lower(batches)
  assert "while" not in program.as_text()
  carry, output = scan(batches)
  assert carry == n_critic
  np.testing.assert_array_equal(output[:, 0], np.arange(n_critic))
