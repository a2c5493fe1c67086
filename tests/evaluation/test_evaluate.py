"""The evaluation of a run: a table, a file, and refusals."""

import json
import pathlib
import shutil
import types

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

from akd_jax import evaluate as command
from akd_jax.common import cli
from akd_jax.common.errors import UserError
from akd_jax.configs.data import AVATAR_ATTRIBUTES
from akd_jax.data import pipeline
from akd_jax.evaluation import evaluator, record, result_files
from akd_jax.evaluation import table as summary
from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.metric import Value
from akd_jax.systems.stargan import create_networks
from akd_jax.training import run_dir as directories
from akd_jax.training import run_file
from tests import small_runs
from tests.layouts import error


def _labels(runs, attribute):
  """Who of the training split has it."""
  data = directories.read_config(str(runs.student)).data
  data.attributes = (attribute,)
  return pipeline.open_source(data, "train").labels[:, 0].astype(bool)


def test_translations_are_called_after_their_photos(tmp_path):
  outcome = types.SimpleNamespace(
    attribute="Happy/sad",
    positions=np.array([3, 7]),
    translated=np.zeros((2, 4, 4, 3), np.uint8),
  )
  photos = [f"faces/{name}.jpg" for name in "abcdefgh"]
  save = command.make_saver(str(tmp_path))
  save("student", outcome, photos)
  save("teacher", outcome, None)
  found = {x.relative_to(tmp_path) for x in tmp_path.rglob("*.png")}
  assert found == {
    pathlib.Path(network, "Happy%2Fsad", f"{name}.png")
    for network, names in (
      ("student", ("000003_d", "000007_h")),
      ("teacher", ("000003", "000007")),
    )
    for name in names
  }


