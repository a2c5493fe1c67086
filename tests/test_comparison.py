"""An experiment's table says what its seeds say, and no more."""

import json
import subprocess
import sys

import numpy as np
import pytest

from akd_jax import comparison, experiment
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.metrics.seeds import paired_difference, spread
from tests import training
from tests.training import shared_caches  # noqa: F401


def result(mean, accuracy):
  row = {"accuracy": accuracy, "mean_flips": 0.25}
  return {
    "networks": {
      "teacher": {"mean": 0.5, "attributes": {}, "block": "block_0"},
      "student": {
        "mean": mean,
        "attributes": {"Bald": row},
        "block": "block_0",
        "fd_classifier": 12.0,
      },
    },
    "attention_agreement": {"Bald": {"pearson": 0.5}},
  }


def test_the_interval_is_students():
  # Five differences of 1 to 5: 3 +- 2.776 * 1.5811 / sqrt(5).
  baseline = np.array([10.0, 20, 30, 40, 50])
  mean, low, high = paired_difference(baseline + [1, 2, 3, 4, 5], baseline)
  assert mean == 3
  assert (low, high) == pytest.approx((1.0368, 4.9632), abs=1e-4)
  assert spread([1.0, 3.0]) == (2, pytest.approx(np.sqrt(2)))


def test_one_seed_has_no_interval():
  assert np.isnan(paired_difference([1.0], [0.0]).low)
  assert np.isnan(spread([1.0]).deviation)


def test_the_table_compares_seed_by_seed():
  text = comparison.markdown(
    "Title",
    "what it said",
    "the command",
    7200,
    {
      "without": [result(0.5, 0.4), result(0.75, 0.4)],
      "with": [result(0.75, 0.4), result(1.0, None)],
    },
  )
  assert "The paper: what it said" in text
  assert "2 seeds, 2.0 hours" in text
  assert "| accuracy | 62.50 ± 17.68 | 87.50 ± 17.68 |" in text
  assert "| accuracy | +25.00 [+25.00, +25.00] |" in text
  # Not measured in every seed: no number.
  assert "| accuracy, Bald | 40.00 ± 0.00 | - |" in text
  assert "| fd_classifier | 12.00 ± 0.00 | 12.00 ± 0.00 |" in text


def test_only_seeds_that_every_arm_has_are_compared():
  arms = {"a": [result(0.5, 0.5)] * 2, "b": [result(0.5, 0.5)]}
  assert "1 seed, " in comparison.markdown("T", "", "c", 0, arms)
  assert comparison.markdown("T", "", "c", 0, {"a": [], "b": []}) == ""


def test_seeds_differ_and_arms_share_their_teacher():
  arms = EXPERIMENTS["paper1_table1"]("debug").arms
  without, taught, second = (
    experiment.seeded(arms[arm], seed, "root")
    for arm, seed in (("without", 0), ("with", 0), ("with", 1))
  )
  assert without.teacher == taught.teacher
  assert taught.teacher.rpartition("/")[0] == second.teacher.rpartition("/")[0]
  assert taught.teacher != second.teacher
  assert (taught.seed, second.teacher_recipe.seed) == (0, 1)


def test_time_is_added_up_over_restarts(tmp_path):
  rows = [{"uptime": 5.0}, {"uptime": 9.0}, {}, {"uptime": 2.0}]
  path = tmp_path / "metrics.jsonl"
  path.write_text("".join(json.dumps(row) + "\n" for row in rows))
  assert experiment.training_seconds(str(tmp_path)) == 11


def test_the_command_trains_evaluates_and_writes(caches, tmp_path):
  command = [
    sys.executable, "-m", "akd_jax.experiment", "--name=paper1_table1:debug",
    "--seeds=1", f"--root={tmp_path}/runs", f"--out={tmp_path}/docs",
  ]  # fmt: skip

  def go():
    done = subprocess.run(
      command, cwd=training.ROOT, env=training.environment(devices=1),
      capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout

  first = go()
  assert "2/2 runs" in first
  text = (tmp_path / "docs" / "paper1_table1.md").read_text()
  assert text.startswith("# Paper 1, Table 1") and "| without | with |" in text
  # What is there is taken as it is.
  assert "is finished" in go()


def test_an_unknown_name_is_told_the_nearest():
  done = subprocess.run(
    [sys.executable, "-m", "akd_jax.experiment", "--name=paper1_tabel1"],
    cwd=training.ROOT, capture_output=True, text=True,
  )  # fmt: skip
  assert done.returncode == 2
  assert "did you mean 'paper1_table1'?" in done.stderr
