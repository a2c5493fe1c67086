"""Experiments by name, and those that somebody has in a file."""

import re

import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation import METHODS
from akd_jax.experiments import cluster, definitions, plan, runner
from tests import small_runs

LACKING = """
from akd_jax.configs import student
from akd_jax.configs.experiments.variants import Experiment
def get_experiment(scale):
  config = student.get_config("debug")
  del config["loss"]
  return Experiment(title="mine", paper="", variants={"a": config})
"""


def mine():
  """The file that docs/extending.md shows."""
  text = (small_runs.ROOT / "docs" / "extending.md").read_text()
  return re.search(r"```python\n(# mine\.py\n.*?)```", text, re.DOTALL)[1]


def test_an_experiment_is_a_file_of_ones_own(tmp_path):
  path = tmp_path / "mine.py"
  path.write_text(mine())
  found = definitions.define(str(path), "debug")
  assert [*found.variants] == ["as it is", "smoother", "faster"]
  plan.check(plan.plan_replicate(found.variants, 0, tmp_path))


@pytest.mark.parametrize(
  ("text", "said"),
  [
    ("x = 1\n1 / 0\n", r"mine\.py:2: ZeroDivisionError"),
    ("def get_experiment(scale:\n", r"mine\.py:1: SyntaxError"),
    ("", "has no function get_experiment"),
    ("def get_experiment(scale): return {}", "returns no Experiment"),
    (LACKING, r"mine\.py: 'a' is no config: it lacks loss$"),
    (
      "def get_experiment(scale):\n  return wrong",
      r"mine\.py:2: NameError: name 'wrong' is not defined$",
    ),
  ],
)
def test_what_is_wrong_with_the_file_is_said(tmp_path, text, said):
  path = tmp_path / "mine.py"
  path.write_text(text)
  with pytest.raises(UserError, match=said):
    definitions.define(str(path), "debug")


def test_a_file_that_is_not_there_is_named(tmp_path):
  (tmp_path / "mine.py").touch()
  with pytest.raises(UserError, match=r"no such file; did you mean .*mine\.py"):
    definitions.define(str(tmp_path / "mien.py"), "debug")


def test_a_job_knows_the_methods_of_the_file(tmp_path, monkeypatch):
  monkeypatch.setitem(METHODS, "of_the_file", None)
  (tmp_path / "mine.py").write_text(
    "from akd_jax.distillation import METHODS\nMETHODS['of_the_file'] = 7\n"
  )
  found = []
  monkeypatch.setattr(
    runner, "do_alone", lambda run: found.append(METHODS["of_the_file"])
  )
  monkeypatch.setattr(cluster.cache, "use_persistent_cache", lambda: None)
  pytest.importorskip("submitit")
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv("HOME", str(tmp_path))
  for name in ("mine.py", "~/mine.py"):
    engine = cluster.open_cluster("local", tmp_path / "jobs", {}, 1, [name])
    monkeypatch.chdir("/")  # A job may be elsewhere.
    engine.do(plan.PlannedRun(ConfigDict(), tmp_path / "run"))
  assert found == [7, 7]
