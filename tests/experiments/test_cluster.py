"""Each run of an experiment is a job, and is done once."""

from pathlib import Path
from unittest import mock

import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.experiments import cluster, runner
from tests.experiments.cheap_runs import Run, do


@pytest.fixture(name="work")
def fixture_work(monkeypatch, tmp_path):
  """Has runs done on this machine: those left, and how often each was begun."""
  monkeypatch.setattr(cluster, "_PATIENCE", 0.1)
  monkeypatch.setattr(
    runner.runs, "is_finished", lambda where: Path(where, "result").exists()
  )
  submitit = pytest.importorskip("submitit")
  monkeypatch.setattr(submitit.core.core.Job, "_results_timeout_s", 0)

  def work(runs, **options):
    engine = cluster.open_cluster("local", tmp_path / "jobs", options, 4)
    left = [*cluster.work(runs, engine._replace(do=do))][-1:]
    begun = {
      run.workdir.name: len((run.workdir / "log").read_text().splitlines())
      for run in runs
      if (run.workdir / "log").exists()
    }
    return [run.workdir.name for runs in left for run in runs], begun

  def run(name, *deeds, teacher=""):
    fields = {"teacher": str(tmp_path / teacher), "deeds": deeds}
    return Run(ConfigDict(fields), tmp_path / name)

  work.run = run
  return work


def test_every_run_is_done_once_and_after_its_teacher(work, capfd):
  runs = [
    work.run("student", teacher="teacher"),
    work.run("teacher", "is asked to stop", "saves and is killed"),
    work.run("bad", "diverges"),
    work.run("taught by bad", teacher="bad"),
    work.run("lost", "is killed"),
  ]
  left, begun = work(runs)
  assert not left
  # Again where it was stopped, or lost with something new saved.
  assert begun == {"student": 1, "teacher": 3, "bad": 1, "lost": 1}
  student, taught = (x.stat().st_mtime_ns for x in (
      runs[0].workdir / "result", runs[1].workdir / "result"))  # fmt: skip
  assert student > taught
  said = capfd.readouterr().err
  assert f"{runs[2].workdir}: g_loss became nan in step 1\n" in said
  assert f"{runs[4].workdir}: its job " in said
  assert "without a new checkpoint" in said


def test_a_job_of_an_earlier_command_is_taken_up(work, tmp_path, monkeypatch):
  run = work.run("run")
  engine = cluster.open_cluster("local", tmp_path / "jobs", {}, 1)
  earlier = cluster._hand_over(run, engine._replace(do=do))
  known = {earlier.job.job_id: earlier.job}
  monkeypatch.setattr(
    engine.engine._executor,
    "job_class",
    lambda folder, number: known[number],
  )
  again = cluster._hand_over(run, engine._replace(do=do))
  assert again.job is earlier.job
  earlier.job.wait()
  assert (run.workdir / "log").read_text().count("\n") == 1


def test_a_job_that_nobody_knows_any_more_is_named(work, tmp_path, capfd):
  run = work.run("run")
  engine = cluster.open_cluster("local", tmp_path / "jobs", {}, 1)
  run.workdir.mkdir()
  (run.workdir / ".job").write_text("12")
  job = mock.Mock(job_id="12", state="UNKNOWN")
  job.done.return_value = False
  unknown = mock.Mock()
  unknown._executor.job_class.return_value = job
  handed = cluster._hand_over(run, engine._replace(engine=unknown))
  assert handed.job is job
  assert "nothing is known" in (said := capfd.readouterr().err)
  assert f"delete {run.workdir}/.job" in said


def test_a_cluster_that_refuses_a_job_is_no_bug(work, tmp_path):
  from submitit.core.utils import FailedJobError

  engine = mock.Mock()
  engine.submit.side_effect = FailedJobError("invalid partition")
  refusing = cluster.Cluster(engine, 1, do)
  with pytest.raises(UserError, match="refuses .*/run: invalid partition"):
    cluster._hand_over(work.run("run"), refusing)


@pytest.mark.parametrize(
  ("options", "named"),
  [({"timeout_min": "soon"}, "timeout_min"), ({"colour": "red"}, "colour")],
)
def test_a_wrong_option_is_named(tmp_path, options, named):
  with pytest.raises(UserError, match=f"--cluster_options: .*{named}"):
    cluster.open_cluster("local", tmp_path, options, 1)


def test_options_that_are_refused_without_a_word_are_no_bug(
  tmp_path, monkeypatch
):
  submitit = pytest.importorskip("submitit")

  def refuse(self, **options):
    raise AssertionError

  monkeypatch.setattr(submitit.AutoExecutor, "update_parameters", refuse)
  with pytest.raises(UserError, match="--cluster_options: AssertionError"):
    cluster.open_cluster("local", tmp_path, {"cpus_per_task": "0"}, 1)


def test_without_slurm_that_is_said(tmp_path, monkeypatch):
  monkeypatch.setenv("PATH", str(tmp_path))
  with pytest.raises(UserError, match="--cluster=slurm"):
    cluster.open_cluster("slurm", tmp_path, {}, 1)
