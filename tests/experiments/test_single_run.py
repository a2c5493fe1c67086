"""The teacher of a run: trained first, used as it is, or refused."""

import math
import os
import signal

import pytest
from ml_collections import ConfigDict

from akd_jax.common.errors import Stopped, WriteError
from akd_jax.configs import classifier, data, student
from akd_jax.distillation import METHODS
from akd_jax.distillation.method import Method
from akd_jax.experiments import single_run
from akd_jax.systems.stargan import create_networks
from akd_jax.training import run_dir as directories
from akd_jax.training import starts
from akd_jax.training import teacher as teaching
from akd_jax.training.state import create_state
from akd_jax.training.window import Window
from tests import small_runs
from tests.layouts import error
from tests.small_runs import (
  student_config,
  teacher_config,
  train_with_teacher,
)


def test_a_teacher_keeps_its_discriminator(runs):
  run = directories.load_run(str(runs.teacher))
  assert run.step == run.config.steps
  assert run.attributes == data.AVATAR_ATTRIBUTES
  classifier = run.model.discriminator["classifier"]["kernel"]
  assert classifier.shape[-1] == len(run.attributes)


def test_a_teacher_has_its_students_judge():
  config = student.get_config("debug")
  config.classifier.data = ConfigDict({"seed": 1})
  assert teaching.teacher_recipe(config).classifier == config.classifier


@pytest.mark.parametrize("name", ["run.npz", "pretrained:mine"])
def test_a_run_is_not_named_as_a_file_of_weights_is(
  tmp_path, name, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  message = error(train_with_teacher, teacher_config(), name)
  assert message.startswith(f"--workdir={name} is the name of a file")
  assert not list(tmp_path.iterdir())


def test_a_classifier_is_not_trained_where_it_cannot_be_noted(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(single_run, "classifier_of", pytest.fail)
  (tmp_path / "file").touch()
  with pytest.raises(WriteError, match="^cannot write .*/file/run"):
    single_run.train_and_report(
      classifier.get_config("debug"), str(tmp_path / "file" / "run")
    )


def test_an_unfinished_teacher_is_finished_first(
  runs,
  unfinished_teacher,
  tmp_path,
  capsys,
):
  workdir = tmp_path / "student"
  config = student_config(unfinished_teacher, steps=1, held_out__images=0)
  train_with_teacher(config, str(workdir))
  output = capsys.readouterr().out
  assert output.startswith(
    f"{unfinished_teacher} holds no finished teacher: training it first, by"
    " config.teacher_recipe\n"
    f"{unfinished_teacher}: going on from step 2\n"
  )
  small_runs.assert_same_bits(
    small_runs.state(unfinished_teacher), small_runs.state(runs.teacher)
  )
  # Then the student; that it is the same, too, tests/training/test_resume.py
  # says.
  (row,) = small_runs.metrics(workdir)
  first, *_ = small_runs.metrics(runs.student)
  assert row["g_loss_akd"] == first["g_loss_akd"]


def test_a_teacher_stopped_at_its_last_step_gets_no_student(
  unfinished_teacher,
  tmp_path,
  monkeypatch,
):
  add = Window.add

  def strike(window, step, metrics):
    add(window, step, metrics)
    if step == small_runs.TEACHER_STEPS:
      os.kill(os.getpid(), signal.SIGTERM)

  monkeypatch.setattr(Window, "add", strike)
  with pytest.raises(Stopped, match=r"teacher is finished \(4 steps\)"):
    train_with_teacher(
      student_config(unfinished_teacher), str(tmp_path / "student")
    )
  assert directories.is_finished(str(unfinished_teacher))
  assert not (tmp_path / "student").exists()


@pytest.mark.parametrize(
  ("changes", "parts"),
  [
    (
      {"data__image_size": 32},
      ("config.data.image_size", "32", "16", "{}"),
    ),
    (
      {
        "data__label_rule": "exclusive",
        "data__attributes": ("happy", "sad"),
      },
      ("config.data.label_rule", "'exclusive'", "'multilabel'", "{}"),
    ),
    (
      {"data__attributes": ("Bald", "Male")},
      ("Bald, Male", ", ".join(data.AVATAR_ATTRIBUTES)),
    ),
    (
      {"attention__block": "7"},
      ("config.attention.block='7'",),
    ),
    (
      {"init": "teacher"},
      ("config.init='teacher'", "width=4", "width=2"),
    ),
  ],
)
def test_a_teacher_that_is_not_compatible_is_refused(
  runs,
  tmp_path,
  changes,
  parts,
):
  config = student_config(runs.teacher, **changes)
  workdir = tmp_path / "student"
  complaint = error(train_with_teacher, config, str(workdir))
  for part in parts:
    assert part.format(runs.teacher) in complaint
  assert not workdir.exists()


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"steps": 0}, "config.steps=0 "),
    ({"keep": 0}, "config.keep=0 "),
    ({"log_every": 0}, "config.log_every=0 "),
    ({"loss__cls_radius": -1.0}, "config.loss.cls_radius=-1 "),
    ({"loss__cls_radius": math.nan}, "config.loss.cls_radius=nan "),
    ({"loss__lambda_rec": math.inf}, "config.loss.lambda_rec=inf "),
    ({"init": "teachr"}, "config.init='teachr' "),
    ({"init": "teacher"}, "config.init='teacher' "),
    ({"init": "sliced", "teacher": ""}, "config.init='sliced' "),
    ({"adversary": "frosen"}, "config.adversary='frosen' "),
    ({"adversary": "teacher", "teacher": ""}, "config.adversary='teacher' "),
    ({"adversary": "frozen", "teacher": ""}, "config.adversary='frozen' "),
    (
      {"adversary": "none", "distill__akd__weight": 0.0, "n_critic": 1},
      "config.adversary='none' needs a weight in config.distill above 0",
    ),
    (
      {
        "adversary": "none",
        "init": "sliced",
        "n_critic": 1,
        "distill__akd__weight": 0.0,
      },
      "config.adversary='none' ",
    ),
    (
      {
        "adversary": "none",
        "n_critic": 1,
        "attention__discriminator": "own",
      },
      "config.adversary='none' trains no discriminator, ",
    ),
    (
      {"adversary": "none", "n_critic": 1, "adversary_every": 4},
      "config.adversary_every=4 ",
    ),
    ({"init": "sliced", "generator__width": 8}, "config.init='sliced' "),
    ({"distill__change__factor": -5.0}, "config.distill.change.factor=-5 "),
    ({"distill__omgd__l1": math.nan}, "config.distill.omgd.l1=nan "),
    ({"adversary": "frozen", "n_critic": 2}, "config.n_critic=2 "),
    ({"adversary": "none", "n_critic": 2}, "config.n_critic=2 "),
    ({"generator__output": "mask"}, "config.generator.output='mask' "),
    ({"loss__lambda_mask": -1.0}, "config.loss.lambda_mask=-1 "),
    (
      {"distill__squared": ConfigDict({"weight": 2.0})},
      "config.distill.squared.weight=2 would teach nothing: METHODS has no",
    ),
    ({"distill__squared": 2.0}, "config.distill.squared=2.0 must be a section"),
    ({"batch_size": 65}, "config.batch_size=65 "),
    ({"data__image_size": 18}, "config.data.image_size=18 "),
    ({"data__attributes": ("Smilin",)}, "attribute 'Smilin'"),
    (
      {"classifier__data": ConfigDict({"image_size": 32})},
      "config.classifier.data.image_size ",
    ),
    ({"attention__norm": "l3"}, "config.attention.norm='l3' "),
    ({"optimizer__schedule": "lin"}, "config.optimizer.schedule='lin' "),
  ],
)
def test_bad_fields_stop_before_the_teacher_is_trained(
  caches,
  tmp_path,
  changes,
  message,
):
  config = student_config(tmp_path / "teacher", **changes)
  workdir = tmp_path / "student"
  complaint = error(train_with_teacher, config, str(workdir))
  assert complaint.startswith(message)
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("weight", [None, -1.0, math.nan, "5", True])
def test_a_method_from_outside_has_a_weight(monkeypatch, tmp_path, weight):
  monkeypatch.setitem(METHODS, "squared", Method("g_loss_squared", max))
  config = student_config(tmp_path / "teacher")
  config.distill.squared = ConfigDict({"weight": weight} if weight else {})
  complaint = error(train_with_teacher, config, str(tmp_path / "student"))
  shown = (
    f"config.distill.squared.weight={weight!r} must be a number, 0 or more"
  )
  assert complaint == shown


