"""What is known of runs travels without their weights, and is not run again."""

import io
import json
import shutil
import tarfile
import types

import pytest

from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.evaluation import record
from akd_jax.experiments import records
from akd_jax.experiments.plan import plan_replicate
from akd_jax.training import run_dir
from tests.layouts import error


def evaluate(run, accuracy=0.5, teacher="the file's digest"):
  """Leaves what a run leaves that was trained and evaluated, but weights."""
  run.workdir.mkdir(parents=True)
  run_dir.write_config(run.config, str(run.workdir))
  (run.workdir / "metrics.jsonl").write_text(f'{{"step": {accuracy}}}\n')
  (run.workdir / "events.out").write_text("of no use")
  rows = {name: {} for name in run.config.data.attributes}
  result = {
    "step": run.config.steps,
    "settings": record.list_settings(run.config),
    "teacher": teacher,
    "networks": {"generator": {"attributes": rows, "mean": accuracy}},
  }
  (run.workdir / "evaluation.json").write_text(json.dumps(result))


def plan(root, name="distillation", fields=()):
  """The runs of a seed, by the name of their column, the teacher's first."""
  experiment = EXPERIMENTS[name]("debug").changed(dict(fields))
  return plan_replicate(experiment.variants, 0, root).runs


@pytest.fixture(name="here")
def fixture_here(tmp_path):
  return tmp_path / "here"


@pytest.fixture(name="path")
def fixture_path(tmp_path):
  return records.path_of(tmp_path / "page.md")


SHIPPED = {"teacher": "pretrained:avatars"}


def test_another_machine_knows_what_this_one_has_found(here, path, tmp_path):
  runs = list(plan(here, fields=SHIPPED).values())
  for place, run in enumerate(runs[:2]):
    evaluate(run, 0.25 + place)
  records.write(path, runs, here)
  there = tmp_path / "there"
  others = list(plan(there, fields=SHIPPED).values())
  unpacked = records.unpack(path, others, there)
  assert [run.workdir for run in unpacked] == [x.workdir for x in others[:2]]
  for run, other in zip(runs, others, strict=True):
    assert run.result == other.result
  assert others[0].result and not others[2].result
  assert not (others[0].workdir / "events.out").exists()
  # There, more is found; what was unpacked is handed on.
  evaluate(others[2], 0.75)
  records.write(path, others, there)
  assert records.unpack(path, runs, here) == [runs[2]]
  assert runs[2].result == others[2].result


@pytest.fixture(autouse=True)
def fixture_teacher(monkeypatch):
  """Spares the loading of the shipped teacher."""
  monkeypatch.setattr(run_dir, "digest_model", lambda _: "the file's digest")
  run = types.SimpleNamespace(model=None)
  monkeypatch.setattr(run_dir, "load_run", lambda _: run)


def test_who_learnt_from_another_file_is_not_known(here, path, tmp_path):
  runs = list(plan(here, fields=SHIPPED).values())
  evaluate(runs[0], teacher="another")
  records.write(path, runs, here)
  there = tmp_path / "there"
  others = list(plan(there, fields=SHIPPED).values())
  assert records.unpack(path, others, there) == []


def test_what_is_there_is_not_written_over(here, path, tmp_path):
  runs = list(plan(here, fields=SHIPPED).values())
  evaluate(runs[0], 0.25)
  records.write(path, runs, here)
  written = path.stat()
  records.write(path, runs, here)
  assert path.stat().st_ino == written.st_ino
  there = tmp_path / "there"
  others = list(plan(there, fields=SHIPPED).values())
  evaluate(others[0], 0.75)
  assert records.unpack(path, others, there) == []
  assert record.trained_network(others[0].result)["mean"] == 0.75


