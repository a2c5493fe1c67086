"""Every field has a range, and whatever lies outside is refused by name."""

import importlib
import subprocess
import sys
from operator import attrgetter

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ml_collections import ConfigDict

from akd_jax.common import ranges
from akd_jax.common.errors import UserError
from akd_jax.common.paths import expand_fields
from akd_jax.configs import student, teacher
from akd_jax.configs.ranges import number, whole
from akd_jax.configs.scales import SCALES, changed
from akd_jax.data.dataset import LABEL_RULES
from akd_jax.distillation import akd
from akd_jax.evaluation.attribute_classifier import NETWORKS
from akd_jax.models.stargan import OUTPUTS
from akd_jax.systems import SYSTEMS
from akd_jax.training import validation
from akd_jax.training.optimizers import SCHEDULES
from akd_jax.training.shapes import network_shapes
from tests.layouts import error
from tests.small_runs import ROOT

RECIPES = [
  importlib.import_module(f"akd_jax.configs.{path.stem}")
  for path in sorted((ROOT / "configs").glob("*.py"))
  if "def get_config" in path.read_text()
]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda x: x.__name__)
def test_every_field_of_a_recipe_has_a_range_and_lies_in_it(recipe, scale):
  config = recipe.get_config(scale)
  # What a system alone reads it says itself.
  own = SYSTEMS[config.get("system", "stargan")].fields
  known = {*ranges.RANGES, *own, *(f"teacher_recipe.{x}" for x in own)}
  assert [x for x in fields(config) if x not in known] == []
  ranges.check(config)


def fields(config, start=""):
  """Dotted names; those inside a mapping that is one field are not fields."""
  for name, value in config.items():
    if isinstance(value, ConfigDict) and start + name not in ranges.RANGES:
      yield from fields(value, f"{start}{name}.")
    else:
      yield start + name


def test_a_field_that_somebody_has_added_is_theirs():
  config = teacher.get_config("debug")
  config.distill.squared = ConfigDict({"weight": -1})
  ranges.check(config)


def test_a_tilde_is_expanded_in_paths_that_nobody_else_expands(monkeypatch):
  monkeypatch.setenv("HOME", "/home/me")
  config = student.get_config("debug")
  paths = ("teacher", "evaluation.inception", "classifier.weights",
           "teacher_recipe.teacher",
           "teacher_recipe.evaluation.inception")  # fmt: skip
  # Recipes, and the pages of experiments, are known by these as written.
  others = ("data.path", "data.csv", "best_metric")
  config.update_from_flattened_dict(dict.fromkeys(paths + others, "~/x"))
  config.classifier.data = {"csv": "~/x"}
  expand_fields(config, ranges.is_expanded)
  for name in paths:
    assert attrgetter(name)(config) == "/home/me/x", name
  for name in (*others, "classifier.data.csv"):
    assert attrgetter(name)(config) == "~/x", name
  # As a command line has them.
  given = {"teacher": "~/x", "classifier.data": {"path": "~/x"}, "seed": 3}
  expand_fields(given, ranges.is_expanded)
  assert given == {
    "teacher": "/home/me/x",
    "classifier.data": {"path": "~/x"},
    "seed": 3,
  }


def test_what_is_lacking_is_named():
  config = student.get_config("debug")
  config.optimizer = ConfigDict({"beta1": 0.5})
  message = error(ranges.check, config)
  assert message.startswith("config.optimizer lacks learning_rate: set its")
  config = student.get_config("debug")
  del config.teacher_recipe["loss"]
  message = error(ranges.check, config)
  assert message.startswith("config.teacher_recipe lacks loss: set its")
  config = student.get_config("debug")
  put(config, "loss", 3)
  message = error(ranges.check, config)
  assert message == "config.loss=3 must be a section of fields"


@pytest.mark.parametrize(
  ("fields", "message"),
  [
    ({"optimizer.beta1": 2.0}, "optimizer.beta1=2 must lie in [0, 1)"),
    ({"optimizer.ema": 1.5}, "optimizer.ema=1.5 must lie in [0, 1)"),
    (
      {"loss.lambda_cls": float("nan")},
      "loss.lambda_cls=nan must lie in [0, 1000000000]",
    ),
    (
      {"distill.akd.weight": float("inf")},
      "distill.akd.weight=inf must lie in [0, 1000000000]",
    ),
    (
      {"checkpoint_every": 0},
      "checkpoint_every=0 must be a whole number in [1, 2147483647]",
    ),
    ({"seed": -1}, "seed=-1 must be a whole number in [0, 4294967295]"),
    ({"batch_size": 0}, "batch_size=0 must be a whole number in [1, 65536]"),
    (
      {"data.threads": -1},
      "data.threads=-1 must be a whole number in [1, 256]",
    ),
    (
      {"discriminator.layers": 2147483648},
      "discriminator.layers=2147483648 must be a whole number in [1, 11]",
    ),
    (
      {"data.attributes": (1, 2)},
      "data.attributes=(1, 2) must be different names: ('Smiling', 'Goatee'),"
      " or ()",
    ),
    ({"data.test_share": 0.0}, "data.test_share=0 must lie in (0, 0.5]"),
    (
      {"data.distribution": {"Bald": 2.0}},
      "data.distribution.Bald=2 must lie in [0, 1]",
    ),
    (
      {"data.conditional": {"Bald": {"Male": -1.0}}},
      "data.conditional.Bald.Male=-1 must lie in [0, 1]",
    ),
    (
      {"classifier.data": {"threads": 0}},
      "classifier.data.threads=0 must be a whole number in [1, 256]",
    ),
    (
      {"teacher_recipe.steps": 0},
      "teacher_recipe.steps=0 must be a whole number in [1, 2147483647]",
    ),
    (
      {"evaluation.protocol": "flips"},
      "evaluation.protocol='flips' must be one of lacking, all, flip; did you"
      " mean 'flip'?",
    ),
  ],
)
def test_what_lies_outside_is_refused_by_name(fields, message):
  config = changed(student.get_config("debug"), fields)
  assert error(ranges.check, config) == f"config.{message}"


