"""A run's metrics.jsonl, whole or not."""

import json

import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.training import metrics_file


def test_what_is_appended_is_read(tmp_path):
  for step in (1, 2):
    metrics_file.append(tmp_path, {"step": step, "g_loss_rec": 0.5 / step})
  terms = metrics_file.read_terms(tmp_path)
  np.testing.assert_array_equal(terms["g_loss_rec"], [[1, 2], [0.5, 0.25]])


def test_metrics_of_a_running_or_diverged_run_are_read(tmp_path):
  path = tmp_path / "metrics.jsonl"
  rows = ['{"step": 1, "a": 1.0}', '{"step": 2, "a": NaN}',
          '{"step": 3, "a": 3.0, "b": null}', '{"step": 4, "a"']  # fmt: skip
  path.write_text("\n".join(rows))
  terms = metrics_file.read_terms(tmp_path)
  assert list(terms) == ["a"]
  np.testing.assert_array_equal(terms["a"], [[1, 3], [1, 3]])


def test_a_torn_line_is_left_out_and_named(tmp_path, capsys):
  path = tmp_path / "metrics.jsonl"
  lines = [json.dumps({"step": i, "g_loss_rec": 1 / i}) for i in range(1, 60)]
  lines[6] = lines[6][:20] + lines[7]
  path.write_text("\n".join(lines) + "\n")
  terms = metrics_file.read_terms(tmp_path)
  assert 7 not in terms["g_loss_rec"][0] and 9 in terms["g_loss_rec"][0]
  assert capsys.readouterr().err == (
    f"{path}: left out what is damaged, line 7\n"
  )


def test_times_weighted_terms_and_single_attributes_have_no_curve():
  names = (
    "time",
    "uptime",
    "g_loss_rec",
    "weighted/g_loss_rec",
    "held_out/score",
    "held_out/accuracy",
    "held_out/accuracy/Smiling",
    "b/held_out/accuracy/happy",
  )
  terms = dict.fromkeys(names, (np.ones(1), np.ones(1)))
  assert metrics_file.list_terms({"run": terms}) == [
    "g_loss_rec",
    "held_out/score",
    "held_out/accuracy",
  ]


@pytest.mark.parametrize(
  "read",
  [
    metrics_file.read_terms,
    metrics_file.read_training,
    lambda workdir: metrics_file.forget_after(workdir, 3),
  ],
)
def test_every_reader_says_the_same_of_what_cannot_be_read(tmp_path, read):
  path = tmp_path / "metrics.jsonl"
  path.mkdir()
  with pytest.raises(UserError) as raised:
    read(tmp_path)
  assert str(raised.value) == f"cannot read {path}: Is a directory"


def test_a_run_without_a_line_has_not_been_trained(tmp_path):
  (tmp_path / "metrics.jsonl").write_text("")
  with pytest.raises(UserError, match="has no line that is whole"):
    metrics_file.read_training(tmp_path)


def test_time_is_added_up_over_restarts_and_losses_are_late_ones(tmp_path):
  rows = [
    {"step": 1, "time": 105.0, "uptime": 5.0, "weighted/g_loss_rec": 9.0},
    {"step": 2, "time": 109.0, "uptime": 9.0},
    {"step": 18, "weighted/g_loss_rec": 9.0},
    {"step": 19, "weighted/g_loss_rec": 1.0, "g_loss_rec": 7.0},
    # The same process, though the clock was put forward by a second; then
    # another one, whose first line comes later than all of the first took.
    {"step": 20, "time": 112.0, "uptime": 11.0, "weighted/g_loss_rec": 2.0},
    {"step": 20, "time": 150.0, "uptime": 20.0, "weighted/g_loss_rec": 1.5},
    # A third, on a host whose clock is behind.
    {"step": 20, "time": 90.0, "uptime": 4.0, "weighted/g_loss_rec": 1.5},
  ]
  path = tmp_path / "metrics.jsonl"
  path.write_text("".join(json.dumps(row) + "\n" for row in rows))
  training = metrics_file.read_training(tmp_path)
  assert training == (35.0, {"g_loss_rec": 1.5})


@pytest.mark.parametrize("ending", ["", '{"step": 5, "g_lo'])
def test_lines_after_the_checkpoint_are_forgotten(tmp_path, ending):
  path = tmp_path / "metrics.jsonl"
  lines = [json.dumps({"step": step}) + "\n" for step in range(1, 5)]
  path.write_text("".join(lines) + ending)
  metrics_file.forget_after(tmp_path, 3)
  assert path.read_text() == "".join(lines[:3])


def test_a_torn_line_in_the_middle_takes_no_other_with_it(tmp_path):
  path = tmp_path / "metrics.jsonl"
  lines = [json.dumps({"step": step}) + "\n" for step in range(1, 6)]
  path.write_text("".join([*lines[:2], '{"ste' + lines[2], *lines[3:]]))
  metrics_file.forget_after(tmp_path, 4)
  assert path.read_text() == "".join([*lines[:2], lines[3]])


def test_a_run_without_lines_has_none_to_forget(tmp_path):
  metrics_file.forget_after(tmp_path, 3)
  assert not list(tmp_path.iterdir())
