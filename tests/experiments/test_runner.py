"""The runs of an experiment: which there are, and how they get done."""

import json
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.configs import student
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.configs.scales import changed
from akd_jax.distillation.terms import distils
from akd_jax.evaluation import record
from akd_jax.experiments import plan, runner
from akd_jax.experiments.plan import plan_replicate
from akd_jax.training import run_dir as directories
from akd_jax.training import starts
from akd_jax.training import teacher as teaching
from tests.experiments_of import experiments_of


def test_seeds_differ_and_equal_recipes_are_one_run():
  table1 = EXPERIMENTS["paper1_table1"]("debug").variants
  blocks = EXPERIMENTS["block"]("debug").variants
  root = Path("root")
  first, second = (plan_replicate(table1, seed, root) for seed in (0, 1))
  other = plan_replicate(blocks, 0, root)
  taught_by = [seed.teachers["teacher"] for seed in (first, second, other)]
  assert first.variants["with"].config.teacher == str(taught_by[0].workdir)
  assert taught_by[0].workdir == taught_by[2].workdir
  assert taught_by[0].workdir != taught_by[1].workdir
  assert first.variants["with"].workdir == other.variants["last"].workdir
  students = [run for seed in (first, second, other) for run in
              seed.variants.values()]  # fmt: skip
  assert len({run.workdir for run in students}) == 5
  assert (first.variants["with"].config.seed, taught_by[1].config.seed) == (
    0,
    1,
  )
  assert second.variants["with"].config.teacher_recipe.seed == 1


def test_who_is_evaluated_otherwise_is_not_trained_anew():
  table = EXPERIMENTS["paper1_table1"]("celeba")
  before = plan_replicate(table.variants, 0, Path("root"))
  changed = table.changed(
    {
      "evaluation.inception": "f",
      "classifier.seed": 1,
      "held_out.images": 5,
    }
  )
  after = plan_replicate(changed.variants, 0, Path("root"))
  for name, run in before.runs.items():
    assert after.runs[name].workdir == run.workdir


def test_a_version_that_adds_a_field_trains_nothing_anew():
  recipe = EXPERIMENTS["paper1_table1"]("avatars").variants["with"]

  def place(**fields):
    config = recipe.copy_and_resolve_references()
    config.update_from_flattened_dict(fields)
    return (
      plan_replicate({"it": config}, 0, Path("root")).variants["it"].workdir
    )

  earlier = recipe.copy_and_resolve_references()
  for fields in (earlier, earlier.teacher_recipe):
    del fields.generator.upsample, fields.distill.dcd, fields.adversary_every
  told = plan_replicate({"it": earlier}, 0, Path("root")).variants["it"].workdir
  assert told == place()
  other = {"teacher_recipe.generator.upsample": "resize"}
  assert told != place(**other)
  assert (
    told != place(adversary_every=2) != place(**{"distill.dcd.weight": 1.0})
  )


@pytest.mark.parametrize("scale", ["avatars", "celeba"])
def test_recipes_that_share_a_run_evaluate_it_alike(scale):
  seen = {}
  for name in experiments_of(scale):
    seed = plan_replicate(EXPERIMENTS[name](scale).variants, 0, Path("root"))
    for run in seed.runs.values():
      settings = record.list_settings(run.config)
      assert seen.setdefault(run.workdir, settings) == settings


def test_no_teacher_is_trained_where_nobody_is_taught():
  variants = {"without": EXPERIMENTS["block"]("debug").variants["without"]}
  assert not plan_replicate(variants, 0, Path("root")).teachers


@pytest.mark.parametrize(
  ("name", "scale"),
  [(x, s) for s in ("avatars", "celeba") for x in experiments_of(s)],
)
def test_whoever_teaches_a_variant_is_trained_or_shipped(name, scale):
  seed = plan_replicate(EXPERIMENTS[name](scale).variants, 0, Path("root"))
  trained = {str(run.workdir): run.config for run in seed.teachers.values()}
  taught = [x.config for x in seed.variants.values() if distils(x.config)]
  assert taught or name in ("decoder", "curriculum")
  for config in taught:
    teacher = (
      trained.get(config.teacher) or directories.load_run(config.teacher).config
    )
    teaching.check_compatible(config, teacher)
    starts.check_new(config, teacher)


def test_several_teachers_are_told_apart():
  seed = plan_replicate(
    EXPERIMENTS["paper2_table8"]("debug").variants, 0, Path()
  )
  assert {
    name: run.config.data.attributes for name, run in seed.teachers.items()
  } == {
    "teacher, taught by Blond_Hair": ("Blond_Hair",),
    "teacher, taught by Black_Hair": ("Black_Hair",),
  }