def test_who_would_be_evaluated_otherwise_is_not_known(here, path, tmp_path):
  runs = list(plan(here, fields=SHIPPED).values())
  evaluate(runs[0])
  records.write(path, runs, here)
  fields = SHIPPED | {"evaluation.protocol": "all"}
  there = tmp_path / "there"
  others = list(plan(there, fields=fields).values())
  assert others[0].workdir.name == runs[0].workdir.name
  assert records.unpack(path, others, there) == []


def test_only_runs_of_a_teacher_that_is_a_file_travel(here, path):
  runs = list(plan(here, "paper1_table1").values())
  for run in runs:
    evaluate(run)
  records.write(path, runs, here)
  assert not path.exists()


def test_nothing_that_the_file_has_is_lost(here, path, tmp_path):
  runs = list(plan(here, fields=SHIPPED).values())
  evaluate(runs[0], 0.25)
  records.write(path, runs, here)
  there = tmp_path / "there"
  others = list(plan(there, fields=SHIPPED).values())
  evaluate(others[1], 0.75)
  records.write(path, others, there)
  third = list(plan(tmp_path / "third", fields=SHIPPED).values())
  unpacked = records.unpack(path, third, tmp_path / "third")
  assert [x.workdir for x in unpacked] == [x.workdir for x in third[:2]]


def test_a_run_that_has_begun_here_goes_on(here, path, tmp_path, monkeypatch):
  runs = list(plan(here, fields=SHIPPED).values())
  evaluate(runs[0])
  records.write(path, runs, here)
  there = tmp_path / "there"
  others = list(plan(there, fields=SHIPPED).values())
  monkeypatch.setattr(run_dir, "has_checkpoint", lambda _: True)
  assert records.unpack(path, others, there) == []


def test_a_file_that_is_being_copied_stays(here, path, capsys):
  runs = list(plan(here, fields=SHIPPED).values())
  evaluate(runs[0])
  path.write_bytes(b"half")
  records.write(path, runs, here)
  assert path.read_bytes() == b"half"
  assert f"{path} cannot be read: " in capsys.readouterr().err


def test_without_records_nothing_is_written_or_known(here, path):
  runs = list(plan(here).values())
  records.write(path, runs, here)
  assert not path.exists() and records.unpack(path, runs, here) == []


def pack(path, name, kind=tarfile.REGTYPE, link="", **more):
  with tarfile.open(path, "w:xz", format=tarfile.PAX_FORMAT) as archive:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.pax_headers = kind, link, more
    archive.addfile(member, io.BytesIO())


def test_a_file_that_is_larger_than_it_looks_is_refused(here, path):
  sparse = {"GNU.sparse.map": "0,0", "GNU.sparse.size": "9" * 12}
  pack(path, "00ab/seed_0/config.json", **sparse)
  message = error(records.unpack, path, list(plan(here).values()), here)
  assert "which is no record of a run" in message


@pytest.mark.parametrize(
  ("name", "kind", "link"),
  [
    ("../00ab/seed_0/config.json", tarfile.REGTYPE, ""),
    ("/00ab/seed_0/config.json", tarfile.REGTYPE, ""),
    ("00ab/seed_0/weights.npz", tarfile.REGTYPE, ""),
    ("00ab/seed_0/config.json", tarfile.SYMTYPE, "/etc/passwd"),
    ("00ab/seed_0/config.json", tarfile.FIFOTYPE, ""),
  ],
)
def test_a_file_of_anything_else_is_refused(here, path, name, kind, link):
  pack(path, name, kind, link)
  message = error(records.unpack, path, list(plan(here).values()), here)
  assert f"{path} holds {name!r}, which is no record" in message
  assert not here.exists()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_half_a_file_is_refused(here, path, share):
  runs = list(plan(here, fields=SHIPPED).values())
  evaluate(runs[0])
  records.write(path, runs, here)
  content = path.read_bytes()
  path.write_bytes(content[: int(share * len(content))])
  shutil.rmtree(here)
  assert f"{path} " in error(records.unpack, path, runs, here)
  assert not here.exists()