def test_a_range_has_the_ends_that_it_shows():
  half = number(0, 1, "(]")
  assert half.text == "lie in (0, 1]"
  assert [half.holds(x) for x in (0, 1e-9, 1, 1.001)] == [0, 1, 1, 0]
  assert not half.holds(float("nan")) and not half.holds("1")
  few = whole(1, 3)
  assert [few.holds(x) for x in (0, 1, 3, 4)] == [0, 1, 1, 0]
  assert not few.holds(2.0) and not few.holds(True)


def test_words_of_ranges_are_those_of_the_tables():
  tables = {
    "generator.output": OUTPUTS,
    "optimizer.schedule": SCHEDULES,
    "data.label_rule": LABEL_RULES,
    "classifier.name": NETWORKS,
    # Whoever adds a map need not change the recipe.
    **{f"attention.{x}": akd.OPTIONS[x] for x in akd.OPTIONS if x != "method"},
  }
  for field, table in tables.items():
    assert ranges.RANGES[field].choices == tuple(table), field


@pytest.mark.parametrize(
  ("command", "options"),
  [
    ("main", ["--config=configs/classifier.py:debug"]),
    ("main", ["--config=configs/student.py:debug"]),
    ("evaluate", ["--workdir=no/such/run"]),
    ("experiment", ["--name=no_such_experiment"]),
  ],
)
def test_a_command_says_so_before_anything_else(command, options):
  code = (
    f"import runpy, sys; sys.argv = ['x', *{options!r},"
    " '--config.classifier.epochs=0']\n"
    "import os; sys.addaudithook(lambda event, x: os._exit(3) if event =="
    " 'import' and x[0] in ('jax', 'tensorflow') else None)\n"
    f"runpy.run_module('akd_jax.{command}', run_name='__main__')"
  )
  done = subprocess.run(
    [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
  )
  assert done.returncode == 2
  assert done.stderr == (
    "error: config.classifier.epochs=0 must be a whole number in [1, 10000]\n"
  )


# Whatever a field may be set to, but for what the flags' parsers refuse.
VALUES = st.one_of(
  st.integers(),
  st.integers(-2, 12),
  st.floats(),
  st.floats(-1, 2),
  st.booleans(),
  st.none(),
  st.text(max_size=8),
  st.sampled_from(["stargan", "last", "0", "none", "teacher", "flip", "own"]),
  st.lists(st.text(max_size=3) | st.integers(), max_size=3).map(tuple),
  st.dictionaries(st.sampled_from(["Bald", "Male"]), st.floats(), max_size=2),
)


def put(config, field, value):
  """Sets a field, of whichever type; returns what it is then."""
  section, _, name = field.rpartition(".")
  for part in section.split(".") if section else ():
    config = config[part]
  with config.ignore_type():
    config[name] = ConfigDict(value) if isinstance(value, dict) else value
  return config[name]


@settings(
  max_examples=200,
  derandomize=True,
  database=None,
  deadline=None,
  suppress_health_check=list(HealthCheck),
)
@given(field=st.sampled_from(sorted(ranges.RANGES)), value=VALUES)
@example(field="discriminator.layers", value=11)
@example(field="generator.width", value=1024)
@example(field="generator.blocks", value=128)
@example(field="data.image_size", value=6)
@example(field="data.attributes", value=())
@example(field="discriminator.width", value=1024)
@example(field="attention.block", value="")
@example(field="teacher", value="x" * 5000)
@example(field="classifier.weights", value="a\0b")
def test_any_field_is_refused_in_a_line_or_describes_networks(field, value):
  config = student.get_config("debug")
  value = put(config, field, value)
  try:
    validation.check(config)
  except UserError as refused:
    text = str(refused)
    assert "\n" not in text and len(text) < 400
    assert field.rpartition(".")[2] in text
  else:
    assert ranges.RANGES[field].holds(value)
    if field.startswith(("data.", "generator.", "discriminator.", "dtype")):
      # () is all that the data have.
      config.data.attributes = config.data.attributes or ("Smiling",)
      network_shapes(config)