def test_a_run_is_done_when_all_of_its_end_has_been_evaluated(tmp_path):
  config = student.get_config("debug")
  directories.write_config(config, str(tmp_path))
  run = plan.PlannedRun(config, tmp_path)
  assert run.result is None
  for names, step, done in (
    (config.data.attributes, config.steps, True),
    (config.data.attributes, config.steps - 1, False),
    (config.data.attributes[:1], config.steps, False),
  ):
    network = {"attributes": {name: {} for name in names}}
    result = {
      "step": step,
      "settings": record.list_settings(config),
      "networks": {"generator": network},
    }
    (tmp_path / "evaluation.json").write_text(json.dumps(result))
    assert run.result == (result if done else None)


def test_a_run_evaluated_otherwise_is_not_done(tmp_path):
  config = student.get_config("debug")
  directories.write_config(config, str(tmp_path))
  network = {"attributes": {name: {} for name in config.data.attributes}}
  result = {"step": config.steps, "networks": {"generator": network}}
  result["settings"] = record.list_settings(config)
  result["settings"]["evaluation"]["protocol"] = "all"
  (tmp_path / "evaluation.json").write_text(json.dumps(result))
  assert plan.PlannedRun(config, tmp_path).result is None


def test_who_learnt_from_what_a_file_was_before_is_not_done(tmp_path):
  config = student.get_config("debug")
  directories.write_config(config, str(tmp_path))
  rows = {name: {} for name in config.data.attributes}
  result = {
    "step": config.steps,
    "settings": record.list_settings(config),
    "teacher": "before",
    "networks": {"generator": {"attributes": rows}},
  }
  (tmp_path / "evaluation.json").write_text(json.dumps(result))
  assert plan.PlannedRun(config, tmp_path, "before").result
  assert plan.PlannedRun(config, tmp_path, "now").result is None
  # Who learns nothing may be measured without a teacher that does not fit.
  result["teacher"] = None
  (tmp_path / "evaluation.json").write_text(json.dumps(result))
  assert plan.PlannedRun(config, tmp_path, "now").result is None
  for method in config.distill.values():
    method.weight = 0.0
  config.adversary = config.init = "scratch"
  assert plan.PlannedRun(config, tmp_path, "now").result


def test_a_field_is_set_in_every_variant_and_for_its_teacher():
  table = EXPERIMENTS["paper1_table1"]("celeba")
  fields = {"data.path": "photos", "evaluation.inception": "file"}
  seed = plan_replicate(table.changed(fields).variants, 0, Path("root"))
  for run in seed.runs.values():
    assert run.config.data.path == "photos"
    assert run.config.evaluation.inception == "file"
  assert table.variants["with"].data.path == ""


def test_a_field_that_tells_the_variants_apart_is_left_to_them():
  table = EXPERIMENTS["paper2_table2"]("debug")
  with pytest.raises(ValueError, match=r"its variants differ in config\.steps"):
    table.changed({"steps": 3})


@pytest.mark.parametrize(
  "name", ["seed", "teacher_recipe.seed", "teacher_recipe.evaluation.images"]
)
def test_what_an_experiment_sets_itself_is_refused(name):
  table = EXPERIMENTS["paper1_table1"]("debug")
  with pytest.raises(ValueError, match=f"it sets config.{name} itself"):
    table.changed({name: 1})


def test_a_field_that_no_variant_has_is_refused():
  table = EXPERIMENTS["paper1_table1"]("celeba")
  with pytest.raises(ValueError, match=r"no config\.data\.distribution\.Bald"):
    table.changed({"data.distribution.Bald": 0.5})


def test_a_wrong_field_is_found_before_a_teacher_is_trained():
  table = EXPERIMENTS["paper2_table7"]("debug")
  changed = table.changed({"pseudo.reading": "paper1"})
  seed = plan_replicate(changed.variants, 0, Path("root"))
  with pytest.raises(UserError, match=r"config\.pseudo\.reading='paper1'"):
    plan.check(seed)


def test_a_run_that_would_do_nothing_is_refused_before_any_is_trained():
  table = EXPERIMENTS["methods"]("debug").changed({"steps": 2})
  seed = plan_replicate(table.variants, 0, Path("root"))
  with pytest.raises(UserError, match=r"config\.adversary_every=4"):
    plan.check(seed)


def test_one_run_is_not_to_be_evaluated_in_two_ways():
  recipe = EXPERIMENTS["paper1_table1"]("debug").variants["with"]
  other = changed(recipe, {"evaluation.images": 5})
  seed = plan_replicate({"a": recipe, "b": other}, 0, Path("root"))
  with pytest.raises(UserError, match=r"^'a' and 'b' are .*evaluation\.images"):
    plan.check(seed)
  # Nor by two experiments.
  seeds = [plan_replicate({"it": x}, 0, Path("root")) for x in (recipe, other)]
  with pytest.raises(UserError, match=r"^'it' and 'it' are one run"):
    plan.check(*seeds)
  plan.check(seeds[0], seeds[0])


