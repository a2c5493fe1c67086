"""The training loop: what it writes, refuses, and where it stops."""

import json
import re

import jax
import numpy as np
import pytest
from clu import metric_writers
from ml_collections import ConfigDict
from PIL import Image

from akd_jax.common import ranges
from akd_jax.evaluation import evaluator as evaluation
from akd_jax.inference import exports
from akd_jax.interop import numpy_generator
from akd_jax.training import checkpoint, parallel
from akd_jax.training import loop as train
from akd_jax.training import run_dir as directories
from akd_jax.training.hooks import Found, Hook
from tests import layouts, small_runs
from tests.layouts import error
from tests.small_runs import (
  student_config,
  teacher_config,
  train_with_teacher,
)

LOSSES = {
  "d_loss_real", "d_loss_fake", "d_loss_cls", "d_loss_gp",
  "g_loss_fake", "g_loss_cls", "g_loss_rec", "g_loss_akd",
}  # fmt: skip
# Of every student of classes here, so that one program trains them all.
EXCLUSIVE = {"data__label_rule": "exclusive", "loss__cls_radius": 1.0}
# Half as much to compile, where it does not matter how often one side learns.
EQUALS = {"n_critic": 1, "teacher_recipe__n_critic": 1}
MAGNITUDES = {
  f"attention_{who}_{size}"
  for who in ("student", "teacher")
  for size in ("mean", "max")
}


def test_the_terminal_shows_progress(runs):
  teacher_first, *lines = runs.output.splitlines()
  assert teacher_first == (
    f"{runs.teacher} holds no finished teacher: training it first, by"
    " config.teacher_recipe"
  )
  steps = [line for line in lines if line.startswith("step ")]
  progress = [line for line in steps if " held out: " not in line]
  assert len(progress) == small_runs.TEACHER_STEPS + small_runs.STEPS
  assert re.fullmatch(
    r"step 10/10  d_loss_cls \S+  g_loss_cls \S+  g_loss_rec \S+"
    r"  g_loss_akd \S+  \d+\.\d\d steps/s  0:00 left",
    progress[-1],
  )
  # Behind a step that is scored.
  assert re.fullmatch(
    r"step 10/10  held out: accuracy \d+ %; lowest \w+ \d+ %, .*", steps[-1]
  )
  assert (
    f"{small_runs.STEPS} steps; 64 images of avatars, 4 a batch; 1 x cpu;"
    in runs.output
  )


def test_every_step_has_a_line_of_numbers(runs):
  lines = (runs.student / "metrics.jsonl").read_text().splitlines()
  rows = [json.loads(line) for line in lines]
  assert [row["step"] for row in rows] == list(range(1, small_runs.STEPS + 1))
  for row in rows:
    assert row.keys() >= LOSSES | MAGNITUDES | {"time", "learning_rate"}
    weights = {"d_loss_cls": 0.3, "d_loss_gp": 10, "g_loss_cls": 0.3}
    weights |= {"g_loss_rec": 3, "g_loss_akd": 3}
    for name in LOSSES:
      weighted = weights.get(name, 1) * row[name]
      assert row[f"weighted/{name}"] == pytest.approx(weighted, rel=1e-5)
    assert 0 < row["attention_student_mean"] <= row["attention_student_max"]
    assert 0 < row["attention_teacher_mean"] <= row["attention_teacher_max"]
  assert rows[-1]["steps_per_sec"] > 0


def test_tensorboard_has_scalars_pictures_and_the_recipe(runs):
  from tensorboard.backend.event_processing import event_accumulator

  events = event_accumulator.EventAccumulator(str(runs.student))
  events.Reload()
  tags = set(events.Tags()["tensors"])
  assert tags >= LOSSES | MAGNITUDES | {"samples", "steps_per_sec"}
  (recipe,) = events.Tensors("config")
  assert b'"lambda_rec"' in recipe.tensor_proto.string_val[0]


def test_samples_are_drawn_on_time(runs):
  names = sorted(path.name for path in (runs.student / "samples").iterdir())
  assert names == ["step_000000.png", "step_000005.png", "step_000010.png"]
  for name in (f"samples/{names[0]}", "curves.png"):
    with Image.open(runs.student / name) as picture:
      assert min(picture.size) > 100


def test_whoever_is_killed_after_the_last_checkpoint_has_curves(runs):
  for run, steps in (
    (runs.student, small_runs.STEPS),
    (runs.teacher, small_runs.TEACHER_STEPS),
  ):
    last = run / "checkpoints" / str(steps) / "commit_success.txt"
    drawn = (run / "curves.png").stat().st_mtime_ns
    assert drawn < last.stat().st_mtime_ns


