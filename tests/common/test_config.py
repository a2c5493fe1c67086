"""Names that fields had in earlier versions are still read, never written."""

import json
import subprocess
import sys

import pytest

from akd_jax.common.config import (
  ADDED,
  RENAMED,
  complete,
  read,
)
from akd_jax.common.errors import UserError
from akd_jax.common.overrides import rename_arguments
from akd_jax.configs import attgan, stgan, student, teacher
from tests.small_runs import ROOT

# What version 0.1.0 wrote as config.json.
EARLIER = {
  "student": (student, "debug"),
  "teacher": (teacher, "celeba"),
}


def earlier(name):
  path = ROOT / "tests" / "golden" / f"config_0_1_0_{name}.json"
  return json.loads(path.read_text())


@pytest.mark.parametrize("name", EARLIER)
def test_a_config_of_an_earlier_version_is_one_of_now(name):
  recipe, scale = EARLIER[name]
  config = recipe.get_config(scale)
  config.data.exclusive = (("Black_Hair", "Blond_Hair", "Gray_Hair"),)
  # What was best by a loss was never used, and nothing was held out.
  for fields in (config, config.get("teacher_recipe")):
    if fields is not None:
      fields.best_metric, fields.held_out.images = "", 0
  # It lay where those of avatars do.
  if config.teacher:
    config.teacher = "runs/teacher"
  read = complete(earlier(name))
  assert json.loads(read.to_json()) == json.loads(config.to_json())


def test_a_config_of_now_stays_as_it_is():
  fields = json.loads(student.get_config("debug").to_json())
  assert json.loads(complete(fields).to_json()) == fields


def test_a_section_that_an_earlier_version_lacks_is_added(monkeypatch):
  monkeypatch.setitem(ADDED, "held_out.images", 0)
  monkeypatch.setitem(ADDED, "data.new", 1)
  read = complete(earlier("student"))
  assert read.held_out.images == read.teacher_recipe.held_out.images == 0
  assert read.data.new == 1
  assert "data" not in read.teacher_recipe


@pytest.mark.parametrize("recipe", [attgan, stgan])
def test_networks_without_constants_have_the_authors(recipe):
  fields = json.loads(recipe.get_config("debug").to_json())
  expected = json.loads(json.dumps(fields))
  for section, names in (
    ("generator", ("slope", "epsilon")),
    ("discriminator", ("slope", "hidden_slope", "epsilon")),
  ):
    for name in names:
      del fields[section][name]
  assert json.loads(complete(fields).to_json()) == expected


def test_what_is_read_is_not_changed():
  fields = earlier("student")
  before = json.dumps(fields)
  complete(fields)
  assert json.dumps(fields) == before


def test_every_field_renamed_or_added_is_one_of_now():
  config = student.get_config("debug")
  for name in (*RENAMED.values(), *ADDED):
    section, _, field = name.rpartition(".")
    holder = config
    for part in section.split(".") if section else ():
      holder = holder[part]
    assert field in holder


@pytest.mark.parametrize("teachers", ["", "teacher_recipe."])
@pytest.mark.parametrize("old", RENAMED)
def test_a_field_is_set_by_its_old_name(old, teachers):
  old, new = teachers + old, teachers + RENAMED[old]
  for start in ("--config.", "-config."):
    assert rename_arguments([f"{start}{old}=5"]) == [f"{start}{new}=5"]
    assert rename_arguments([f"{start}{old}", "5", "-v"]) == [
      f"{start}{new}",
      "5",
      "-v",
    ]


@pytest.mark.parametrize(
  "argument",
  [
    "--config=configs/student.py:debug",
    "--config.steps=3",
    "--config.loss.lambda_cls=3",
    "--config.loss={'lambda_cls': 3}",
    "--config.loss=3",
    "--config.loss={",
    "--config.loss",
    "--config.data.distribution={'Bald': 0.5}",
    "--workdir=runs/loss.lambda_akd",
    "config.loss.lambda_akd=5",
    "",
  ],
)
def test_all_else_is_left_alone(argument):
  assert rename_arguments([argument]) == [argument]


@pytest.mark.parametrize(
  ("section", "fields", "renamed"),
  [
    ("loss", {"lambda_akd": 3}, ["distill.akd.weight=3"]),
    (
      "loss",
      {"lambda_cls": 1.0, "lambda_akd": 3.0, "lambda_out": 0.0},
      [
        "loss={'lambda_cls': 1.0}",
        "distill.akd.weight=3.0",
        "distill.output.weight=0.0",
      ],
    ),
    (
      "evaluation",
      {"images": 8, "looked_at": 2},
      ["evaluation={'images': 8, 'probe_images': 2}"],
    ),
    (
      "teacher_recipe",
      {"steps": 2, "loss": {"lambda_akd": 1.0}},
      [
        "teacher_recipe={'steps': 2, 'loss': {},"
        " 'distill': {'akd': {'weight': 1.0}}}"
      ],
    ),
    (
      "teacher_recipe.loss",
      {"lambda_out": 0.5},
      ["teacher_recipe.distill.output.weight=0.5"],
    ),
  ],
)
def test_a_section_is_set_by_old_names(section, fields, renamed):
  expected = [f"--config.{argument}" for argument in renamed]
  name = f"--config.{section}"
  assert rename_arguments([f"{name}={fields!r}"]) == expected
  assert rename_arguments([name, json.dumps(fields)]) == expected


PRINT = """
from absl import flags
from ml_collections import config_flags
from akd_jax.common import cli, overrides
def main(argv):
  fields = flags.FLAGS.config
  print(fields.distill.akd.weight, fields.teacher_recipe.distill.output.weight)
  print(sorted(overrides.read_given()))
cli.run(main, overrides.define)
"""


def test_commands_read_old_names():
  done = subprocess.run(
    [
      sys.executable,
      "-c",
      PRINT,
      "--config.loss.lambda_akd=7",
      "--config.teacher_recipe.loss.lambda_out",
      "0.25",
    ],
    cwd=ROOT,
    capture_output=True,
    text=True,
  )
  assert done.stdout.splitlines() == [
    "7.0 0.25",
    "['distill.akd.weight', 'teacher_recipe.distill.output.weight']",
  ]


def now(**changes):
  fields = json.loads(student.get_config("debug").to_json())
  for name, value in changes.items():
    section, _, field = name.rpartition("__")
    holder = fields[section] if section else fields
    holder[field] = value
    if value is None:
      del holder[field]
  return json.dumps(fields)


def test_what_was_written_is_read():
  for text in (now(), json.dumps(earlier("student"))):
    assert read(text, "here").steps == json.loads(text)["steps"]


@pytest.mark.parametrize(
  ("text", "what"),
  [
    ("", "is not JSON"),
    ("{", "is not JSON"),
    ("[]", "is of type list"),
    ("3", "is of type int"),
    ("{}", "is no config"),
    (now(steps=None), "lacks steps"),
    (now(loss__lambda_cls=None), "lacks loss.lambda_cls"),
    (now(loss=[]), "is no config"),
    (now(steps="many"), "steps is 'many'"),
    (now(steps=True), "steps is True"),
    (now(data__attributes="Bald"), "data.attributes is 'Bald'"),
    (now(generator__width=2.5), "generator.width is 2.5"),
  ],
)
def test_what_is_no_config_is_refused_by_its_name(text, what):
  with pytest.raises(UserError, match="^here ") as error:
    read(text, "here")
  assert what in str(error.value) and "\n" not in str(error.value)
