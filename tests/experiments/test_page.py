"""An experiment's table says what its seeds say, and no more."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from akd_jax.common.errors import UserError
from akd_jax.configs import student
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.distillation.terms import distils
from akd_jax.evaluation import evaluator as evaluation
from akd_jax.experiments import page as comparison
from akd_jax.experiments import runner as jobs
from akd_jax.experiments.statistics import paired_difference, spread
from akd_jax.training import run_dir as directories
from akd_jax.training import teacher as teaching
from tests import training
from tests.training import shared_caches  # noqa: F401


def result(mean, accuracy, block="last"):
  row = {"accuracy": accuracy, "mean_flips": 0.25, "true_accuracy": 0.875}
  row |= {
    kind: {"female": {"misjudged": share}, "male": {"misjudged": None}}
    for kind, share in (("gender", 0.75), ("true_gender", 0.125))
  }
  return {
    "real_accuracy": {"mean": 0.995},
    "attention": {"method": "grad_cam", "block": block},
    "networks": {
      "teacher": {"mean": 0.5, "attributes": {}, "block": "block_0"},
      "student": {
        "mean": mean,
        "attributes": {"Bald": row},
        "left_alone": {"Bald": {"flips": 0.0}},
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
  assert "| accuracy | 62.50 ± 17.68 | 87.50 ± 17.68 | 87.50 ± 0.00 |" in text
  assert "| accuracy | +25.00 [+25.00, +25.00] |" in text
  # Not measured in every seed: no number.
  assert "| accuracy, Bald | 40.00 ± 0.00 | - | 87.50 ± 0.00 |" in text
  assert "| fd_classifier | 12.00 ± 0.00 | 12.00 ± 0.00 | - |" in text


def test_the_table_says_what_the_judge_makes_of_the_truth():
  arms = {"a": [result(0.5, 0.5)], "b": [result(0.75, 0.5)]}
  text = comparison.markdown("T", "", "c", 0, arms)
  assert "The judge is right on 99.50 % of the real test split." in text
  assert "|  | a | b | true translations |" in text
  assert "| accuracy | 50.00 | 75.00 | 87.50 |" in text
  misjudged = "| Bald on female: gender misjudged | 75.00 | 75.00 | 12.50 |"
  assert misjudged in text
  # It is no arm: there is nothing to compare it with.
  assert "|  | b |" in text


def test_maps_that_are_made_otherwise_are_not_compared():
  arms = {
    "last": [result(0.5, 0.5)],
    "again": [result(0.5, 0.5)],
    "second last": [result(0.5, 0.5, "second_last")],
  }
  text = comparison.markdown("T", "", "c", 0, arms)
  title = "| agreement with the teacher's attention |"
  assert f"{title} 0.50 | 0.50 | 0.50 | - |" in text
  assert f"{title} +0.00 | - |" in text
  assert "| accuracy | +0.00 | +0.00 |" in text


def test_without_true_translations_nothing_is_said_of_them():
  photos = result(0.5, 0.5)
  row = photos["networks"]["student"]["attributes"]["Bald"]
  del row["true_accuracy"], row["true_gender"]
  assert "true" not in comparison.markdown("T", "", "c", 0, {"a": [photos]})


def test_only_seeds_that_every_arm_has_are_compared():
  arms = {"a": [result(0.5, 0.5)] * 2, "b": [result(0.5, 0.5)]}
  assert "1 seed, " in comparison.markdown("T", "", "c", 0, arms)
  assert comparison.markdown("T", "", "c", 0, {"a": [], "b": []}) == ""


def test_seeds_differ_and_equal_recipes_are_one_run():
  table1 = EXPERIMENTS["paper1_table1"]("debug").variants
  blocks = EXPERIMENTS["block"]("debug").variants
  root = Path("root")
  first, second = (jobs.seed_of(table1, seed, root) for seed in (0, 1))
  other = jobs.seed_of(blocks, 0, root)
  taught_by = [seed.teachers["teacher"] for seed in (first, second, other)]
  assert first.arms["with"].config.teacher == str(taught_by[0].workdir)
  assert taught_by[0].workdir == taught_by[2].workdir
  assert taught_by[0].workdir != taught_by[1].workdir
  assert first.arms["with"].workdir == other.arms["last"].workdir
  students = [job for seed in (first, second, other) for job in
              seed.arms.values()]  # fmt: skip
  assert len({job.workdir for job in students}) == 5
  assert (first.arms["with"].config.seed, taught_by[1].config.seed) == (0, 1)
  assert second.arms["with"].config.teacher_recipe.seed == 1


def test_who_is_evaluated_otherwise_is_not_trained_anew():
  table = EXPERIMENTS["paper1_table1"]("celeba")
  before = jobs.seed_of(table.variants, 0, Path("root"))
  changed = table.changed({"evaluation.inception": "f", "classifier.seed": 1})
  after = jobs.seed_of(changed.variants, 0, Path("root"))
  for name, job in before.jobs.items():
    assert after.jobs[name].workdir == job.workdir


@pytest.mark.parametrize("scale", ["avatars", "celeba"])
def test_recipes_that_share_a_run_evaluate_it_alike(scale):
  seen = {}
  for recipe in EXPERIMENTS.values():
    seed = jobs.seed_of(recipe(scale).variants, 0, Path("root"))
    for job in seed.jobs.values():
      settings = evaluation.settings(job.config)
      assert seen.setdefault(job.workdir, settings) == settings


def test_no_teacher_is_trained_where_nobody_is_taught():
  arms = {"without": EXPERIMENTS["block"]("debug").variants["without"]}
  assert not jobs.seed_of(arms, 0, Path("root")).teachers


@pytest.mark.parametrize("scale", ["avatars", "celeba", "rafd", "debug"])
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_whoever_teaches_an_arm_is_trained(name, scale):
  seed = jobs.seed_of(EXPERIMENTS[name](scale).variants, 0, Path("root"))
  trained = {str(job.workdir): job.config for job in seed.teachers.values()}
  taught = [x.config for x in seed.arms.values() if distils(x.config)]
  assert taught
  for config in taught:
    teaching.check_compatible(config, trained[config.teacher])


def test_several_teachers_are_told_apart():
  seed = jobs.seed_of(EXPERIMENTS["paper2_table8"]("debug").variants, 0, Path())
  assert {
    name: job.config.data.attributes for name, job in seed.teachers.items()
  } == {
    "teacher, taught by Blond_Hair": ("Blond_Hair",),
    "teacher, taught by Black_Hair": ("Black_Hair",),
  }


def test_time_is_added_up_over_restarts_and_losses_are_late_ones(tmp_path):
  rows = [
    {"step": 1, "uptime": 5.0, "weighted/g_loss_rec": 9.0},
    {"step": 2, "uptime": 9.0},
    {"step": 19, "weighted/g_loss_rec": 1.0, "g_loss_rec": 7.0},
    {"step": 20, "uptime": 2.0, "weighted/g_loss_rec": 2.0},
  ]
  path = tmp_path / "metrics.jsonl"
  path.write_text("".join(json.dumps(row) + "\n" for row in rows))
  training = jobs.read_training(tmp_path)
  assert training == (11.0, {"g_loss_rec": 1.5})


def test_the_weight_of_the_attention_term_is_in_the_table():
  losses = {"g_loss_akd": 0.1, "g_loss_rec": 2.0}
  figures = comparison.figures(result(0.5, 0.5) | {"losses": losses})
  assert figures["L_akd, weighted, of L_rec"] == pytest.approx(5)
  arms = {
    "without": [result(0.5, 0.5)],
    "with": [result(0.5, 0.5) | {"losses": losses}],
  }
  text = comparison.markdown("T", "", "c", 0, arms)
  # No row among the differences: the baseline has no such term.
  assert text.count("L_akd, weighted") == 1
  assert "| L_akd, weighted, of L_rec | - | 5.00 |" in text


def test_a_run_is_done_when_all_of_its_end_has_been_evaluated(tmp_path):
  config = student.get_config("debug")
  directories.write_config(config, str(tmp_path))
  job = jobs.Job(config, tmp_path)
  assert job.result is None
  for names, step, done in (
    (config.data.attributes, config.steps, True),
    (config.data.attributes, config.steps - 1, False),
    (config.data.attributes[:1], config.steps, False),
  ):
    network = {"attributes": dict.fromkeys(names)}
    result = {
      "step": step,
      "settings": evaluation.settings(config),
      "networks": {"generator": network},
    }
    (tmp_path / "evaluation.json").write_text(json.dumps(result))
    assert job.result == (result if done else None)


def test_a_run_evaluated_otherwise_is_not_done(tmp_path):
  config = student.get_config("debug")
  directories.write_config(config, str(tmp_path))
  network = {"attributes": dict.fromkeys(config.data.attributes)}
  result = {"step": config.steps, "networks": {"generator": network}}
  result["settings"] = evaluation.settings(config)
  result["settings"]["evaluation"]["protocol"] = "all"
  (tmp_path / "evaluation.json").write_text(json.dumps(result))
  assert jobs.Job(config, tmp_path).result is None


def test_a_field_is_set_in_every_arm_and_for_its_teacher():
  table = EXPERIMENTS["paper1_table1"]("celeba")
  fields = {"data.path": "photos", "evaluation.inception": "file"}
  seed = jobs.seed_of(table.changed(fields).variants, 0, Path("root"))
  for job in seed.jobs.values():
    assert job.config.data.path == "photos"
    assert job.config.evaluation.inception == "file"
  assert table.variants["with"].data.path == ""


def test_a_field_that_tells_the_arms_apart_is_left_to_them():
  table = EXPERIMENTS["paper2_table2"]("debug")
  with pytest.raises(ValueError, match=r"its variants differ in config\.steps"):
    table.changed({"steps": 3})


@pytest.mark.parametrize(
  "name", ["seed", "teacher", "teacher_recipe.evaluation.images"]
)
def test_what_an_experiment_sets_itself_is_refused(name):
  table = EXPERIMENTS["paper1_table1"]("debug")
  with pytest.raises(ValueError, match=f"it sets config.{name} itself"):
    table.changed({name: 1})


def test_a_field_that_no_arm_has_is_refused():
  table = EXPERIMENTS["paper1_table1"]("celeba")
  with pytest.raises(ValueError, match=r"no config\.data\.distribution\.Bald"):
    table.changed({"data.distribution.Bald": 0.5})


def test_a_wrong_field_is_found_before_a_teacher_is_trained():
  table = EXPERIMENTS["paper2_table7"]("debug")
  changed = table.changed({"pseudo.reading": "paper1"})
  seed = jobs.seed_of(changed.variants, 0, Path("root"))
  with pytest.raises(UserError, match=r"config\.pseudo\.reading='paper1'"):
    jobs.check(seed)


def test_every_attribute_has_its_distance_in_the_table():
  photos = result(0.5, 0.5)
  network = photos["networks"]["student"]
  network |= {"fid": 3.0, "kid": {"mean": 0.0125}}
  network["attributes"]["Bald"]["fid"] = 7.0
  figures = comparison.figures(photos)
  assert figures["fid"] == 3 and figures["fid, Bald"] == 7
  assert figures["KID x 1,000"] == 12.5


def test_a_run_that_diverges_stops_only_what_it_teaches(
  monkeypatch, tmp_path, capsys
):
  table = EXPERIMENTS["paper1_table1"]("debug")
  seeds = [jobs.seed_of(table.variants, seed, tmp_path) for seed in (0, 1)]
  every = [job for seed in seeds for job in seed.jobs.values()]
  bad = seeds[0].teachers["teacher"].workdir

  def train_with_teacher(config, workdir):
    if workdir == str(bad):
      raise FloatingPointError("g_loss became nan in step 1")
    directories.write_config(config, workdir)
    network = {"attributes": dict.fromkeys(config.data.attributes)}
    result = {"step": config.steps, "networks": {"generator": network}}
    result["settings"] = evaluation.settings(config)
    Path(workdir, "evaluation.json").write_text(json.dumps(result))

  monkeypatch.setattr(jobs, "train_with_teacher", train_with_teacher)
  monkeypatch.setattr(jobs.runs, "load_run", lambda workdir: None)
  monkeypatch.setattr(jobs.evaluation, "evaluate", lambda run: None)
  monkeypatch.setattr(jobs.evaluation, "write", lambda *_: None)
  monkeypatch.setattr(
    jobs.teaching,
    "is_finished",
    lambda directory: Path(directory, "evaluation.json").exists(),
  )
  list(jobs.work(every))
  assert f"{bad}: g_loss became nan in step 1" in capsys.readouterr().err
  # Who learns nothing is measured beside that teacher, too.
  assert jobs.undone(every) == list(seeds[0].jobs.values())


def test_two_processes_share_the_work_and_write_the_table(caches, tmp_path):
  command = [
    sys.executable, "-m", "akd_jax.experiment", "--name=paper1_table1:debug",
    "--seeds=1", f"--root={tmp_path}/runs", f"--out={tmp_path}/docs",
  ]  # fmt: skip

  def start(images=16):
    return subprocess.Popen(
      [*command, f"--config.evaluation.images={images}"],
      cwd=training.ROOT, env=training.environment(devices=1),
      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

  both = [start(), start()]
  printed = ""
  for process, (out, error) in [(p, p.communicate()) for p in both]:
    assert process.returncode == 0, error
    printed += out
  # Teacher and two students: each was introduced, and trained, once.
  assert printed.count("generator ") == 3
  text = (tmp_path / "docs" / "paper1_table1_debug.md").read_text()
  assert text.startswith("# Paper 1, Table 1")
  assert "--seeds=1 --config.evaluation.images=16`" in text
  assert "| without | with | teacher |" in text
  for picture in ("people", "curves"):
    assert f"(paper1_table1_debug_{picture}.png)" in text
    drawn = tmp_path / "docs" / f"paper1_table1_debug_{picture}.png"
    assert drawn.exists()
  # What is there is taken as it is.
  again = start()
  assert text in again.communicate()[0] and again.returncode == 0
  # What is asked of a run afterwards trains nothing, and a page of more seeds
  # is not lost.
  page = tmp_path / "docs" / "paper1_table1_debug.md"
  page.write_text(text.replace("1 seed, ", "3 seeds, "))
  otherwise = start(images=8)
  out, error = otherwise.communicate()
  assert otherwise.returncode == 0, error
  assert "generator " not in out and "--config.evaluation.images=8`" in out
  assert out.endswith(f"{page} is of more seeds, and stays\n")
  assert "3 seeds, " in page.read_text()


def test_an_unknown_name_is_told_the_nearest():
  done = subprocess.run(
    [sys.executable, "-m", "akd_jax.experiment", "--name=paper1_tabel1"],
    cwd=training.ROOT, capture_output=True, text=True,
  )  # fmt: skip
  assert done.returncode == 2
  assert "did you mean 'paper1_table1'?" in done.stderr
