"""The commands that the documents give are accepted, and scripts import."""

import ast
import importlib
import pathlib
import re
import shlex

import pytest

from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.configs.scales import changed
from akd_jax.experiments import definitions
from akd_jax.training import validation

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [
  ROOT / "README.md",
  *(ROOT / "docs").glob("*.md"),
  *(ROOT / "docs" / "findings").glob("*.md"),
]
SCRIPTS = [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "docs").glob("*.py")]
COMMAND = re.compile(
  r"python -m akd_jax\.(main|experiment) ((?:\\\n|[^\n`#&])*)"
)
# What stands for something: WEIGHT, [--seeds=3], ...
PLACEHOLDER = re.compile(r"[\[\]]|\b[A-Z]{4,}\b|\.\.\.")


def commands(module):
  """The arguments of each command of a module that can be given as it is."""
  lines = {
    rest.replace("\\\n", " ").strip()
    for page in PAGES
    for name, rest in COMMAND.findall(page.read_text())
    if name == module
  }
  return [shlex.split(x) for x in sorted(lines) if not PLACEHOLDER.search(x)]


def flag(arguments, name):
  start = f"--{name}="
  return next((x[len(start) :] for x in arguments if x.startswith(start)), "")


def fields(arguments):
  """{field: value} of --config.FIELD=VALUE."""
  given = [x.removeprefix("--config.").partition("=") for x in arguments]
  return {
    name: value_of(text) for name, _, text in given if not name.startswith("-")
  }


def value_of(text):
  try:
    return ast.literal_eval(text)
  except (SyntaxError, ValueError):
    return text


@pytest.mark.parametrize("arguments", commands("experiment"), ids=" ".join)
def test_every_experiment_takes_the_fields_that_a_document_gives_it(arguments):
  for name in filter(None, flag(arguments, "name").split(",")):
    name, _, scale = name.partition(":")
    if name in EXPERIMENTS:
      found = definitions.define(name, scale or "avatars")
      assert found.changed(fields(arguments)).variants
    else:
      assert definitions.is_file(name)


@pytest.mark.parametrize("arguments", commands("main"), ids=" ".join)
def test_every_recipe_takes_the_fields_that_a_document_gives_it(arguments):
  path, _, scale = flag(arguments, "config").partition(":")
  recipe = importlib.import_module(f"akd_jax.configs.{pathlib.Path(path).stem}")
  config = recipe.get_config(*filter(None, [scale]))
  config = changed(config, fields(arguments))
  # An attribute classifier's is of no system.
  assert "system" not in config or validation.check(config) is None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda x: x.name)
def test_a_script_imports_what_the_package_has(script):
  for node in ast.walk(ast.parse(script.read_text())):
    if not isinstance(node, ast.ImportFrom) or not node.module:
      continue
    if node.module.split(".")[0] != "akd_jax":
      continue
    module = importlib.import_module(node.module)
    for name in (x.name for x in node.names):
      if not hasattr(module, name):
        importlib.import_module(f"{node.module}.{name}")
