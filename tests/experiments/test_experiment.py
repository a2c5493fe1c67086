"""`python -m akd_jax.experiment`, as a process of its own."""

import csv
import re
import subprocess
import sys

from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.experiments import plan, report
from akd_jax.training import run_dir
from tests import small_runs

# Programs that other tests have, too: compiled once.
SMALL = {
  "steps": small_runs.STEPS,
  "data.image_size": 16,
  "discriminator.layers": 2,
  "generator.blocks": 1,
  "teacher_recipe.discriminator.layers": 2,
  "teacher_recipe.generator.blocks": 1,
  "held_out.images": 0,
  "teacher_recipe.held_out.images": 0,
}


def test_a_process_does_the_work_and_writes_the_table(caches, tmp_path):
  command = [
    sys.executable, "-m", "tests.without_tensorboard", "akd_jax.experiment",
    "--name=paper1_table1:debug", "--seeds=1", f"--root={tmp_path}",
    "--config.evaluation.images=16",
    *(f"--config.{name}={value}" for name, value in SMALL.items()),
  ]  # fmt: skip

  done = subprocess.run(
    command,
    cwd=small_runs.ROOT, env=small_runs.environment(devices=1),
    capture_output=True, text=True,
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  # Teacher and two students: each was introduced, and trained, once.
  assert done.stdout.count("generator ") == 3
  # Beside the runs: no page of another root is written over.
  results = tmp_path / "results"
  text = (results / "paper1_table1_debug.md").read_text()
  assert text.startswith("# Paper 1, Table 1")
  assert "--seeds=1 --config.evaluation.images=16 --config." in text
  assert "| without | with | teacher |" in text
  # Which directory is whose, so that a network is found that is worth taking.
  for name in ("without", "with", "teacher"):
    line = rf"^\| {name} \| \d+ \| `(\w+)/seed_N` \|$"
    (folder,) = re.findall(line, text, re.MULTILINE)
    assert (tmp_path / folder / "seed_0" / "config.json").exists()
  for picture in ("people", "curves"):
    assert f"(paper1_table1_debug_{picture}.png)" in text
    assert (results / f"paper1_table1_debug_{picture}.png").exists()
  assert "(paper1_table1_debug.csv)" in text
  html = (results / "paper1_table1_debug.html").read_text()
  assert "<h1>Paper 1, Table 1" in html and 'alt="Person 2, ' in html
  with open(results / "paper1_table1_debug.csv", newline="") as file:
    rows = list(csv.DictReader(file))
  assert {x["variant"] for x in rows} == {"without", "with", "teacher"}
  assert {x["metric"] for x in rows} > {"accuracy", "leakage", "fd_classifier"}
  for row in rows:
    if row["metric"] == "accuracy" and not row["attribute"]:
      assert f" {float(row['value']):.2f} " in text
  # Nor of another recipe.
  other = subprocess.run(
    [*command, "--config.generator.width=8"],
    cwd=small_runs.ROOT, env=small_runs.environment(devices=1),
    capture_output=True, text=True,
  )  # fmt: skip
  assert other.returncode == 2 and "give another --out" in other.stderr
  # A page of more seeds is not lost.
  page = results / "paper1_table1_debug.md"
  page.write_text(text.replace("1 seed, ", "3 seeds, "))
  experiment = EXPERIMENTS["paper1_table1"]("debug").changed(
    SMALL | {"evaluation.images": 16}
  )
  replicate = plan.plan_replicate(experiment.variants, 0, tmp_path)
  # What is there is taken as it is.
  assert replicate.done
  said = report.write(page, experiment.title, "", "", [replicate])
  assert said.endswith(f"{page} is of more seeds, and stays")
  assert "3 seeds, " in page.read_text()
  # What is asked of a run afterwards trains nothing, and is evaluated.
  otherwise = experiment.changed({"evaluation.images": 8})
  replicate = plan.plan_replicate(otherwise.variants, 0, tmp_path)
  assert len(plan.find_undone(replicate.runs.values())) == 3
  for run in replicate.runs.values():
    assert run_dir.is_finished(str(run.workdir))


def test_an_unknown_name_is_told_the_nearest():
  done = subprocess.run(
    [sys.executable, "-m", "akd_jax.experiment", "--name=paper1_tabel1"],
    cwd=small_runs.ROOT, capture_output=True, text=True,
  )  # fmt: skip
  assert done.returncode == 2
  assert "did you mean 'paper1_table1'?" in done.stderr


def test_a_teacher_of_all_seeds_is_a_file():
  done = subprocess.run(
    [
      sys.executable, "-m", "akd_jax.experiment", "--name=paper1_table1:debug",
      "--config.teacher=runs/teacher",
    ],
    cwd=small_runs.ROOT, capture_output=True, text=True,
  )  # fmt: skip
  assert done.returncode == 2
  assert "--config.teacher=runs/teacher: each seed trains" in done.stderr
  assert "export --format=run" in done.stderr