def test_a_file_by_two_names_is_no_other_evaluation(tmp_path):
  weights = tmp_path / "x.pth"
  weights.touch()
  recipe = EXPERIMENTS["paper1_table1"]("debug").variants["with"]
  variants = {
    name: changed(recipe, {"evaluation.inception": f"{tmp_path}/{name}"})
    for name in ("x.pth", "./x.pth")
  }
  plan.check(plan_replicate(variants, 0, Path("root")))


def test_a_weight_of_no_method_is_refused_before_any_is_trained():
  recipe = EXPERIMENTS["paper1_table1"]("debug").variants["with"]
  recipe.unlock()
  recipe.distill.unlock()
  recipe.distill.squared = ConfigDict({"weight": 2.0})
  seed = plan_replicate({"squared": recipe}, 0, Path("root"))
  with pytest.raises(UserError, match=r"config\.distill\.squared"):
    plan.check(seed)


def test_a_teacher_whose_weights_are_gone_is_waited_for_by_nobody(
  monkeypatch, tmp_path
):
  table = EXPERIMENTS["paper1_table1"]("debug")
  seed = plan_replicate(table.variants, 0, tmp_path)
  monkeypatch.setattr(
    plan.PlannedRun, "result", property(lambda run: run in done)
  )
  monkeypatch.setattr(runner.runs, "is_finished", lambda directory: False)
  done = list(seed.teachers.values())

  def do_alone(run, others):
    done.append(run)
    return True

  monkeypatch.setattr(runner, "do_alone", do_alone)
  monkeypatch.setattr(runner.time, "sleep", pytest.fail)
  *_, left = runner.work(seed.runs.values())
  assert not left


def stub(monkeypatch, train):
  """Spares the work of `runner.do_alone`: train(workdir), then a result."""

  def train_with_teacher(config, workdir):
    train(workdir)
    directories.write_config(config, workdir)
    network = {"attributes": {name: {} for name in config.data.attributes}}
    result = {"step": config.steps, "networks": {"generator": network}}
    result["settings"] = record.list_settings(config)
    Path(workdir, "evaluation.json").write_text(json.dumps(result))

  monkeypatch.setattr(runner, "train_with_teacher", train_with_teacher)
  monkeypatch.setattr(runner.runs, "load_run", lambda workdir: None)
  monkeypatch.setattr(runner.evaluator, "evaluate", lambda run, others: None)
  monkeypatch.setattr(runner.result_files, "write", lambda *_: None)
  monkeypatch.setattr(
    runner.runs,
    "is_finished",
    lambda directory: Path(directory, "evaluation.json").exists(),
  )


def test_a_run_that_another_process_does_is_waited_for(
  monkeypatch, tmp_path, capsys
):
  table = EXPERIMENTS["paper1_table1"]("debug")
  planned = plan_replicate(table.variants, 0, tmp_path).runs
  trained = []
  stub(monkeypatch, lambda workdir: trained.append(Path(workdir)))
  theirs, do_alone = planned["without"], runner.do_alone
  held = [theirs.workdir]
  monkeypatch.setattr(
    runner,
    "do_alone",
    lambda run, others: run.workdir not in held and do_alone(run, others),
  )

  def finish(_):
    runner.train_with_teacher(theirs.config, str(held.pop()))

  monkeypatch.setattr(runner.time, "sleep", finish)
  *_, left = runner.work(planned.values())
  assert not left
  # Each was trained once, that one by the other process.
  assert sorted(trained) == sorted(run.workdir for run in planned.values())
  assert trained[-1] == theirs.workdir
  assert "waiting for 1 runs that others do" in capsys.readouterr().err


def test_a_run_that_diverges_stops_only_what_it_teaches(
  monkeypatch, tmp_path, capsys
):
  table = EXPERIMENTS["paper1_table1"]("debug")
  seeds = [plan_replicate(table.variants, seed, tmp_path) for seed in (0, 1)]
  every = [run for seed in seeds for run in seed.runs.values()]
  bad = seeds[0].teachers["teacher"].workdir

  def train(workdir):
    if workdir == str(bad):
      raise FloatingPointError("g_loss became nan in step 1")

  stub(monkeypatch, train)
  list(runner.work(every))
  assert f"{bad}: g_loss became nan in step 1" in capsys.readouterr().err
  # Who learns nothing is measured beside that teacher, too.
  assert plan.find_undone(every) == list(seeds[0].runs.values())