def test_a_run_is_evaluated_beside_its_teacher(runs, tmp_path):
  student = tmp_path / "student"
  shutil.copytree(runs.student, student)
  images = tmp_path / "images"
  done = small_runs.run(
    [
      f"--workdir={student}", f"--save_images={images}",
      "--config.evaluation.images=6", "--config.evaluation.protocol=all",
    ],
    ("akd_jax.evaluate",),
    interpreter=("-X", "importtime"),
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  path = student / "evaluation.json"
  result = json.loads(path.read_text())
  assert result["protocol"] == "all"
  assert list(result["networks"]) == ["teacher", "student"]
  for name, network in result["networks"].items():
    assert tuple(network["attributes"]) == AVATAR_ATTRIBUTES
    assert 0 <= network["mean"] <= 1
    assert set(network["self_translation"]) >= set(AVATAR_ATTRIBUTES)
    for attribute, row in network["attributes"].items():
      assert row["images"] == 6
      # Each one by one.
      written = sorted((images / name / attribute).iterdir())
      assert len(written) == 6
      with Image.open(written[0]) as image:
        assert image.size == (16, 16)
  goatee, male = _labels(runs, "Goatee"), _labels(runs, "Male")
  shown = result["training_labels"]["attributes"]["Goatee"]["male"]
  assert shown == pytest.approx(male[goatee].mean()) and 0 < shown < 1
  assert result["step"] == small_runs.STEPS
  for name in ("leakage", "attention"):
    assert (student / "evaluation" / f"{name}_student.png").exists()
  assert summary.render(result) in done.stdout
  assert done.stdout.endswith(f"written to {path}\n")
  # What does not train starts fast.
  assert "tensorflow" not in small_runs.imported(done)
  events = event_accumulator.EventAccumulator(
    str(student / "events.out.tfevents.evaluation")
  )
  events.Reload()
  (shown,) = events.Scalars("evaluation_student/accuracy")
  student = result["networks"]["student"]
  assert shown.step == small_runs.STEPS
  assert shown.value == pytest.approx(student["mean"])


def test_a_run_is_evaluated_as_it_was_trained(runs):
  run = directories.load_run(str(runs.student))
  for fields, complaint in (
    (
      {"data.image_size": 8},
      "--config.data.image_size stays as the run has it: only fields of"
      " config.evaluation and config.classifier can be others, and"
      " config.teacher, config.data.path, config.data.csv,"
      " config.data.second.path, config.data.second.csv where these have moved",
    ),
    (
      {"evaluation.inception": "nowhere"},
      "config.evaluation.inception=nowhere is no file",
    ),
  ):
    assert error(evaluator.with_fields, run, fields) == complaint


@pytest.mark.parametrize(
  ("workdir", "folder"),
  [
    ("runs/student", "runs/student"),
    ("files/teacher.npz", "files/teacher_evaluation"),
    ("pretrained:avatars", "avatars_evaluation"),
  ],
)
def test_what_is_found_of_a_file_lies_beside_it(workdir, folder):
  assert command._folder(workdir) == folder


def test_a_file_is_evaluated_as_its_run_is(runs, tmp_path):
  run = directories.load_run(str(runs.teacher))
  path = str(tmp_path / "teacher.npz")
  run_file.save_run(run, path)
  small = {"evaluation.images": 4, "evaluation.probe_images": 2}
  run = evaluator.with_fields(directories.load_run(path), small)
  found = evaluator.evaluate(run)
  assert found["step"] == run.step
  assert list(found["networks"]) == ["generator"]
  json.dumps(found)


def test_a_mistyped_field_is_told_the_nearest():
  done = small_runs.run(
    ["--workdir=run", "--config.evaluation.inceptio=file"],
    ("akd_jax.evaluate",),
  )
  assert done.returncode == 2
  (line,) = done.stderr.splitlines()
  assert "'evaluation.inceptio'; did you mean 'evaluation.inception'?" in line


def test_some_attributes_do_not_replace_what_is_known_of_all(runs, tmp_path):
  run = evaluator.with_fields(
    directories.load_run(str(runs.student)), {"evaluation.images": 4}
  )
  # All of them, in whatever order, are the whole.
  every = tuple(reversed(run.attributes))
  whole = evaluator.evaluate(run, every)
  path = result_files.write(whole, str(tmp_path), run)
  assert path == tmp_path / "evaluation.json"
  pictures = tmp_path / "evaluation"
  kept = {x: x.read_bytes() for x in [path, *pictures.iterdir()]}
  some = evaluator.evaluate(run, ("Smiling",))
  partial = result_files.write(some, str(tmp_path), run)
  assert partial == tmp_path / "evaluation_partial.json"
  assert {x: x.read_bytes() for x in kept} == kept
  drawn = {x.name for x in pictures.iterdir()}
  assert {x.name for x in (tmp_path / "evaluation_partial").iterdir()} == drawn
  found = record.read(partial)["networks"]["student"]
  assert list(found["attributes"]) == ["Smiling"]


def test_a_teacher_is_measured_once_for_all_who_learn_from_it(
  runs, monkeypatch
):
  run = directories.load_run(str(runs.student))
  small = {"evaluation.images": 4, "evaluation.probe_images": 2}
  only = ("Smiling", "Goatee")
  measured, measure = [], evaluator.measure

  def note(translator, *rest):
    measured.append(translator.name)
    return measure(translator, *rest)

  monkeypatch.setattr(evaluator, "measure", note)

  def evaluate(only, others, fields=small):
    measured.clear()
    changed = evaluator.with_fields(run, fields)
    return evaluator.evaluate(changed, only, others=others)

  first = json.loads(json.dumps(evaluate(only, [])))
  assert measured == ["teacher", "student"]
  again = json.loads(json.dumps(evaluate(only, [first])))
  assert measured == ["student"]
  for result in (first, again):
    # A latency is a time.
    del result["networks"]["student"]["cost"]
  assert again == first
  # Another teacher, another way to measure, other attributes.
  evaluate(only, [first | {"teacher": "another"}])
  assert measured == ["teacher", "student"]
  evaluate(only, [first], small | {"evaluation.images": 5})
  assert measured == ["teacher", "student"]
  evaluate(only[:1], [first])
  assert measured == ["teacher", "student"]


def test_a_blend_is_asked_where_it_draws(runs, tmp_path, initialize):
  run = directories.load_run(str(runs.student))
  config = run.config.copy_and_resolve_references()
  config.generator.output = "blend"
  networks = create_networks(config)
  size, classes = config.data.image_size, len(run.attributes)
  generator = initialize(networks.generator, (1, size, size, 3), (1, classes))
  model = run.model.replace(generator=generator, networks=networks)
  blend = run._replace(config=config, model=model)
  small = evaluator.with_fields(blend, {"evaluation.images": 4})
  result = evaluator.evaluate(small, ("Eyeglasses",))
  for name in ("mask_inside", "mask_maximum", "mask_iou"):
    teacher, student = (
      METRICS[name].read(result["networks"][x], None)
      for x in ("teacher", "student")
    )
    assert teacher == Value(None)
    assert 0 <= student.value <= 1 and 0 < student.chance < 1
    (line,) = [
      x
      for x in summary.render(result).splitlines()
      if x.startswith(METRICS[name].title)
    ]
    assert " - " in line
  result_files.write(result, str(tmp_path), blend)
  heights = {}
  for name in ("teacher", "student"):
    path = tmp_path / "evaluation_partial" / f"attention_{name}.png"
    with Image.open(path) as image:
      heights[name] = image.height
  # One line more for each person.
  assert heights["student"] > heights["teacher"]


@pytest.mark.parametrize("step", ["last", "-1", "3.5", ""])
def test_a_step_is_a_number_or_best(step):
  assert cli.read_step("7") == 7 and cli.read_step("best") == "best"
  assert cli.read_step(None) is None
  with pytest.raises(UserError, match=f"--step={step} must be the step"):
    cli.read_step(step)


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_measured(
  tmp_path,
):
  (tmp_path / "file").touch()
  done = small_runs.run(
    ["--workdir=nowhere", f"--save_images={tmp_path}/file"],
    ("akd_jax.evaluate",),
  )
  assert done.returncode == 74 and "cannot write" in done.stderr


def test_what_is_not_there_is_named(runs, tmp_path):
  message = error(directories.load_run, str(tmp_path))
  assert str(tmp_path) in message and "config.json" in message
  message = error(directories.load_run, str(runs.student), 3)
  assert str(runs.student) in message and "2, 4, 6, 8, 10" in message
  run = directories.load_run(str(runs.student))
  complaint = error(evaluator.evaluate, run, ("Smilin",))
  assert "'Smiling'" in complaint
