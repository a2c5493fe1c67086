"""The numbers of training: the file, the terminal, what is not finite."""

import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.training import writers
from akd_jax.training.window import Window


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
  assert writers.format_duration(seconds) == text


def test_the_terminal_says_which_attributes_do_not_appear(capsys):
  accuracies = {"Hat": 0.9, "Glasses": 0.02, "Smile": 0.5, "Beard": 0.42}
  scores = {f"held_out/accuracy/{name}": x for name, x in accuracies.items()}
  writer = writers.TerminalWriter(steps=5_000)
  writer.write_scalars(1_000, {"held_out/accuracy": 0.46, **scores})
  assert capsys.readouterr().out == (
    "step 1,000/5,000  held out: accuracy 46 %; lowest Glasses 2 %, Beard 42 %,"
    " Smile 50 %\n"
  )


def test_the_terminal_repeats_no_score_of_a_single_attribute(capsys):
  scores = {"held_out/accuracy": 0.9, "held_out/accuracy/Hat": 0.9}
  writers.TerminalWriter(steps=5).write_scalars(1, scores)
  assert capsys.readouterr().out == "step 1/5  held out: accuracy 90 %\n"


def test_the_time_left_is_by_all_that_has_passed_since_the_first_line(
  capsys, monkeypatch
):
  now = [0.0]
  monkeypatch.setattr(writers.time, "monotonic", lambda: now[0])
  writer = writers.TerminalWriter(steps=1_000)
  for step in (100, 200):
    # Fast steps, and pictures between them: half a second each in all.
    now[0] = step / 2
    writer.write_scalars(step, {"steps_per_sec": 10.0, "g_loss_rec": 0.5})
  first, second = capsys.readouterr().out.splitlines()
  assert first.endswith("  10.00 steps/s  1:30 left")
  assert second.endswith("  10.00 steps/s  6:40 left")
