"""The numbers of training: the file, the terminal, what is not finite."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.training import writers
from akd_jax.training.window import Window


@pytest.mark.parametrize("ending", ["", '{"step": 5, "g_lo'])
def test_lines_after_the_checkpoint_are_forgotten(tmp_path, ending):
  path = tmp_path / "metrics.jsonl"
  lines = [json.dumps({"step": step}) + "\n" for step in range(1, 5)]
  path.write_text("".join(lines) + ending)
  writers.forget_after(str(tmp_path), 3)
  assert path.read_text() == "".join(lines[:3])


def test_a_torn_line_in_the_middle_takes_no_other_with_it(tmp_path):
  path = tmp_path / "metrics.jsonl"
  lines = [json.dumps({"step": step}) + "\n" for step in range(1, 6)]
  path.write_text("".join([*lines[:2], '{"ste' + lines[2], *lines[3:]]))
  writers.forget_after(str(tmp_path), 4)
  assert path.read_text() == "".join([*lines[:2], lines[3]])


def test_a_run_without_lines_has_none_to_forget(tmp_path):
  writers.forget_after(str(tmp_path), 3)
  assert not list(tmp_path.iterdir())


def test_a_window_gives_means_and_forgets():
  window = Window()
  for step, loss in enumerate([1.0, 3.0]):
    window.add(step, {"loss": np.float32(loss)})
  assert window.take() == {"loss": 2.0}
  assert window.take() == {}


def test_a_window_of_half_precision_gives_the_mean():
  window = Window()
  for step in range(1_000):
    window.add(step, {"loss": jnp.bfloat16(0.3)})
  assert window.take()["loss"] == pytest.approx(0.3, rel=0.01)


def test_a_window_names_the_first_number_that_is_not_finite():
  window = Window()
  for step, loss in ((7, 1.0), (8, np.nan), (9, np.inf)):
    window.add(step, {"fine": np.float32(0), "loss": np.float32(loss)})
  with pytest.raises(FloatingPointError, match="^loss became nan in step 8$"):
    window.take()


@pytest.mark.parametrize(
  ("seconds", "text"),
  [(0.4, "0:00"), (309, "5:09"), (3909, "1:05:09"), (59.6, "1:00")],
)
def test_durations_are_short(seconds, text):
  assert writers.duration(seconds) == text