def test_a_finished_run_says_so(runs, capsys):
  before = (runs.student / "metrics.jsonl").stat()
  train_with_teacher(student_config(runs.teacher), str(runs.student))
  assert capsys.readouterr().out == f"{runs.student} is finished (10 steps)\n"
  assert (runs.student / "metrics.jsonl").stat() == before


def test_another_config_is_refused_with_both_values(runs):
  config = student_config(runs.teacher, optimizer__learning_rate=0.25)
  message = error(train.train, config, str(runs.student))
  for part in (str(runs.student), "learning_rate=0.0004", "0.25"):
    assert part in message


def test_a_loss_that_is_not_finite_stops_with_its_step(
  unfinished_teacher, monkeypatch
):
  # No step size that may be asked for does it at once.
  monkeypatch.delitem(ranges.RANGES, "optimizer.learning_rate")
  path = unfinished_teacher / "config.json"
  fields = json.loads(path.read_text())
  fields["optimizer"]["learning_rate"] = 1e30
  path.write_text(json.dumps(fields))
  # Neither line nor checkpoint comes before the picture of the step.
  config = teacher_config(
    optimizer__learning_rate=1e30, log_every=4, sample_every=1
  )
  message = r"^\w+ became \w+ in step 3; the checkpoint of step 2 is kept$"
  with pytest.raises(FloatingPointError, match=message):
    train.train(config, str(unfinished_teacher))
  run = directories.load_run(str(unfinished_teacher))
  assert run.step == 2
  for leaf in jax.tree.leaves(run.model):
    assert np.isfinite(leaf).all()
  rows = small_runs.metrics(unfinished_teacher)
  assert [row["step"] for row in rows] == [1, 2]


def test_nothing_is_compiled_after_the_first_step(runs, tmp_path, monkeypatch):
  # Of each step: programs compiled by it, and until the next one.
  within, until_next = [], []
  pmap_step = parallel.pmap_step

  def counted(step):
    step = pmap_step(step)

    def call(*args):
      within.append(0)
      until_next.append(0)
      events.append(within)
      result = step(*args)
      events.append(until_next)
      return result

    return call

  events = [[0]]

  def listen(name, *_, **__):
    if "compile" in name:
      events[-1][-1] += 1

  monkeypatch.setattr(parallel, "pmap_step", counted)
  jax.monitoring.register_event_duration_secs_listener(listen)
  try:
    config = student_config(runs.teacher, checkpoint_every=1)
    train.train(config, str(tmp_path))
  finally:
    jax.monitoring.unregister_event_duration_listener(listen)
  assert len(within) == small_runs.STEPS
  assert within[0] > 0 and not any(within[1:])
  # What adds up metrics.
  assert not any(until_next[1:])


def test_steps_between_two_lines_flush_nothing(caches, tmp_path, monkeypatch):
  flushed = []

  class Writer(metric_writers.MultiWriter):
    def flush(self):
      flushed.append(len(written))

  written = []
  monkeypatch.setattr(train.writers, "create_writer", lambda *_: Writer([]))
  monkeypatch.setattr(
    Writer, "write_scalars", lambda self, step, _: written.append(step)
  )
  config = teacher_config(
    steps=4, log_every=2, sample_every=4, checkpoint_every=4
  )
  train.train(config, str(tmp_path))
  assert set(written) == {2, 4}
  assert flushed == [written.index(4), len(written)]


def test_what_hooks_find_is_written_and_decides_which_checkpoint_is_best(
  runs, tmp_path
):
  seen = []

  def make(setting):
    assert setting.teacher is not None

    def call(step, model):
      seen.append((step, model))
      return Found({"held_out/score": 1.0 - abs(step - 4)}, {})

    return Hook(2, call)

  config = student_config(
    runs.teacher, steps=7, keep=1, checkpoint_every=2,
    best_metric="held_out/score",
  )  # fmt: skip
  train.train(config, str(tmp_path), [make, lambda setting: None])
  assert [step for step, _ in seen] == [2, 4, 6, 7]
  assert checkpoint.list_steps(str(tmp_path)) == [4, 7]
  assert directories.load_run(str(tmp_path), "best").step == 4
  rows = {row["step"]: row for row in small_runs.metrics(tmp_path)}
  assert rows[4]["held_out/score"] == 1 and "held_out/score" not in rows[5]
  # It is given what is exported.
  run = directories.load_run(str(tmp_path))
  small_runs.assert_same_bits(seen[-1][1].generator, run.model.generator)


