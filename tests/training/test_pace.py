"""How long a run will take, said before hours of it."""

import pytest

from akd_jax.training import pace


@pytest.fixture
def clock(monkeypatch):
  now = [0.0]
  monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
  return now


def _lines(clock, capsys, steps, programs=1, first=0, compiling=40.0):
  foretell = pace.Foretold("runs/x", first, steps, programs)
  for step in range(first + 1, min(first + 30, steps) + 1):
    clock[0] += compiling if step <= first + programs else 1.5
    foretell(step, {})
  return capsys.readouterr().out


@pytest.mark.parametrize(
  ("steps", "programs", "first", "line"),
  [
    (1_203, 1, 0, "runs/x: about 30:00 for 1,200 steps of 1.5 s\n"),
    (9_703, 1, 2_500, "runs/x: about 3:00:00 for 7,200 steps of 1.5 s\n"),
    # Of which every fourth compiles, and is, another program.
    (1_208, 4, 0, "runs/x: about 30:00 for 1,200 steps of 1.5 s\n"),
  ],
)
def test_the_time_of_a_long_run_is_said_once_without_compilation(
  clock, capsys, steps, programs, first, line
):
  assert _lines(clock, capsys, steps, programs, first) == line


def test_nothing_is_foretold_of_a_short_run(clock, capsys):
  assert _lines(clock, capsys, steps=30) == ""
