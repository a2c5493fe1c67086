"""Processes that share work."""

import os
import time

import pytest

from akd_jax.common.processes import start_workers


def test_the_first_error_does_not_wait_for_what_has_not_begun(monkeypatch):
  monkeypatch.setenv("PYTHONWARNINGS", "ignore:mine")
  started = time.monotonic()
  with pytest.raises(ZeroDivisionError), start_workers(1) as pool:
    waits = [pool.submit(time.sleep, 1) for _ in range(60)]
    raise ZeroDivisionError
  assert time.monotonic() - started < 30
  assert waits[-1].cancelled()
  assert os.environ["PYTHONWARNINGS"] == "ignore:mine"