def test_photos_train_a_student(caches, tmp_path):
  classes = {"angry": 20, "happy": 20, "sad": 20}
  layouts.write_folder(tmp_path / "photos", classes)
  fields = {
    "name": "folder", "path": str(tmp_path / "photos"), "test_share": 0.3,
    "attributes": (),
  }  # fmt: skip
  config = student_config(
    tmp_path / "teacher",
    steps=1,
    teacher_recipe__steps=1,
    held_out__images=0,
    teacher_recipe__held_out__images=0,
    **EQUALS,
    **EXCLUSIVE,
    **{f"data__{name}": value for name, value in fields.items()},
  )
  train_with_teacher(config, str(tmp_path / "student"))
  run = directories.load_run(str(tmp_path / "student"))
  assert run.step == 1 and run.attributes == tuple(classes)
  assert (tmp_path / "student" / "samples" / "step_000001.png").exists()
  result = evaluation.evaluate(run)
  # A folder has labels of nothing else that the classifier could know.
  assert result["classifier"]["attributes"] == list(run.attributes)


def test_an_unreadable_photo_of_any_split_stops_before_training(
  caches, tmp_path
):
  root = layouts.write_celeba(tmp_path / "photos", 40)
  # The last of the list are for testing.
  (root / "img_align_celeba" / "000040.jpg").write_bytes(b"no picture")
  config = teacher_config(
    data__name="celeba", data__path=str(root),
    data__attributes=("Blond_Hair", "Eyeglasses"),
  )  # fmt: skip
  complaint = error(train.train, config, str(tmp_path / "teacher"))
  assert "000040.jpg" in complaint
  assert not (tmp_path / "teacher").exists()


def test_an_empty_test_split_stops_before_training(caches, tmp_path):
  root = layouts.write_celeba(tmp_path / "photos", 40)
  partition = root / "list_eval_partition.txt"
  partition.write_text(partition.read_text().replace(" 2\n", " 0\n"))
  config = teacher_config(
    data__name="celeba", data__path=str(root),
    data__attributes=("Blond_Hair", "Eyeglasses"),
  )  # fmt: skip
  complaint = error(train.train, config, str(tmp_path / "teacher"))
  assert "test split" in complaint


def test_a_student_can_not_take_its_teachers_folder(caches, tmp_path):
  config = student_config(tmp_path / "same")
  complaint = error(train_with_teacher, config, str(tmp_path / "same"))
  assert "config.teacher" in complaint
  assert not (tmp_path / "same").exists()


@pytest.mark.parametrize(
  ("attributes", "mapping", "changes"),
  [
    (("angry", "happy", "sad"), {}, EXCLUSIVE),
    (
      ("Bald", "Male"),
      {"Bald": "Wearing_Hat", "Male": "Mustache"},
      {"pseudo__reading": "paper1"},
    ),
  ],
  ids=["exclusive", "paper 1"],
)
def test_every_kind_of_student_is_trained_evaluated_and_exported(
  caches, tmp_path, attributes, mapping, changes
):
  config = student_config(
    tmp_path / "teacher",
    steps=1,
    teacher_recipe__steps=1,
    teacher_recipe__held_out__images=0,
    data__attributes=attributes,
    **EQUALS,
    **changes,
  )
  config.pseudo.mapping = ConfigDict(mapping)
  train_with_teacher(config, str(tmp_path / "student"))
  (row,) = small_runs.metrics(tmp_path / "student")
  assert np.isfinite(row["g_loss_akd"])
  assert (tmp_path / "student" / "samples" / "step_000001.png").exists()
  run = directories.load_run(str(tmp_path / "student"))
  result = evaluation.evaluate(run)
  assert tuple(result["networks"]["student"]["attributes"]) == attributes
  exports.export_numpy(run, str(tmp_path / "student.npz"))
  params, metadata = numpy_generator.load(str(tmp_path / "student.npz"))
  label = numpy_generator.make_label(metadata, {attributes[0]: 1})
  image = np.zeros((16, 16, 3), np.uint8)
  translated = numpy_generator.translate(params, metadata, image, label)
  assert translated.shape == image.shape


def test_a_finished_run_makes_no_hooks(runs):
  def make(setting):
    raise AssertionError("the attribute classifier might be trained here")

  train.train(student_config(runs.teacher), str(runs.student), [make])