def test_a_student_may_start_as_its_teacher(runs):
  config = small_runs.resolved(
    student_config(
      runs.teacher, init="teacher", adversary="teacher", generator__width=4
    )
  )
  taught_by = starts.load_teacher(config)
  state = create_state(config, create_networks(config))
  state = starts.start_from(state, taught_by, config)
  small_runs.assert_same_bits(state.generator, taught_by.model.generator)
  small_runs.assert_same_bits(
    state.discriminator, taught_by.model.discriminator
  )
  small_runs.assert_same_bits(state.ema, taught_by.model.generator)


def test_a_teacher_of_pseudo_attention_learns_what_stands_for_it(
  caches,
  tmp_path,
):
  mapping = ConfigDict({"Bald": "Wearing_Hat", "Male": "Mustache"})
  config = student_config(
    tmp_path / "teacher",
    steps=1,
    data__attributes=("Bald", "Male"),
    pseudo__reading="paper2",
    attention__discriminator="own",
    teacher_recipe__steps=1,
    n_critic=1,
    teacher_recipe__n_critic=1,
    held_out__images=0,
    teacher_recipe__held_out__images=0,
  )
  config.pseudo.mapping = mapping
  train_with_teacher(config, str(tmp_path / "student"))
  taught = directories.load_run(str(tmp_path / "teacher"))
  assert taught.attributes == ("Wearing_Hat", "Mustache")
  (row,) = small_runs.metrics(tmp_path / "student")
  assert row["g_loss_akd"] > 0
